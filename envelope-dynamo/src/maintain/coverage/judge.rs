//! What the headers of one stored item claim, and what is wrong with them.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    BranchVersion, ContextForm, EncryptedDek, Escaped, KeyKind, KmsKeyHint, UntrustedPayload,
};

use crate::convert::type_name;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::layout::{dek_attribute, is_sealed, payload_attribute};
use crate::maintain::plain_fields::plain_fields;
use crate::maintain::report::FindingKind;
use crate::maintain::stored_table::StoredTable;
use crate::record::kind::Kind;
use crate::record::schema::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD, is_reserved};

/// What is expected of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// The keys under which no data key may be, with their hints.
    pub(crate) none_under: Vec<(String, KmsKeyHint)>,
    pub(crate) all_sealed: bool,
    /// Whether the versions of branch keys are compared with those of the branch keys' table.
    pub(crate) has_branch_keys: bool,
    /// Whether all attributes were read.
    pub(crate) all_attributes: bool,
}

/// Judges the items of a table.
pub(crate) struct Judge<'a> {
    table: &'a StoredTable,
    rules: &'a Rules,
    /// The names of each kind's attributes, and last those of all kinds: for an unknown item.
    names: Vec<Names>,
}

/// The attributes of sealed data that a kind of record has.
#[derive(Default)]
struct Names {
    groups: Vec<Group>,
    /// Whether there is a payload beside a wrapped key: branch keys have none.
    has_payload: bool,
}

#[derive(Clone)]
struct Group {
    name: &'static str,
    dek: String,
    payload: String,
}

/// What the headers of an item claim.
pub(crate) struct Judged {
    /// The position of the kind; the number of kinds if the item is of none, or of several.
    pub(crate) kind: usize,
    pub(crate) is_sealed: bool,
    pub(crate) entries: Vec<Entry>,
    /// The versions of branch keys that it names.
    pub(crate) versions: Vec<[u8; BranchVersion::BYTES]>,
    /// What is wrong, at most once of each kind.
    pub(crate) problems: Vec<(FindingKind, String)>,
}

/// What a header claims of one wrapped key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    /// The position of the kind.
    pub(crate) kind: usize,
    pub(crate) group: Option<&'static str>,
    pub(crate) key_kind: KeyKind,
    pub(crate) form: ContextForm,
    /// The beginning of the key's id, and its length.
    pub(crate) id: ([u8; 16], usize),
}

impl<'a> Judge<'a> {
    pub(crate) fn new(table: &'a StoredTable, rules: &'a Rules) -> Self {
        let mut names: Vec<_> = table.kinds().iter().map(Names::of).collect();
        let mut all = Names::default();
        for group in names.iter().flat_map(|names| &names.groups) {
            if !all.groups.iter().any(|other| other.name == group.name) {
                all.groups.push(group.clone());
            }
        }
        names.push(all);
        Self { table, rules, names }
    }

    pub(crate) fn judge(&self, item: &Item) -> Judged {
        let (kind, unknown) = self.kind_of(item);
        let mut judged = Judged {
            kind,
            is_sealed: false,
            entries: Vec::new(),
            versions: Vec::new(),
            problems: Vec::new(),
        };
        let Some(names) = self.names.get(kind) else { return judged };
        let own = item.get(ENCRYPTED_DEK);
        let payload = item.get(ENCRYPTED_PAYLOAD);
        let groups = || names.groups.iter().map(|group| (group, item.get(&group.dek)));
        let has_group_key = groups().any(|(_, dek)| dek.is_some());
        judged.is_sealed = own.is_some() || payload.is_some() || has_group_key;
        if let Some(own) = own {
            self.wrapped_key(None, ENCRYPTED_DEK, own, &mut judged);
        }
        for (group, dek) in groups() {
            if let Some(dek) = dek {
                self.wrapped_key(Some(group.name), &group.dek, dek, &mut judged);
            }
        }
        self.foreign_groups(names, item, &mut judged);
        if payload.is_some() || names.has_payload {
            check_layout(names, item, unknown.is_none(), &mut judged);
        }
        if self.rules.all_attributes {
            self.other_attributes(names, item, &mut judged);
        }
        if let (true, Some(problem)) = (judged.is_sealed, unknown) {
            judged.add(FindingKind::UnknownEntity, || problem.to_string());
        }
        if let Some(kind) = self.table.kinds().get(judged.kind).filter(|kind| kind.unprotected) {
            // Readers refuse such an item.
            if let Some(problem) = kind.sealed_nevertheless(item) {
                judged.is_sealed = true;
                judged.problems.retain(|(kind, _)| *kind != FindingKind::Malformed);
                judged.add(FindingKind::Malformed, || problem.to_string());
            }
            if self.rules.all_sealed {
                self.values_of_others(kind, item, &mut judged);
            }
        } else if self.rules.all_sealed {
            self.plaintext(item, &mut judged);
        }
        judged
    }

    /// Judges what stands in plaintext. A payload seals an item, and no other attribute does:
    /// whoever can write the table can add a wrapped key to a plain item.
    fn plaintext(&self, item: &Item, judged: &mut Judged) {
        if !is_sealed(item) {
            return judged.add(FindingKind::NotSealed, || "it has no sealed fields".to_owned());
        }
        // Of an item of an unknown kind, nobody knows which fields are to be protected.
        let Some(kind) = self.table.kinds().get(judged.kind) else { return };
        let plain = plain_fields(kind.schema, item);
        if !plain.is_empty() {
            judged.add(FindingKind::PlainField, || {
                let names: Vec<_> = plain.iter().map(|name| format!("`{name}`")).collect();
                format!("the record is sealed, and in plaintext stands {}", names.join(", "))
            });
        }
    }

    /// Judges the attributes of an unprotected item that are none of its type's, and that another
    /// type protects: a record of that type may stand there.
    fn values_of_others(&self, kind: &Kind, item: &Item, judged: &mut Judged) {
        let is_protected = |name: &&String| {
            let owners = self.table.kinds().iter().filter_map(|other| other.schema.owner(name));
            let mut owners = owners.filter(|field| !field.is_generated());
            owners.any(|field| field.mark.is_protected())
        };
        let is_foreign = |name: &&String| kind.schema.owner(name).is_none();
        let mut names: Vec<_> = item.keys().filter(is_foreign).filter(is_protected).collect();
        names.sort_unstable();
        if !names.is_empty() {
            judged.add(FindingKind::PlainField, || {
                let names: Vec<_> =
                    names.iter().map(|name| format!("`{}`", Escaped(name))).collect();
                format!(
                    "`{}` is unprotected, and the item has {}, which another type protects",
                    kind.name,
                    names.join(", ")
                )
            });
        }
    }

    /// The position of the one kind that the item is; otherwise the number of kinds, and why.
    fn kind_of(&self, item: &Item) -> (usize, Option<ErrorKind>) {
        let kinds = self.table.kinds();
        let mut matching = Kind::matching(kinds, item);
        let names = |all: &[&Kind]| all.iter().map(|kind| kind.name).collect();
        let problem = match (matching.next(), matching.next()) {
            (Some((position, _)), None) => return (position, None),
            (Some((_, first)), Some((_, second))) => {
                DataError::SeveralEntities { entities: names(&[first, second]) }
            }
            (None, _) => DataError::NoEntity { entities: names(&kinds.iter().collect::<Vec<_>>()) },
        };
        (kinds.len(), Some(problem.into()))
    }

    /// Judges the wrapped key in `attribute`.
    fn wrapped_key(
        &self,
        group: Option<&'static str>,
        attribute: &str,
        value: &AttributeValue,
        judged: &mut Judged,
    ) {
        let AttributeValue::B(bytes) = value else {
            let found = type_name(value);
            return judged.add(FindingKind::Malformed, || {
                format!("`{}` is not binary, but {found}", Escaped(attribute))
            });
        };
        let dek = match EncryptedDek::parse(bytes.as_ref()) {
            Ok(dek) => dek,
            Err(error) => {
                let problem = || format!("`{}`: {error}", Escaped(attribute));
                return judged.add(FindingKind::Malformed, problem);
            }
        };
        if let Some(kind) = self.table.kinds().get(judged.kind)
            && dek.form() != kind.form
        {
            judged.add(FindingKind::Malformed, || {
                format!(
                    "`{}` was written for the context form `{}`, and the schema file says `{}`",
                    Escaped(attribute),
                    dek.form(),
                    kind.form
                )
            });
        }
        for entry in dek.keys() {
            let id = beginning(entry.kind(), entry.id());
            let (kind, key_kind, form) = (judged.kind, entry.kind(), dek.form());
            judged.entries.push(Entry { kind, group, key_kind, form, id });
            self.entry(attribute, entry.kind(), entry.id(), judged);
        }
    }

    /// Judges one entry of a wrapped key.
    fn entry(&self, attribute: &str, kind: KeyKind, id: &[u8], judged: &mut Judged) {
        let rules = self.rules;
        let is_expected = !rules.none_under.is_empty();
        let problem = match kind {
            KeyKind::AWS_KMS => {
                let Some((key, _)) = rules.none_under.iter().find(|(_, hint)| hint.fits(id)) else {
                    return;
                };
                let problem = || format!("`{}` names {key}", Escaped(attribute));
                return judged.add(FindingKind::UnderKey, problem);
            }
            KeyKind::BRANCH if rules.has_branch_keys => match id.try_into() {
                Ok(version) => return judged.versions.push(version),
                Err(_) => FindingKind::UnknownBranchKey,
            },
            _ if !is_expected => return,
            KeyKind::BRANCH => FindingKind::BranchKey,
            KeyKind::LOCAL => FindingKind::LocalKey,
            KeyKind::RSA_OAEP => FindingKind::RsaKey,
            _ => FindingKind::PrivateKey,
        };
        judged.add(problem, || {
            format!(
                "`{}` has an entry of the kind {}, which does not say under which KMS key it is",
                Escaped(attribute),
                key_kind_name(kind)
            )
        });
    }

    /// Judges the wrapped keys of groups that only other kinds of record have.
    fn foreign_groups(&self, names: &Names, item: &Item, judged: &mut Judged) {
        let all = self.names.last().map_or(&[][..], |all| &all.groups);
        if all.len() == names.groups.len() {
            return;
        }
        let is_foreign = |group: &&Group| !names.groups.iter().any(|own| own.name == group.name);
        for group in all.iter().filter(is_foreign) {
            let Some(dek) = item.get(&group.dek) else { continue };
            judged.is_sealed = true;
            self.wrapped_key(Some(group.name), &group.dek, dek, judged);
            judged.add(FindingKind::UnknownGroup, || {
                format!("it has `{}`, a group of another entity type", group.dek)
            });
        }
    }

    /// Judges the attributes that the schema file does not name. They can be seen only if all
    /// attributes were read.
    fn other_attributes(&self, names: &Names, item: &Item, judged: &mut Judged) {
        let is_known = |name: &str| {
            let groups = &names.groups;
            [ENCRYPTED_DEK, ENCRYPTED_PAYLOAD].contains(&name)
                || groups.iter().any(|group| group.dek == name || group.payload == name)
        };
        for (name, value) in item.iter().filter(|(name, _)| !is_known(name)) {
            if is_reserved(name) {
                judged.is_sealed = true;
                judged.add(FindingKind::UnknownAttribute, || {
                    format!("no record of the schema file has `{}`", Escaped(name))
                });
            }
            if let AttributeValue::B(bytes) = value
                && let Ok(dek) = EncryptedDek::parse(bytes.as_ref())
            {
                for entry in dek.keys() {
                    self.entry(name, entry.kind(), entry.id(), judged);
                }
            }
        }
    }
}

impl Judged {
    fn add(&mut self, kind: FindingKind, problem: impl FnOnce() -> String) {
        if !self.problems.iter().any(|(other, _)| *other == kind) {
            self.problems.push((kind, problem()));
        }
    }
}

impl Names {
    fn of(kind: &Kind) -> Self {
        let group = |name: &'static str| Group {
            name,
            dek: dek_attribute(name),
            payload: payload_attribute(name),
        };
        Self {
            groups: kind.schema.groups().into_iter().map(group).collect(),
            has_payload: kind
                .schema
                .iter()
                .any(|field| !field.mark.is_key() && !field.is_generated()),
        }
    }
}

/// Checks that the payload, and the wrapped keys beside it, belong together.
fn check_layout(names: &Names, item: &Item, is_known: bool, judged: &mut Judged) {
    let own = item.contains_key(ENCRYPTED_DEK);
    let payload = match item.get(ENCRYPTED_PAYLOAD) {
        Some(AttributeValue::B(payload)) => payload,
        Some(other) => {
            let found = type_name(other);
            return judged.add(FindingKind::Malformed, || {
                format!("`{ENCRYPTED_PAYLOAD}` is not binary, but {found}")
            });
        }
        None if judged.is_sealed => {
            return judged.add(FindingKind::Malformed, || {
                format!("it has a wrapped key, but no `{ENCRYPTED_PAYLOAD}`")
            });
        }
        None => return,
    };
    if !own {
        judged.add(FindingKind::Malformed, || {
            format!("it has `{ENCRYPTED_PAYLOAD}`, but no `{ENCRYPTED_DEK}`")
        });
    }
    let listed = match UntrustedPayload::names_in(payload.as_ref()) {
        Ok(listed) => listed,
        Err(error) => return judged.add(FindingKind::Malformed, || error.to_string()),
    };
    for name in listed.iter().filter(|name| is_reserved(name)) {
        if !names.groups.iter().any(|group| group.payload == **name) {
            judged.add(FindingKind::UnknownGroup, || {
                format!("the payload lists `{}`, which the schema file lacks", Escaped(name))
            });
        }
    }
    // For an item of an unknown kind, the groups of all kinds are tried.
    for group in names.groups.iter().filter(|_| is_known) {
        match (listed.contains(&group.payload), item.contains_key(&group.dek)) {
            (true, false) => judged.add(FindingKind::Malformed, || {
                format!(
                    "the payload lists the group `{}`, and `{}` is absent",
                    group.name, group.dek
                )
            }),
            (false, true) => judged.add(FindingKind::Malformed, || {
                format!("it has `{}`, and the payload does not list that group", group.dek)
            }),
            _ => {}
        }
    }
}

/// The part of a key's id that is counted: for KMS without the key material.
fn beginning(kind: KeyKind, id: &[u8]) -> ([u8; 16], usize) {
    let key = match (kind, KmsKeyHint::parse(id)) {
        (KeyKind::AWS_KMS, Some(hint)) => &hint.key()[..],
        _ => id,
    };
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    (bytes, key.len().min(bytes.len()))
}

/// The name of a kind of key in reports.
pub(crate) fn key_kind_name(kind: KeyKind) -> String {
    match kind {
        KeyKind::LOCAL => "local".to_owned(),
        KeyKind::AWS_KMS => "aws-kms".to_owned(),
        KeyKind::BRANCH => "branch".to_owned(),
        KeyKind::RSA_OAEP => "rsa-oaep".to_owned(),
        other => format!("kind {}", other.to_byte()),
    }
}

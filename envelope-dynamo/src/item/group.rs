//! Groups of encrypted fields, each with a payload and a data key of its own (FORMAT 4.6).

use envelope_core::{
    Content, Context, GROUP_PAIR, KeyErrorKind, OpenError, Plaintext, UntrustedPayload, UnwrapKey,
    open_payload,
};

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::context::bare_context;
use crate::item::layout::{binary, dek_attribute, payload_attribute};
use crate::record::Envelope;
use crate::record::kind::Kind;
use crate::record::schema::{Schema, is_reserved};

/// The groups whose values `record` does not have.
pub(crate) fn withheld_groups<T: Envelope>(record: &T) -> Result<Vec<&'static str>, ErrorKind> {
    let states = record.withheld();
    let mut withheld = Vec::new();
    for (group, is_withheld) in &states {
        if states.iter().any(|(other, state)| other == group && state != is_withheld) {
            return Err(ErrorKind::Usage(UsageError::PartOfGroupWithheld { group }));
        }
        if *is_withheld && !withheld.contains(group) {
            withheld.push(*group);
        }
    }
    Ok(withheld)
}

/// The groups that are sealed in a record and that the struct does not have.
pub(crate) fn unknown_groups(schema: Schema, authenticated: &[String]) -> Vec<String> {
    let own: Vec<_> = schema.groups().into_iter().map(payload_attribute).collect();
    let payloads = authenticated.iter().filter(|name| is_reserved(name) && !own.contains(name));
    payloads
        .filter_map(|name| name.strip_prefix(&payload_attribute("")).map(str::to_owned))
        .collect()
}

/// The context of a group's data key and payload: the record's keys and pairs, and the group.
pub(crate) fn group_context<'i>(
    kind: &Kind,
    item: &'i Item,
    group: &'static str,
) -> Result<Context<'i>, ErrorKind> {
    Ok(bare_context(kind, item)?.pair(GROUP_PAIR, group)?)
}

/// Copies a group, whose values the record does not have, from the `stored` item.
pub(crate) fn copy_group(
    item: &mut Item,
    group: &'static str,
    stored: &Item,
) -> Result<(), ErrorKind> {
    for name in [payload_attribute(group), dek_attribute(group)] {
        let attribute =
            stored.get(&name).ok_or(ErrorKind::Usage(UsageError::GroupWithheld { group }))?;
        item.insert(name, attribute.clone());
    }
    Ok(())
}

/// A group of an opened record.
pub(crate) enum Group {
    /// Its fields.
    Opened(Plaintext),
    /// The reader may not use the key of the group.
    Withheld,
}

/// Opens a group whose payload the record authenticates; `None` if the record was written without
/// the group.
pub(crate) async fn open_group(
    kind: &Kind,
    item: &mut Item,
    group: &'static str,
    authenticated: &[String],
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<Option<Group>, ErrorKind> {
    let Some((payload, dek)) = take_group(item, group, authenticated)? else { return Ok(None) };
    let context = group_context(kind, item, group)?;
    match open_payload(payload, &dek, Content::Group, &context, provider).await {
        Ok(plaintext) => Ok(Some(Group::Opened(plaintext))),
        Err(OpenError::Key(error)) if withholds(error.kind()) => Ok(Some(Group::Withheld)),
        Err(OpenError::Authentication) => Err(ErrorKind::Data(DataError::NotAuthentic {
            authenticated: Vec::new(),
            now_plaintext: Vec::new(),
        })),
        Err(error) => Err(error.into()),
    }
}

/// Removes the payload and the wrapped key of a group from the item, and returns them; `None` if
/// the record was written without the group (FORMAT 4.6-4).
pub(crate) fn take_group(
    item: &mut Item,
    group: &'static str,
    authenticated: &[String],
) -> Result<Option<(UntrustedPayload, Vec<u8>)>, ErrorKind> {
    let names = [payload_attribute(group), dek_attribute(group)];
    let [payload, dek] =
        names.each_ref().map(|name| item.remove(name).map(|attribute| binary(name, attribute)));
    let [payload_name, dek_name] = names;
    match (payload.transpose()?, dek.transpose()?, authenticated.contains(&payload_name)) {
        (None, None, false) => Ok(None),
        (Some(payload), Some(dek), true) => {
            let payload = UntrustedPayload::parse(payload).map_err(OpenError::from)?;
            // FORMAT 4.6-1
            if !payload.authenticated_names().is_empty() {
                return Err(ErrorKind::Data(DataError::Malformed(
                    "the payload of a group lists authenticated attributes",
                )));
            }
            Ok(Some((payload, dek)))
        }
        (None, _, true) => {
            Err(ErrorKind::Data(DataError::IncompleteGroup { group, missing: payload_name }))
        }
        (Some(_), None, true) => {
            Err(ErrorKind::Data(DataError::IncompleteGroup { group, missing: dek_name }))
        }
        (_, _, false) => Err(ErrorKind::Data(DataError::AddedGroup { group })),
    }
}

/// Whether the error means that this reader never gets the key. Outages and changed records are
/// errors, not withheld groups.
const fn withholds(kind: KeyErrorKind) -> bool {
    matches!(
        kind,
        KeyErrorKind::AccessDenied
            | KeyErrorKind::WrongKey
            | KeyErrorKind::KeyDisabled
            | KeyErrorKind::PendingDeletion
            | KeyErrorKind::KeyNotFound
    )
}

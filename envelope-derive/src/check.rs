//! The rules that a record keeps: a flat list, each rule a function, every breach reported.

mod composed;
mod read_back;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::attr::Mark;
use crate::composed::Part;
use crate::errors::Errors;
use crate::expand::value_type;
use crate::field::Field;
use crate::indexes;
use crate::input::{Input, Name};
use crate::key_type::{self, Refusal};
use crate::role;

/// The attributes in which the sealed fields and their data key are stored.
const RESERVED_ATTRIBUTES: [&str; 2] = ["encrypted_payload", "encrypted_dek"];

/// The names that every record puts into its encryption context.
const RESERVED_CONTEXT: [&str; 3] = ["table", "partition_key", "sort_key"];

/// The name that is in the context of what KMS encrypts directly, and in no record's.
const DOMAIN_CONTEXT: &str = "envelope";

/// A record that keeps the rules.
pub(crate) struct Record<'a> {
    pub(crate) input: &'a Input,
    pub(crate) table: String,
    /// The stored fields with their marks, in the order of the struct.
    pub(crate) fields: Vec<(&'a Field, Mark)>,
    pub(crate) partition_key: Key<'a>,
    pub(crate) sort_key: Option<Key<'a>>,
}

/// A key attribute: a field, or composed of fields.
pub(crate) struct Key<'a> {
    /// The field, or those that make up the composed key and are in no other key before it.
    pub(crate) fields: Vec<&'a Field>,
}

impl Record<'_> {
    /// Whether a value of the sort key tells records apart: a constant one does not.
    pub(crate) fn typed_sort_key(&self) -> Option<&Key<'_>> {
        self.sort_key.as_ref().filter(|key| !key.fields.is_empty())
    }
}

/// Applies every rule; `None` if anything was reported, here or before.
pub(crate) fn check<'a>(input: &'a Input, errors: &mut Errors) -> Option<Record<'a>> {
    context_names_are_free(input, errors);
    the_group_has_its_pair(input, errors);
    context_values_are_given(input, errors);
    for field in &input.fields {
        one_mark(field, errors);
        skipped_fields_carry_nothing(field, errors);
        keys_are_always_stored(field, errors);
        keys_are_scalars(field, errors);
        encryption_context_is_readable(field, errors);
        grouped_fields_are_whole(field, errors);
        role::check(field, errors);
    }
    one_partition_key(input, errors);
    at_most_one_sort_key(input, errors);
    something_is_encrypted(input, errors);
    names_are_free(input, errors);
    names_are_unique(input, errors);
    composed::check(input, errors);
    indexes::check(input, errors);
    role::check_all(input, errors);
    // Of a record that breaks another rule, this would often be said as a consequence.
    if errors.is_empty() {
        input.fields.iter().for_each(|field| read_back::check(input, field, errors));
    }
    if errors.is_empty() { record(input) } else { None }
}

fn record(input: &Input) -> Option<Record<'_>> {
    let fields: Vec<_> =
        input.stored_fields().filter_map(|field| Some((field, field.mark?))).collect();
    let partition_key = key(input, &fields, Mark::PartitionKey)?;
    let sort_key = key(input, &fields, Mark::SortKey).map(|sort| {
        let is_new =
            |field: &&Field| partition_key.fields.iter().all(|other| other.ident != field.ident);
        Key { fields: sort.fields.into_iter().filter(is_new).collect() }
    });
    Some(Record {
        input,
        table: input.options.table.as_ref()?.value(),
        fields,
        partition_key,
        sort_key,
    })
}

/// The types of the keys as far as they are known, for the code generated for a record with
/// mistakes.
pub(crate) fn key_types(input: &Input) -> [TokenStream; 2] {
    let fields: Vec<_> =
        input.stored_fields().filter_map(|field| Some((field, field.mark?))).collect();
    [Mark::PartitionKey, Mark::SortKey]
        .map(|mark| key(input, &fields, mark).map_or_else(|| quote!(()), |key| value_type(&key)))
}

fn key<'a>(input: &'a Input, fields: &[(&'a Field, Mark)], mark: Mark) -> Option<Key<'a>> {
    if let Some(key) = input.composed.iter().find(|key| key.mark == mark) {
        let of = |part: &Part| fields.iter().map(|(field, _)| *field).find(|field| part.is(field));
        return Some(Key { fields: key.parts().filter_map(of).collect() });
    }
    let (field, _) = fields.iter().find(|(_, of)| *of == mark)?;
    Some(Key { fields: vec![field] })
}

fn one_mark(field: &Field, errors: &mut Errors) {
    let [first, second, ..] = field.marks.as_slice() else { return };
    let ident = &field.ident;
    let (a, b) = (first.mark.attribute(), second.mark.attribute());
    if field.is_key() && field.has_mark(Mark::Encrypted) {
        let key = if first.mark.is_key() { a } else { b };
        errors.report(
            &second.attribute,
            format_args!("the key `{ident}` cannot be encrypted: DynamoDB finds the record by it"),
            format_args!(
                "keep `#[{key}]` alone; `#[envelope(kms_context = \"hashed\")]` keeps the key out of the audit log"
            ),
        );
    } else if a == b {
        errors.report(
            &second.attribute,
            format_args!("`#[{a}]` is given twice on `{ident}`"),
            "keep one of the two",
        );
    } else {
        errors.report(
            &second.attribute,
            format_args!("`{ident}` is marked both `#[{a}]` and `#[{b}]`"),
            format_args!("keep the one that holds: `#[{a}]` or `#[{b}]`"),
        );
    }
}

fn skipped_fields_carry_nothing(field: &Field, errors: &mut Errors) {
    if !field.serde.is_skipped() {
        return;
    }
    let ident = &field.ident;
    if let Some(written) = field.marks.first() {
        let mark = written.mark.attribute();
        errors.report(
            &written.attribute,
            format_args!("`{ident}` is marked `#[{mark}]`, but serde skips it: it is never stored"),
            format_args!("remove `#[{mark}]`, or `#[serde(skip)]`"),
        );
    } else if let Some(attribute) = &field.encryption_context {
        errors.report(
            attribute,
            format_args!(
                "`{ident}` is skipped by serde: it has no value for the encryption context"
            ),
            "remove `#[encryption_context]`, or `#[serde(skip)]`",
        );
    }
}

fn keys_are_always_stored(field: &Field, errors: &mut Errors) {
    if !field.is_key() || field.serde.is_skipped() {
        return;
    }
    for skip in &field.serde.skips {
        let problem = format_args!("the key `{}` must be part of every record", field.ident);
        errors.report(skip, problem, format_args!("remove `{skip}`"));
    }
}

fn keys_are_scalars(field: &Field, errors: &mut Errors) {
    if !field.is_key() || field.serde.with.serialize {
        return;
    }
    let ident = &field.ident;
    match key_type::refused(&field.ty) {
        Some(Refusal::Bytes) => errors.report(
            &field.ty,
            format_args!("the key `{ident}` would be a list of numbers, which is how serde writes this type"),
            "write it as bytes: `#[serde(with = \"serde_bytes\")]`",
        ),
        Some(Refusal::Is(what)) => errors.report(
            &field.ty,
            format_args!("the key `{ident}` cannot be {what}: DynamoDB takes strings, numbers and bytes"),
            "use a `String`, a number, bytes with `#[serde(with = \"serde_bytes\")]`, or a type that serde writes as \
             one of these",
        ),
        None => {}
    }
}

fn encryption_context_is_readable(field: &Field, errors: &mut Errors) {
    let Some(attribute) = &field.encryption_context else { return };
    let ident = &field.ident;
    if field.has_mark(Mark::Encrypted) {
        errors.report(
            attribute,
            format_args!("`{ident}` is encrypted, but CloudTrail shows the encryption context in clear"),
            "remove `#[encryption_context]`, or mark the field `#[authenticated]` instead of `#[encrypted]`",
        );
    } else if field.serde.skip.serialize && !field.serde.is_skipped() {
        errors.report(
            attribute,
            format_args!(
                "`{ident}` is never written, so it has no value for the encryption context"
            ),
            "remove `skip_serializing` or `#[encryption_context]`",
        );
    }
}

/// The type of a grouped field says that its value may be withheld, so serde must see the field
/// itself.
fn grouped_fields_are_whole(field: &Field, errors: &mut Errors) {
    let (Some(group), ident) = (&field.group, &field.ident) else { return };
    if field.serde.with.serialize || field.serde.with.deserialize {
        errors.report(
            group,
            format_args!(
                "`{ident}` is in a group, so serde must write and read it by its type `Access<..>`"
            ),
            "move `with` to the type inside: a newtype with `#[serde(with = \"..\")]` on its field",
        );
    }
}

/// Each group's encryption context has a pair that names the group.
fn the_group_has_its_pair(input: &Input, errors: &mut Errors) {
    if input.fields.iter().all(|field| field.group.is_none()) {
        return;
    }
    for name in context_names(input).filter(|name| name.value.eq_ignore_ascii_case("group")) {
        let problem = "the encryption context of a group of fields has a `group` of its own";
        errors.report(name, problem, "choose another name; case makes no difference");
    }
}

fn one_partition_key(input: &Input, errors: &mut Errors) {
    let mut keys = keys(input, Mark::PartitionKey).into_iter();
    let Some((first, _)) = keys.next() else {
        return no_partition_key(input, errors);
    };
    for (second, place) in keys {
        let problem = format_args!("`{second}` is a second partition key, beside `{first}`");
        errors.report(
            place,
            problem,
            "keep one `#[partition_key]`; a second key is a `#[sort_key]`",
        );
    }
}

fn no_partition_key(input: &Input, errors: &mut Errors) {
    match keys(input, Mark::SortKey).into_iter().next() {
        Some((sort, place)) => {
            let problem = format_args!("there is a sort key, `{sort}`, but no partition key");
            let help = "mark the table's partition key `#[partition_key]`; if the table has one key only, that is it";
            errors.report(place, problem, help);
        }
        None => errors.report(
            &input.ident,
            "the struct has no partition key",
            "mark the field by which DynamoDB finds the record: `#[partition_key]`",
        ),
    }
}

fn at_most_one_sort_key(input: &Input, errors: &mut Errors) {
    let mut keys = keys(input, Mark::SortKey).into_iter();
    let Some((first, _)) = keys.next() else { return };
    for (second, place) in keys {
        let problem = format_args!("`{second}` is a second sort key, beside `{first}`");
        errors.report(place, problem, "keep one `#[sort_key]`: a DynamoDB table has at most one");
    }
}

/// The keys that bear a mark, in doubt or not: what they are called, and where.
fn keys(input: &Input, mark: Mark) -> Vec<(String, TokenStream)> {
    let fields = input.fields.iter().filter(|field| field.has_mark(mark));
    let fields = fields.map(|field| (field.ident.to_string(), field.ident.to_token_stream()));
    let composed = input.composed.iter().filter(|key| key.mark == mark);
    fields.chain(composed.map(|key| (key.name.value.clone(), key.to_token_stream()))).collect()
}

/// Waits until every field has its mark: the missing one may be the encrypted one.
fn something_is_encrypted(input: &Input, errors: &mut Errors) {
    let in_doubt = input.stored_fields().any(|field| field.mark.is_none());
    let encrypted = input.stored_fields().any(|field| field.mark == Some(Mark::Encrypted));
    if !in_doubt && !encrypted {
        errors.report(
            &input.ident,
            "nothing in the struct is encrypted",
            "mark the fields to protect `#[encrypted]`; a table without secrets needs no `Envelope`",
        );
    }
}

fn names_are_free(input: &Input, errors: &mut Errors) {
    for (field, name) in named(input) {
        if is_reserved(&name.value) {
            errors.report(
                name,
                format_args!(
                    "the attribute `{}` holds what is encrypted, so no field can have that name",
                    name.value
                ),
                format_args!(
                    "store `{}` under another name: `#[serde(rename = \"..\")]`",
                    field.ident
                ),
            );
        } else if name.value.is_empty() {
            let problem =
                format_args!("`{}` has an empty name, which DynamoDB refuses", field.ident);
            errors.report(name, problem, "give it a name: `#[serde(rename = \"..\")]`");
        }
    }
}

/// Whether an attribute of that name holds what is encrypted: the record's, or with `_` and a name
/// a group's.
fn is_reserved(name: &str) -> bool {
    let rests = RESERVED_ATTRIBUTES.iter().filter_map(|reserved| name.strip_prefix(reserved));
    rests.into_iter().any(|rest| rest.is_empty() || rest.starts_with('_'))
}

fn names_are_unique(input: &Input, errors: &mut Errors) {
    let mut taken: Vec<(&Field, &Name)> = Vec::new();
    for (field, name) in named(input) {
        let owner = taken.iter().find(|(_, other)| other.value == name.value);
        if let Some((owner, _)) = owner.filter(|(owner, _)| owner.ident != field.ident) {
            errors.report(
                name,
                format_args!(
                    "`{}` and `{}` both have the name `{}`",
                    owner.ident, field.ident, name.value
                ),
                "give one of them another name: `#[serde(rename = \"..\")]`",
            );
        }
        taken.push((field, name));
    }
}

/// The encryption context is checked by KMS policies and grants, and grants ignore the case of
/// names.
fn context_names_are_free(input: &Input, errors: &mut Errors) {
    let mut taken: Vec<String> = Vec::new();
    for name in context_names(input) {
        let lower = name.value.to_ascii_lowercase();
        if lower.starts_with("aws:") {
            let problem = format_args!(
                "`{}`: names that begin with `aws:` belong to AWS, and KMS refuses them",
                name.value
            );
            errors.report(name, problem, "choose another name");
        } else if RESERVED_CONTEXT.contains(&lower.as_str()) {
            let problem = format_args!("every encryption context has a `{lower}` of its own");
            errors.report(name, problem, "choose another name; case makes no difference");
        } else if lower == DOMAIN_CONTEXT {
            let problem = format_args!(
                "the encryption context of a record cannot have a pair `{}`",
                name.value
            );
            errors.report(
                name,
                problem,
                "choose another name: `envelope` marks secrets that KMS encrypts directly",
            );
        } else if name.value.is_empty() {
            errors.report(name, "a name in the encryption context is empty", "choose a name");
        } else if taken.contains(&lower) {
            let problem = format_args!(
                "the encryption context has `{}` twice; case makes no difference",
                name.value
            );
            errors.report(name, problem, "choose another name");
        }
        taken.push(lower);
    }
}

/// The names of the pairs of the encryption context, those that every record has aside.
fn context_names(input: &Input) -> impl Iterator<Item = &Name> {
    let constants = input.options.context.iter().map(|pair| &pair.name);
    let fields = input
        .fields
        .iter()
        .filter(|field| field.encryption_context.is_some())
        .map(|field| &field.name);
    constants.chain(fields)
}

fn context_values_are_given(input: &Input, errors: &mut Errors) {
    for pair in input.options.context.iter().filter(|pair| pair.value.value().is_empty()) {
        let problem = format_args!(
            "the pair `{}` of the encryption context has an empty value",
            pair.name.value
        );
        errors.report(&pair.value, problem, "give it a value, or remove the pair");
    }
}

/// Every name of every stored field.
fn named(input: &Input) -> impl Iterator<Item = (&Field, &Name)> {
    input.stored_fields().flat_map(|field| field.names().map(move |name| (field, name)))
}

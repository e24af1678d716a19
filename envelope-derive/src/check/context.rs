//! The rules of the KMS encryption context.

use crate::errors::Errors;
use crate::marks::{Mark, TAG_PREFIX};
use crate::names::Name;
use crate::parse::{Field, Input};

/// The names of the pairs in the encryption context of every record.
const RESERVED_CONTEXT: [&str; 3] = ["table", "partition_key", "sort_key"];

/// The name of the pair that marks secrets that KMS encrypts directly. No record has such a pair.
const DOMAIN_CONTEXT: &str = "envelope";

/// A field in the encryption context is readable, and is written.
pub(super) fn readable(field: &Field, errors: &mut Errors) {
    let Some(attribute) = &field.encryption_context else { return };
    let ident = &field.ident;
    if let Some(refusal) = field.marks().find_map(Mark::refused_in_context) {
        let ident = ident.to_string();
        errors.report(attribute, refusal.problem(&ident), refusal.help(&ident));
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

/// The encryption context of each group has a pair `group`, with the name of the group.
pub(super) fn no_pair_is_named_group(input: &Input, errors: &mut Errors) {
    if input.fields.iter().all(|field| field.group.is_none()) {
        return;
    }
    for name in context_names(input).filter(|name| name.value.eq_ignore_ascii_case("group")) {
        let problem =
            "the name `group` is reserved in the encryption context of a record with groups";
        errors.report(name, problem, "choose another name; upper and lower case count as the same");
    }
}

/// The names of pairs are unique, and none is reserved. Case makes no difference: KMS policies and
/// grants check the encryption context, and grants ignore the case of names.
pub(super) fn names_are_free(input: &Input, errors: &mut Errors) {
    let mut taken: Vec<String> = Vec::new();
    for name in context_names(input) {
        let lower = name.value.to_ascii_lowercase();
        if lower.starts_with("aws:") {
            let problem = format_args!(
                "`{}` cannot be in the encryption context: KMS refuses names that begin with \
                 `aws:`",
                name.value
            );
            errors.report(name, problem, "choose another name");
        } else if RESERVED_CONTEXT.contains(&lower.as_str()) {
            let problem =
                format_args!("the name `{}` is reserved in the encryption context", name.value);
            errors.report(
                name,
                problem,
                "choose another name; upper and lower case count as the same",
            );
        } else if lower.starts_with(TAG_PREFIX) {
            let problem = format_args!("the name `{}` is reserved for search tags", name.value);
            errors.report(name, problem, "choose another name, without `blind_` at its beginning");
        } else if lower == DOMAIN_CONTEXT {
            let problem =
                format_args!("the name `{}` is reserved in the encryption context", name.value);
            errors.report(
                name,
                problem,
                "choose another name: `envelope` is reserved for secrets that KMS encrypts \
                 directly",
            );
        } else if name.value.is_empty() {
            errors.report(
                name,
                "a name in the encryption context is empty",
                "write a name: `purpose = \"billing\"`",
            );
        } else if taken.contains(&lower) {
            let problem =
                format_args!("the encryption context already has the name `{}`", name.value);
            errors.report(name, problem, "choose another name");
        }
        taken.push(lower);
    }
}

/// The names of the pairs that the struct adds to the encryption context.
fn context_names(input: &Input) -> impl Iterator<Item = &Name> {
    let constants = input.options.context.iter().map(|pair| &pair.name);
    let fields = input
        .fields
        .iter()
        .filter(|field| field.encryption_context.is_some())
        .map(|field| &field.name);
    constants.chain(fields)
}

/// A constant pair has a value.
pub(super) fn values_are_given(input: &Input, errors: &mut Errors) {
    for pair in input.options.context.iter().filter(|pair| pair.value.value().is_empty()) {
        let problem = format_args!(
            "the pair `{}` of the encryption context has an empty value",
            pair.name.value
        );
        errors.report(&pair.value, problem, "write a value, or remove the pair");
    }
}

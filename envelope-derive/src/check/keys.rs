//! The rules of the table's keys.

use proc_macro2::TokenStream;
use quote::ToTokens;

use super::key_type::{self, Refusal};
use crate::errors::Errors;
use crate::marks::Mark;
use crate::parse::{Field, Input};

/// A key is in every record.
pub(super) fn always_stored(field: &Field, errors: &mut Errors) {
    if !field.is_key() || field.serde.is_skipped() {
        return;
    }
    for skip in &field.serde.skips {
        let problem = format_args!("the key `{}` must be in every record", field.ident);
        errors.report(skip, problem, format_args!("remove `{skip}`"));
    }
}

/// A key is a string, a number or bytes.
pub(super) fn scalar(field: &Field, errors: &mut Errors) {
    if !field.is_key() || field.serde.with.serialize {
        return;
    }
    let ident = &field.ident;
    match key_type::refused(&field.ty) {
        Some(Refusal::Bytes) => errors.report(
            &field.ty,
            format_args!(
                "the key `{ident}` cannot have this type: serde writes it as a list of \
                 numbers"
            ),
            "write it as bytes: `#[serde(with = \"serde_bytes\")]`",
        ),
        Some(Refusal::Is(what)) => errors.report(
            &field.ty,
            format_args!(
                "the key `{ident}` cannot be {what}: DynamoDB keys are strings, numbers \
                 or bytes"
            ),
            "use a `String`, a number, bytes with `#[serde(with = \"serde_bytes\")]`, or a type \
             that serde writes as \
             one of these",
        ),
        None => {}
    }
}

/// A record has exactly one partition key.
pub(super) fn one_partition_key(input: &Input, errors: &mut Errors) {
    let mut keys = keys(input, Mark::PartitionKey).into_iter();
    let Some((first, _)) = keys.next() else {
        return no_partition_key(input, errors);
    };
    for (second, place) in keys {
        let problem = format_args!("`{second}` is a second partition key; the first is `{first}`");
        errors.report(
            place,
            problem,
            "keep one `#[partition_key]`; mark the other key `#[sort_key]`",
        );
    }
}

fn no_partition_key(input: &Input, errors: &mut Errors) {
    match keys(input, Mark::SortKey).into_iter().next() {
        Some((sort, place)) => {
            let problem = format_args!("there is a sort key, `{sort}`, but no partition key");
            let help = "mark the table's partition key `#[partition_key]`; if the table has only \
                 one key, it is the partition key";
            errors.report(place, problem, help);
        }
        None => errors.report(
            &input.ident,
            "the struct has no partition key",
            "mark the field with the table's partition key `#[partition_key]`",
        ),
    }
}

/// A record has at most one sort key.
pub(super) fn at_most_one_sort_key(input: &Input, errors: &mut Errors) {
    let mut keys = keys(input, Mark::SortKey).into_iter();
    let Some((first, _)) = keys.next() else { return };
    for (second, place) in keys {
        let problem = format_args!("`{second}` is a second sort key; the first is `{first}`");
        errors.report(place, problem, "keep one `#[sort_key]`: a DynamoDB table has at most one");
    }
}

/// The keys with this mark: their names and places. A field counts even if it has several marks.
fn keys(input: &Input, mark: Mark) -> Vec<(String, TokenStream)> {
    let fields = input.fields.iter().filter(|field| field.has_mark(mark));
    let fields = fields.map(|field| (field.ident.to_string(), field.ident.to_token_stream()));
    let composed = input.composed.iter().filter(|key| key.mark == mark);
    fields.chain(composed.map(|key| (key.name.value.clone(), key.to_token_stream()))).collect()
}

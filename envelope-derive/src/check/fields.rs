//! The rules of marks.

use crate::errors::Errors;
use crate::marks::Mark;
use crate::parse::{Field, Input};

/// A field has one mark.
pub(super) fn one_mark(field: &Field, errors: &mut Errors) {
    let [first, second, ..] = field.marks.as_slice() else { return };
    let ident = &field.ident;
    let (a, b) = (first.mark.attribute(), second.mark.attribute());
    if field.is_key() && field.has_mark(Mark::Encrypted) {
        let key = if first.mark.is_key() { a } else { b };
        errors.report(
            &second.attribute,
            format_args!(
                "the key `{ident}` cannot be encrypted: DynamoDB needs it to find the \
                 record"
            ),
            format_args!(
                "keep only `#[{key}]`; `#[envelope(kms_context = \"hashed\")]` keeps the key out \
                 of CloudTrail"
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
            format_args!("`{ident}` has two marks, `#[{a}]` and `#[{b}]`"),
            "keep one of the two",
        );
    }
}

/// A field that serde skips has no mark.
pub(super) fn skipped_field_has_no_mark(field: &Field, errors: &mut Errors) {
    if !field.serde.is_skipped() {
        return;
    }
    let ident = &field.ident;
    if let Some(written) = field.marks.first() {
        let mark = written.mark.attribute();
        errors.report(
            &written.attribute,
            format_args!(
                "`{ident}` is marked `#[{mark}]`, but serde skips it, so it is never stored"
            ),
            format_args!("remove `#[{mark}]`, or `#[serde(skip)]`"),
        );
    } else if let Some(attribute) = &field.encryption_context {
        errors.report(
            attribute,
            format_args!("serde skips `{ident}`, so it has no value for the encryption context"),
            "remove `#[encryption_context]`, or `#[serde(skip)]`",
        );
    }
}

/// A grouped field has no `with`. Its type is `Access<..>`, and serde must see that type itself to
/// read a value that is withheld.
pub(super) fn grouped_field_has_no_with(field: &Field, errors: &mut Errors) {
    let (Some(group), ident) = (&field.group, &field.ident) else { return };
    if field.serde.with.serialize || field.serde.with.deserialize {
        errors.report(
            group,
            format_args!(
                "`{ident}` is in a group, so serde must use its type `Access<..>`, without `with`"
            ),
            "wrap the inner type in a newtype, and put `#[serde(with = \"..\")]` on the field of \
             the newtype",
        );
    }
}

/// A record protects at least one field, unless the struct says that it does not. A field without a
/// mark could be that field, so the rule waits until every field has one.
pub(super) fn some_field_is_protected(input: &Input, errors: &mut Errors) {
    let in_doubt = input.stored_fields().any(|field| field.mark.is_none());
    let is_protected =
        |field: &Field| matches!(field.mark, Some(Mark::Encrypted | Mark::Authenticated));
    if input.options.unprotected.is_none() && !in_doubt && !input.stored_fields().any(is_protected)
    {
        errors.report(
            &input.ident,
            "the struct protects no field",
            "mark the fields to keep secret `#[encrypted]`, and those that nobody may change \
             `#[authenticated]`; if the table also has records of other types, \
             `#[envelope(unprotected)]` stores these as they are",
        );
    }
}

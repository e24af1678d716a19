//! The rules for reading back what was written, as far as the struct shows it.

use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, Type};

use crate::errors::Errors;
use crate::marks::Mark;
use crate::parse::{Field, Input};

/// Applies the rules to a field.
pub(super) fn check(input: &Input, field: &Field, errors: &mut Errors) {
    ignored_fields_are_known(input, field, errors);
    if !field.serde.skip.serialize && !field.serde.skip.deserialize {
        written_names_are_read(field, errors);
        values_are_owned(field, errors);
    }
}

/// `deny_unknown_fields` refuses a field that is stored but not read.
fn ignored_fields_are_known(input: &Input, field: &Field, errors: &mut Errors) {
    let is_stored = !field.serde.skip.serialize && !field.has_mark(Mark::Key);
    if input.serde.deny_unknown_fields && is_stored && field.serde.skip.deserialize {
        let ident = &field.ident;
        errors.report(
            ident,
            format_args!(
                "`{ident}` is written but not read, so `deny_unknown_fields` would \
                 refuse every record"
            ),
            "remove `#[serde(skip_deserializing)]`, or `#[serde(deny_unknown_fields)]` on the \
             struct",
        );
    }
}

/// A part of a composed key is stored under the key's name, never under its own.
fn written_names_are_read(field: &Field, errors: &mut Errors) {
    if field.reads_written_name || field.has_mark(Mark::Key) {
        return;
    }
    let (ident, name) = (&field.ident, &field.name.value);
    errors.report(
        &field.name,
        format_args!(
            "`{ident}` is written as `{name}` but not read under that name, so its value \
             would be lost"
        ),
        format_args!("add `#[serde(alias = \"{name}\")]`, or use one name in both directions"),
    );
}

/// A record owns its values when it is read.
fn values_are_owned(field: &Field, errors: &mut Errors) {
    if field.serde.with.deserialize || !is_borrowed(&field.ty) {
        return;
    }
    let (ident, place) = (&field.ident, field.ty.span());
    errors.report(
        quote_spanned!(place=> &),
        format_args!("`{ident}` is borrowed, but a record must own its values when it is read"),
        "use `String`, `Vec<u8>`, or `Cow` with `#[serde(borrow)]`",
    );
}

/// Whether the type is a reference, or an option of one.
fn is_borrowed(ty: &Type) -> bool {
    match ty {
        Type::Reference(_) => true,
        Type::Path(path) => path.path.segments.last().is_some_and(|last| match &last.arguments {
            PathArguments::AngleBracketed(list) if last.ident == "Option" => list
                .args
                .iter()
                .any(|argument| matches!(argument, GenericArgument::Type(ty) if is_borrowed(ty))),
            _ => false,
        }),
        Type::Group(group) => is_borrowed(&group.elem),
        Type::Paren(paren) => is_borrowed(&paren.elem),
        _ => false,
    }
}

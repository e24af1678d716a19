//! The rules of roles.

use crate::errors::Errors;
use crate::marks::{LibraryWrites, Mark, ROLES};
use crate::parse::{Field, Input};

/// A field has at most one role, which goes together with its mark.
pub(super) fn check(field: &Field, errors: &mut Errors) {
    let [first, rest @ ..] = field.roles.as_slice() else { return };
    let (ident, name) = (&field.ident, first.role.name);
    if let Some(second) = rest.first() {
        let problem = format_args!("`{ident}` is both `#[{name}]` and `#[{}]`", second.role.name);
        errors.report(&second.attribute, problem, "keep one of the two");
    } else if field.is_key() {
        let problem = format_args!("the key `{ident}` cannot be `#[{name}]`: it never changes");
        errors.report(&first.attribute, problem, "put it on a field of its own");
    } else if field.has_mark(Mark::Encrypted) {
        let problem = format_args!("`{ident}` is encrypted, but {}", first.role.readable);
        errors.report(
            &first.attribute,
            problem,
            "mark the field `#[plaintext]` or `#[authenticated]` instead",
        );
    } else if let (true, Some(reason)) =
        (field.has_mark(Mark::Authenticated), first.role.unauthenticated)
    {
        let problem = format_args!("`{ident}` is authenticated, but {reason}");
        errors.report(&first.attribute, problem, "mark the field `#[plaintext]` instead");
    } else if field.serde.skip.serialize || field.serde.skip.deserialize {
        let problem = format_args!("`{ident}` is `#[{name}]`, but serde skips it");
        errors.report(
            &first.attribute,
            problem,
            format_args!("remove `#[{name}]`, or what skips the field"),
        );
    } else if let (true, Some(context)) =
        (first.role.library_writes != LibraryWrites::Never, &field.encryption_context)
    {
        let problem = format_args!(
            "`{ident}` is `#[{name}]` and changes, but the encryption context must stay"
        );
        errors.report(
            context,
            problem,
            format_args!("remove `#[encryption_context]` or `#[{name}]`"),
        );
    }
}

/// At most one field of the struct has a role.
pub(super) fn one_field_each(input: &Input, errors: &mut Errors) {
    for role in ROLES {
        let written =
            |field: &&Field| field.roles.iter().any(|written| written.role.name == role.name);
        let mut fields = input.fields.iter().filter(written);
        let Some(first) = fields.next() else { continue };
        for second in fields {
            let name = role.name;
            let problem = format_args!(
                "`{}` is a second `#[{name}]`, beside `{}`",
                second.ident, first.ident
            );
            errors.report(&second.ident, problem, format_args!("keep one `#[{name}]`"));
        }
    }
}

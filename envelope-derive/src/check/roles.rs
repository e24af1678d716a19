//! The rules of roles: what a role does not go together with.

use crate::errors::Errors;
use crate::marks::{LibraryWrites, Mark, ROLES, Role};
use crate::parse::{Field, Input};

/// A field has at most one role, and the role goes together with the field's mark and with serde's
/// attributes.
pub(super) fn check(input: &Input, field: &Field, errors: &mut Errors) {
    let [first, rest @ ..] = field.roles.as_slice() else { return };
    let (ident, role) = (&field.ident, first.role);
    let name = role.name;
    if let Some(second) = rest.first() {
        let problem = format_args!("`{ident}` is both `#[{name}]` and `#[{}]`", second.role.name);
        errors.report(&second.attribute, problem, "keep one of the two");
    } else if let Some((problem, help)) = refused(input, field, role) {
        errors.report(&first.attribute, problem, help);
    } else if let (true, Some(context)) = (is_changed(role), &field.encryption_context) {
        let problem = format_args!(
            "the library changes `{ident}`, which is `#[{name}]`, but the encryption context must \
             not change"
        );
        errors.report(
            context,
            problem,
            format_args!("remove `#[encryption_context]` or `#[{name}]`"),
        );
    }
}

/// Why the field cannot have the role, and what to write instead.
fn refused(input: &Input, field: &Field, role: &Role) -> Option<(String, String)> {
    let (ident, name) = (&field.ident, role.name);
    if field.is_key() || field.has_mark(Mark::Key) {
        return Some((
            format!("the key `{ident}` cannot be `#[{name}]`: keys never change"),
            format!("put `#[{name}]` on a field of its own"),
        ));
    }
    if is_changed(role) && input.is_part_of_key(field) {
        return Some((
            format!("`{ident}` is part of the key, so it cannot be `#[{name}]`: keys never change"),
            format!("put `#[{name}]` on a field of its own"),
        ));
    }
    if field.has_mark(Mark::Encrypted) {
        let marks = match role.unauthenticated {
            None => "`#[plaintext]` or `#[authenticated]`",
            Some(_) => "`#[plaintext]`",
        };
        return Some((
            format!("`{ident}` is encrypted, but {}", role.readable),
            format!("mark the field {marks} instead"),
        ));
    }
    if let (true, Some(reason)) = (field.has_mark(Mark::Authenticated), role.unauthenticated) {
        return Some((
            format!("`{ident}` is authenticated, but {reason}"),
            "mark the field `#[plaintext]` instead".to_owned(),
        ));
    }
    (field.serde.skip.serialize || field.serde.skip.deserialize).then(|| {
        (
            format!("`{ident}` is `#[{name}]`, but serde skips it"),
            format!("remove `#[{name}]`, or the serde attribute that skips the field"),
        )
    })
}

fn is_changed(role: &Role) -> bool {
    role.library_writes != LibraryWrites::Never
}

/// At most one field of the struct has a role.
pub(super) fn one_field_each(input: &Input, errors: &mut Errors) {
    for role in ROLES {
        let has_role = |field: &&Field| field.roles.iter().any(|own| own.role.name == role.name);
        let mut fields = input.fields.iter().filter(has_role);
        let Some(first) = fields.next() else { continue };
        for second in fields {
            let name = role.name;
            let problem = format_args!(
                "`{}` is a second `#[{name}]`; the first is `{}`",
                second.ident, first.ident
            );
            errors.report(&second.ident, problem, format_args!("keep one `#[{name}]`"));
        }
    }
}

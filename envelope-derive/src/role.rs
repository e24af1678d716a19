//! Attributes that stand beside a mark and have the library keep the field: versions, times to
//! live, stamps.

use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Ident, LitStr, Meta, Type};

use crate::attr::{self, Mark};
use crate::errors::Errors;
use crate::field::Field;
use crate::input::{Input, unraw};
use crate::serde_attr::{Directions, FieldSerde};

/// What the library keeps a field for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Version,
    Ttl,
    Created,
    Updated,
}

/// A role, with the attribute that gave it.
pub(crate) struct WrittenRole {
    pub(crate) role: Role,
    pub(crate) attribute: Attribute,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::Version, Self::Ttl, Self::Created, Self::Updated];

    /// The name of the attribute.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Ttl => "ttl",
            Self::Created => "created",
            Self::Updated => "updated",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.attribute() == name)
    }

    /// Why DynamoDB or the library must be able to read it.
    const fn reader(self) -> &'static str {
        match self {
            Self::Version => "DynamoDB must compare versions",
            Self::Ttl => "DynamoDB must read when to delete the record",
            Self::Created | Self::Updated => "stamps are kept where DynamoDB can read them",
        }
    }

    /// Whether the library writes it into the record.
    pub(crate) const fn is_written(self) -> bool {
        !matches!(self, Self::Ttl)
    }

    /// Whether only the library may change it.
    pub(crate) const fn is_kept(self) -> bool {
        matches!(self, Self::Version | Self::Updated)
    }
}

/// The roles of a field, as written.
pub(crate) fn written(attributes: &[Attribute], errors: &mut Errors) -> Vec<WrittenRole> {
    let role = |attribute: &Attribute| Role::named(&attr::name(attribute)?);
    let mut written = Vec::new();
    for attribute in attributes {
        let Some(role) = role(attribute) else { continue };
        let name = role.attribute();
        if !matches!(attribute.meta, Meta::Path(_)) {
            let problem = format_args!("`#[{name}]` takes no options");
            errors.report(attribute, problem, format_args!("write `#[{name}]` alone"));
        }
        written.push(WrittenRole { role, attribute: attribute.clone() });
    }
    written
}

/// Has times written as seconds, which is how DynamoDB reads them, unless the field says how it is
/// written.
///
/// Returns the name of what they are written by, if that is to be generated for this type.
pub(crate) fn write_as_seconds(
    roles: &[WrittenRole],
    ident: &Ident,
    ty: &Type,
    is_generic: bool,
    serde: &mut FieldSerde,
) -> Option<Ident> {
    let is_time = roles.iter().any(|written| written.role != Role::Version);
    if !is_time || serde.with.serialize || serde.with.deserialize {
        return None;
    }
    let generated = (!is_generic).then(|| format_ident!("__Seconds_{}", unraw(ident)));
    let path = match &generated {
        Some(name) => name.to_string(),
        None => "__envelope::epoch_seconds".to_owned(),
    };
    // A type that cannot be written is reported where it stands.
    let path = LitStr::new(&path, ty.span());
    serde.entries.extend(attr::entries(quote!(with = #path)));
    serde.with = Directions { serialize: true, deserialize: true };
    // serde takes an absent `Option` for `None` only where it reads the type itself.
    if is_option(ty) && !serde.default_trait && !serde.default_path {
        serde.entries.extend(attr::entries(quote!(default)));
        serde.default_trait = true;
    }
    generated
}

fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_option(&group.elem),
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|segment| segment.ident == "Option")
        }
        _ => false,
    }
}

/// The rules of a field's roles.
pub(crate) fn check(field: &Field, errors: &mut Errors) {
    let [first, rest @ ..] = field.roles.as_slice() else { return };
    let (ident, name) = (&field.ident, first.role.attribute());
    if let Some(second) = rest.first() {
        let problem =
            format_args!("`{ident}` is both `#[{name}]` and `#[{}]`", second.role.attribute());
        errors.report(&second.attribute, problem, "keep one of the two");
    } else if field.is_key() {
        let problem = format_args!("the key `{ident}` cannot be `#[{name}]`: it never changes");
        errors.report(&first.attribute, problem, "put it on a field of its own");
    } else if field.has_mark(Mark::Encrypted) {
        let problem = format_args!("`{ident}` is encrypted, but {}", first.role.reader());
        errors.report(
            &first.attribute,
            problem,
            "mark the field `#[plaintext]` or `#[authenticated]` instead",
        );
    } else if first.role == Role::Updated && field.has_mark(Mark::Authenticated) {
        let problem =
            format_args!("`{ident}` is authenticated, but an update in place must change it too");
        errors.report(&first.attribute, problem, "mark the field `#[plaintext]` instead");
    } else if field.serde.skip.serialize || field.serde.skip.deserialize {
        let problem = format_args!("`{ident}` is `#[{name}]`, but serde skips it");
        errors.report(
            &first.attribute,
            problem,
            format_args!("remove `#[{name}]`, or what skips the field"),
        );
    } else if let (true, Some(context)) = (first.role.is_written(), &field.encryption_context) {
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

/// A role belongs to one field.
pub(crate) fn check_all(input: &Input, errors: &mut Errors) {
    for role in Role::ALL {
        let written = |field: &&Field| field.roles.iter().any(|written| written.role == role);
        let mut fields = input.fields.iter().filter(written);
        let Some(first) = fields.next() else { continue };
        for second in fields {
            let name = role.attribute();
            let problem = format_args!(
                "`{}` is a second `#[{name}]`, beside `{}`",
                second.ident, first.ident
            );
            errors.report(&second.ident, problem, format_args!("keep one `#[{name}]`"));
        }
    }
}

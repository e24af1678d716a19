//! Fields that are stored as seconds since 1970: times to live and timestamps.

use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Ident, LitStr, Type};

use super::entry;
use super::serde::{Directions, FieldSerde};
use super::written_marks::WrittenRole;
use crate::marks::StoredAs;
use crate::names::unraw;

/// Makes serde store the field as seconds if its role asks for that, unless the field has its own
/// `with`.
///
/// Returns the name of the type that the serde entries use. `expand` generates this type, except
/// for a generic struct.
pub(super) fn store_as_seconds(
    roles: &[WrittenRole],
    ident: &Ident,
    ty: &Type,
    is_generic: bool,
    serde: &mut FieldSerde,
) -> Option<Ident> {
    let is_time = roles.iter().any(|written| written.role.stored_as == StoredAs::Seconds);
    if !is_time || serde.with.serialize || serde.with.deserialize {
        return None;
    }
    let generated = (!is_generic).then(|| format_ident!("__Seconds_{}", unraw(ident)));
    let path = match &generated {
        Some(name) => name.to_string(),
        None => "__envelope::epoch_seconds".to_owned(),
    };
    // With this span, the compiler reports a wrong type at the type.
    let path = LitStr::new(&path, ty.span());
    serde.entries.extend(entry::entries(quote!(with = #path)));
    serde.with = Directions { serialize: true, deserialize: true };
    // With a `with`, serde no longer reads an absent `Option` as `None`.
    if is_option(ty) && !serde.default_trait && !serde.default_path {
        serde.entries.extend(entry::entries(quote!(default)));
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

//! Types that cannot be a key, as far as their syntax tells.
//!
//! Everything else is left to run time: a newtype or a `Uuid` is a key exactly if serde writes it as one.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// What is wrong with `ty` as a key; `None` if it may be one.
pub(crate) fn refused(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Group(group) => refused(&group.elem),
        Type::Paren(paren) => refused(&paren.elem),
        Type::Reference(reference) => refused(&reference.elem),
        Type::Array(array) if !is_u8(&array.elem) => Some("an array"),
        Type::Slice(slice) if !is_u8(&slice.elem) => Some("a slice"),
        Type::Tuple(tuple) if tuple.elems.is_empty() => Some("the unit type"),
        Type::Tuple(_) => Some("a tuple"),
        Type::Path(path) => refused_segment(path.path.segments.last()?),
        _ => None,
    }
}

fn refused_segment(segment: &PathSegment) -> Option<&'static str> {
    match segment.ident.to_string().as_str() {
        "bool" => Some("a bool"),
        "Option" => Some("optional"),
        "Vec" | "VecDeque" if !type_argument(segment).is_some_and(is_u8) => Some("a list"),
        "HashMap" | "BTreeMap" => Some("a map"),
        "HashSet" | "BTreeSet" => Some("a set"),
        "Box" | "Rc" | "Arc" => type_argument(segment).and_then(refused),
        _ => None,
    }
}

fn type_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn is_u8(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_u8(&group.elem),
        Type::Path(path) => path.path.is_ident("u8"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(ty: &str) -> Option<&'static str> {
        refused(&syn::parse_str(ty).expect("a type"))
    }

    #[test]
    fn strings_numbers_and_bytes_may_be_keys() {
        for ty in ["String", "&'a str", "Cow<'a, str>", "u64", "f64", "Vec<u8>", "[u8; 16]", "Box<str>", "uuid::Uuid"] {
            assert_eq!(verdict(ty), None, "{ty}");
        }
    }

    #[test]
    fn what_dynamodb_cannot_index_is_refused() {
        for (ty, what) in [
            ("bool", "a bool"),
            ("&'a bool", "a bool"),
            ("Option<String>", "optional"),
            ("::core::option::Option<String>", "optional"),
            ("Vec<String>", "a list"),
            ("Box<Vec<String>>", "a list"),
            ("std::collections::HashMap<String, u8>", "a map"),
            ("BTreeSet<u8>", "a set"),
            ("(String, u8)", "a tuple"),
            ("()", "the unit type"),
            ("[u16; 4]", "an array"),
            ("&'a [String]", "a slice"),
        ] {
            assert_eq!(verdict(ty), Some(what), "{ty}");
        }
    }
}

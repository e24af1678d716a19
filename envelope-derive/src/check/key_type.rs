//! Types that cannot be a key, judged by their syntax.
//!
//! All other types are checked at run time: a newtype or a `Uuid` is a key if serde writes it as a
//! string, a number or bytes.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// Why a type cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It holds bytes, but serde writes it as a list of numbers.
    Bytes,
    /// A phrase for the type, such as "a list".
    Is(&'static str),
}

/// Why `ty` cannot be a key; `None` if it may be one.
pub(super) fn refused(ty: &Type) -> Option<Refusal> {
    match ty {
        Type::Group(group) => refused(&group.elem),
        Type::Paren(paren) => refused(&paren.elem),
        Type::Reference(reference) => refused(&reference.elem),
        Type::Array(array) => Some(list(Some(&array.elem), "an array")),
        Type::Slice(slice) => Some(list(Some(&slice.elem), "a slice")),
        Type::Tuple(tuple) if tuple.elems.is_empty() => Some(Refusal::Is("the unit type")),
        Type::Tuple(_) => Some(Refusal::Is("a tuple")),
        Type::Path(path) => refused_segment(path.path.segments.last()?),
        _ => None,
    }
}

/// Whether `ty` is a floating point number.
pub(super) fn is_float(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_float(&group.elem),
        Type::Path(path) => path.path.is_ident("f32") || path.path.is_ident("f64"),
        _ => false,
    }
}

fn refused_segment(segment: &PathSegment) -> Option<Refusal> {
    match segment.ident.to_string().as_str() {
        "bool" => Some(Refusal::Is("a bool")),
        "Option" => Some(Refusal::Is("optional")),
        "Vec" | "VecDeque" => Some(list(type_argument(segment), "a list")),
        "HashMap" | "BTreeMap" => Some(Refusal::Is("a map")),
        "HashSet" | "BTreeSet" => Some(Refusal::Is("a set")),
        "Box" | "Rc" | "Arc" | "Cow" => type_argument(segment).and_then(refused),
        _ => None,
    }
}

fn list(element: Option<&Type>, what: &'static str) -> Refusal {
    if element.is_some_and(is_u8) { Refusal::Bytes } else { Refusal::Is(what) }
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

    fn verdict(ty: &str) -> Option<Refusal> {
        refused(&syn::parse_str(ty).expect("a type"))
    }

    #[test]
    fn strings_numbers_and_unknown_types_may_be_keys() {
        for ty in [
            "String",
            "&'a str",
            "Cow<'a, str>",
            "u64",
            "f64",
            "char",
            "Box<str>",
            "uuid::Uuid",
            "ByteBuf",
        ] {
            assert_eq!(verdict(ty), None, "{ty}");
        }
    }

    #[test]
    fn bytes_need_to_be_written_as_bytes() {
        for ty in ["Vec<u8>", "[u8; 16]", "&'a [u8]", "Cow<'a, [u8]>", "Box<[u8]>"] {
            assert_eq!(verdict(ty), Some(Refusal::Bytes), "{ty}");
        }
    }

    #[test]
    fn types_that_dynamodb_does_not_accept_as_keys_are_refused() {
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
            assert_eq!(verdict(ty), Some(Refusal::Is(what)), "{ty}");
        }
    }
}

//! Code for `#[serde(with)]`: a value that is stored doubled.

/// Doubles the value.
pub(crate) fn serialize<S: ::serde::Serializer>(
    value: &u32,
    serializer: S,
) -> ::std::result::Result<S::Ok, S::Error> {
    ::serde::Serializer::serialize_u32(serializer, *value * 2)
}

/// Halves what is stored.
pub(crate) fn deserialize<'de, D: ::serde::Deserializer<'de>>(
    deserializer: D,
) -> ::std::result::Result<u32, D::Error> {
    <u32 as ::serde::Deserialize<'de>>::deserialize(deserializer).map(|doubled| doubled / 2)
}

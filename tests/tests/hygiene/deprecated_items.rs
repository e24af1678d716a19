//! Deprecated fields and structs are still stored.

#[derive(::envelope_dynamo::Envelope)]
#[envelope(table = "t")]
struct Field {
    #[partition_key]
    id: u8,
    #[deprecated]
    #[encrypted]
    value: u8,
    #[deprecated = "use `id`"]
    #[plaintext]
    #[serde(default)]
    old: u8,
}

#[derive(::envelope_dynamo::Envelope)]
#[envelope(table = "t")]
#[deprecated]
struct Struct {
    #[partition_key]
    id: u8,
    #[encrypted]
    value: u8,
}

#[test]
#[allow(deprecated)]
fn records_are_written() {
    let field = Field { id: 1, value: 2, old: 3 };
    let of_field = ::envelope_dynamo::Envelope::serialize(&field, ::serde_json::value::Serializer);
    ::std::assert!(::std::result::Result::is_ok(&of_field));
    let whole = Struct { id: 1, value: 2 };
    let of_whole = ::envelope_dynamo::Envelope::serialize(&whole, ::serde_json::value::Serializer);
    ::std::assert!(::std::result::Result::is_ok(&of_whole));
}

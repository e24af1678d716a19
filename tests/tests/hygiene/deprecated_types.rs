//! A struct with `#[allow(deprecated)]` may have fields of deprecated types, without a warning.

#[deprecated]
#[derive(::serde::Serialize, ::serde::Deserialize)]
pub(crate) struct Old(u8);

#[derive(::envelope_dynamo::Envelope)]
#[envelope(table = "t")]
#[allow(deprecated)]
struct OnStruct {
    #[partition_key]
    id: u8,
    #[encrypted]
    value: Old,
    #[authenticated]
    other: Old,
}

#[derive(::envelope_dynamo::Envelope)]
#[envelope(table = "t", entity(kind = "field"))]
struct OnField {
    #[partition_key]
    id: u8,
    #[encrypted]
    #[allow(deprecated)]
    value: Old,
    #[authenticated]
    #[allow(unused, deprecated)]
    other: Old,
}

#[derive(::envelope_dynamo::View)]
#[view(of = OnField)]
struct View {
    #[allow(dead_code, deprecated)]
    other: Old,
}

#[derive(::envelope_dynamo::Envelope)]
#[envelope(table = "t", entity(kind = "old"))]
#[deprecated]
struct OldRecord {
    #[partition_key]
    id: u8,
    #[encrypted]
    value: u8,
}

#[derive(::envelope_dynamo::Envelope)]
#[allow(deprecated)]
enum Entity {
    Field(OnField),
    Old(OldRecord),
}

#[test]
#[allow(deprecated)]
fn records_are_written() {
    let record = OnStruct { id: 1, value: Old(2), other: Old(3) };
    let written = ::envelope_dynamo::Envelope::serialize(&record, ::serde_json::value::Serializer);
    ::std::assert!(::std::result::Result::is_ok(&written));
    ::std::assert_eq!(<View as ::envelope_dynamo::View>::names(), ["other"]);
    let of = |entity: &Entity| match *entity {
        Entity::Field(ref field) => field.id,
        Entity::Old(ref old) => old.id,
    };
    ::std::assert_eq!(of(&Entity::Old(OldRecord { id: 1, value: 2 })), 1);
    ::std::assert_eq!(of(&Entity::Field(OnField { id: 2, value: Old(2), other: Old(3) })), 2);
}

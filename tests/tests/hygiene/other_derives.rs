//! The struct's own serde derive still works, and serde's attributes serve both derives.

#[derive(
    ::envelope_dynamo::Envelope,
    ::serde::Serialize,
    ::serde::Deserialize,
    ::std::clone::Clone,
    ::std::fmt::Debug,
    ::std::cmp::PartialEq,
    ::std::cmp::Eq,
    ::std::hash::Hash,
    ::std::default::Default,
)]
#[envelope(table = "t")]
#[serde(rename_all = "UPPERCASE", deny_unknown_fields)]
pub(crate) struct Record {
    #[partition_key]
    id: u8,
    #[encrypted]
    value: ::std::string::String,
}

#[test]
fn both_write_the_same() {
    let record = Record { id: 1, value: ::std::convert::From::from("v") };
    let ours = ::envelope_dynamo::Envelope::serialize(&record, ::serde_json::value::Serializer);
    let theirs = ::serde_json::to_value(&record);
    ::std::assert_eq!(::std::result::Result::ok(ours), ::std::result::Result::ok(theirs));
    assert_round_trip!(record, Record);
}

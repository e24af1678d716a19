//! A trait of the user has methods with the names that generated code calls, for every type and by
//! value.
#![allow(dead_code)]

#[allow(clippy::wrong_self_convention, clippy::new_ret_no_self)]
trait Methods: ::std::marker::Sized {
    fn from(self) {}
    fn into(self) {}
    fn list(self) {}
    fn map(self) {}
    fn new(self) {}
    fn name(self) {}
    fn check(self) {}
    fn schema(self) {}
    fn read_managed(self) {}
    fn partition_key(self) {}
    fn by_partition(self) {}
    fn optional(self) {}
    fn or_default(self) {}
    fn scalar_type(self) {}
    fn codec(self) {}
    fn serialize(self) {}
    fn deserialize(self) {}
    fn split(self) {}
    fn value(self) {}
    fn is_withheld(self) {}
}

#[allow(clippy::missing_trait_methods)]
impl<T> Methods for T {}

#[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
#[envelope(
    table = "t",
    entity(kind = "record"),
    index(name = "by-number", partition_key = number),
    index(name = "by-expiry", local, sort_key = expires)
)]
#[partition_key(name = "pk", format = "USER#{part}")]
#[sort_key(name = "sk", format = "{id:04}")]
struct Record {
    #[key]
    part: ::std::string::String,
    #[key]
    id: u8,
    #[encrypted]
    value: u8,
    #[encrypted(group = "medical")]
    grouped: ::envelope_dynamo::Access<u8>,
    #[plaintext]
    #[version]
    number: u64,
    #[plaintext]
    #[ttl]
    expires: u64,
    #[plaintext]
    #[created]
    made: u64,
    #[plaintext]
    #[serde(with = "crate::doubled", default)]
    doubled: u32,
}

#[derive(::envelope_dynamo::View)]
#[view(of = Record)]
struct View {
    number: u64,
    doubled: u32,
}

#[derive(::envelope_dynamo::Envelope)]
enum Entity {
    Record(Record),
}

#[test]
fn a_record_is_written_and_read() {
    ::std::assert_eq!(<View as ::envelope_dynamo::View>::names(), ["number", "doubled"]);
    ::std::assert_eq!(<Record as ::envelope_dynamo::Envelope>::NAME, "Record");
}

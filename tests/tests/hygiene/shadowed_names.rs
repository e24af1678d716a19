//! Every name that generated code might use means something else.
#![allow(dead_code, unused_macros, non_camel_case_types)]

struct Result;
struct Ok;
struct Err;
struct Option;
struct Some;
struct None;
struct String;
struct Vec;
struct Box;
struct Default;
struct PhantomData;
struct Serialize;
struct Deserialize;
struct Serializer;
struct Deserializer;
struct Envelope;
struct Field;
struct Mark;
struct ContextForm;
struct Partition;
struct Composite;
struct Sized;
struct Iterator;
struct From;
struct Into;
mod core {}
mod std {}
mod alloc {}
mod serde {}
mod envelope_dynamo {}
mod envelope_derive {}
macro_rules! panic {
    () => {};
}
macro_rules! format_args {
    () => {};
}
macro_rules! unreachable {
    () => {};
}
macro_rules! vec {
    () => {};
}
macro_rules! concat {
    () => {};
}
macro_rules! stringify {
    () => {};
}

/// Methods of the names that are called, on everything.
#[allow(clippy::wrong_self_convention, clippy::new_ret_no_self)]
trait Methods {
    fn serialize(&self) {}
    fn serialize_key(&self) {}
    fn deserialize(&self) {}
    fn new(&self) {}
    fn aliases(&self) {}
    fn flatten(&self) {}
    fn default(&self) {}
}

#[allow(clippy::missing_trait_methods)]
impl<T: ?::std::marker::Sized> Methods for T {}

#[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
#[envelope(table = "t", kms_context = "table", context(a = "b"))]
#[serde(default)]
struct Record<T> {
    #[partition_key]
    id: ::std::string::String,
    #[sort_key]
    at: u8,
    #[encrypted]
    #[serde(alias = "other")]
    value: ::std::option::Option<T>,
}

impl<T> ::std::default::Default for Record<T> {
    fn default() -> Self {
        Self { id: ::std::string::String::new(), at: 0, value: ::std::option::Option::None }
    }
}

#[test]
fn a_record_is_written_and_read() {
    let record = Record {
        id: ::std::convert::From::from("id"),
        at: 1,
        value: ::std::option::Option::Some(2),
    };
    assert_round_trip!(record, Record<u8>);
}

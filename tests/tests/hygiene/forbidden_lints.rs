//! Generated code compiles under forbidden lints. A forbidden lint accepts no `allow`, so generated
//! code has only those that serde's own code has.
#![forbid(
    dead_code,
    deprecated,
    improper_ctypes,
    missing_debug_implementations,
    missing_docs,
    non_snake_case,
    private_bounds,
    private_interfaces,
    redundant_imports,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unconditional_recursion,
    unnameable_types,
    unreachable_code,
    unreachable_pub,
    unsafe_code,
    unused_assignments,
    unused_doc_comments,
    unused_imports,
    unused_lifetimes,
    unused_macros,
    unused_must_use,
    unused_mut,
    unused_parens,
    unused_results,
    unused_unsafe,
    unused_variables,
    variant_size_differences,
    clippy::pedantic,
    clippy::nursery,
    clippy::unwrap_used,
    clippy::indexing_slicing
)]

/// What serde makes of the same.
#[derive(Debug, ::serde::Serialize, ::serde::Deserialize, ::std::cmp::PartialEq)]
struct Inner<T> {
    value: T,
}

/// Private, and in attributes.
#[derive(Debug, ::serde::Serialize, ::serde::Deserialize, ::std::cmp::PartialEq)]
struct Private(u8);

#[derive(Debug, ::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
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
    value: Inner<u8>,
    #[authenticated]
    private: Private,
    #[encrypted(group = "medical")]
    grouped: ::envelope_dynamo::Access<u8>,
    #[plaintext]
    #[version]
    number: u64,
    #[plaintext]
    #[ttl]
    expires: ::std::option::Option<u64>,
    #[plaintext]
    #[created]
    made: u64,
    #[plaintext]
    #[updated]
    changed: u64,
    #[plaintext]
    #[serde(with = "crate::doubled", default)]
    doubled: u32,
}

#[derive(Debug, ::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
#[envelope(table = "t")]
#[serde(default)]
struct Generic<'a, T, const N: usize> {
    #[partition_key]
    #[serde(borrow)]
    id: ::std::borrow::Cow<'a, str>,
    #[encrypted]
    value: ::std::option::Option<T>,
    #[serde(skip)]
    marker: ::std::marker::PhantomData<[T; N]>,
}

impl<T, const N: usize> ::std::default::Default for Generic<'_, T, N> {
    fn default() -> Self {
        Self {
            id: ::std::convert::From::from(""),
            value: ::std::option::Option::None,
            marker: ::std::marker::PhantomData,
        }
    }
}

#[derive(Debug, ::envelope_dynamo::View)]
#[view(of = Record)]
struct View {
    number: u64,
    doubled: u32,
}

#[derive(Debug, ::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
enum Entity {
    Record(Record),
}

#[test]
fn records_are_written_and_read() {
    let record = || Record {
        part: ::std::convert::From::from("a"),
        id: 1,
        value: Inner { value: 2 },
        private: Private(3),
        grouped: ::envelope_dynamo::Access::Granted(2),
        number: 3,
        expires: ::std::option::Option::None,
        made: 4,
        changed: 5,
        doubled: 6,
    };
    ::std::assert_eq!(<View as ::envelope_dynamo::View>::names(), ["number", "doubled"]);
    let view = View { number: 1, doubled: 2 };
    ::std::assert_eq!((view.number, view.doubled), (1, 2));
    ::std::assert!(Entity::Record(record()) == Entity::Record(record()));
    let generic = Generic::<'static, u8, 3> {
        value: ::std::option::Option::Some(1),
        ..::std::default::Default::default()
    };
    assert_round_trip!(generic, Generic<'static, u8, 3>);
}

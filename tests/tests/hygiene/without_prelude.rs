//! Only the names that generated code brings are in scope.

/// Everything at once.
#[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
#[envelope(
    table = "t",
    kms_context = "hashed",
    context(purpose = "pii", "cost-center" = "42"),
    unmarked = "plaintext"
)]
#[serde(rename_all = "camelCase")]
struct Record<'a, T, const N: usize>
where
    T: ::std::clone::Clone,
{
    /// A key that borrows.
    #[partition_key]
    #[serde(borrow)]
    the_id: ::std::borrow::Cow<'a, str>,
    #[sort_key]
    #[encryption_context]
    at: i64,
    #[encrypted(accept = "plaintext")]
    #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
    list: ::std::vec::Vec<::std::option::Option<T>>,
    #[authenticated]
    #[serde(with = "crate::doubled")]
    doubled: u32,
    #[serde(skip)]
    marker: ::std::marker::PhantomData<[T; N]>,
    #[serde(alias = "other")]
    unmarked: bool,
    rest: ::std::collections::BTreeMap<::std::string::String, u8>,
}

#[test]
fn a_record_is_written_and_read() {
    let list =
        ::std::convert::From::from([::std::option::Option::Some('x'), ::std::option::Option::None]);
    let record = Record::<'static, char, 3> {
        the_id: ::std::borrow::Cow::Borrowed("id"),
        at: 1,
        list,
        doubled: 4,
        marker: ::std::marker::PhantomData,
        unmarked: true,
        rest: ::std::convert::From::from([(::std::convert::From::from("a"), 1)]),
    };
    assert_round_trip!(record, Record<'static, char, 3>);
}

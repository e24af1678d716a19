//! Fields with names that generated code uses, with keywords, and with names that lints refuse.

#[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
#[envelope(table = "t")]
struct Names {
    #[partition_key]
    __sort: u8,
    #[sort_key]
    __partition: u8,
    #[encrypted]
    __marker: u8,
    #[encrypted]
    __key: u8,
    #[encrypted]
    __serializer: u8,
    #[encrypted]
    __deserializer: u8,
    #[encrypted]
    __envelope: u8,
    #[encrypted]
    __default: u8,
}

#[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
#[envelope(table = "t")]
#[allow(non_camel_case_types)]
struct r#fn<r#type> {
    #[partition_key]
    r#struct: u8,
    #[encrypted]
    r#type: r#type,
}

#[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
#[envelope(table = "t")]
#[allow(
    non_snake_case,
    non_camel_case_types,
    non_upper_case_globals,
    clippy::struct_excessive_bools
)]
struct odd_style<t, const n: usize> {
    #[partition_key]
    userId: u8,
    #[sort_key]
    CreatedAt: u8,
    #[encrypted]
    Value: t,
    #[plaintext]
    a: bool,
    #[plaintext]
    b: bool,
    #[plaintext]
    c: bool,
    #[plaintext]
    d: bool,
}

#[test]
fn records_are_written_and_read() {
    let names = Names {
        __sort: 1,
        __partition: 2,
        __marker: 3,
        __key: 4,
        __serializer: 5,
        __deserializer: 6,
        __envelope: 7,
        __default: 8,
    };
    assert_round_trip!(names, Names);
    assert_round_trip!(r#fn { r#struct: 1, r#type: 2 }, r#fn<u8>);
    assert_round_trip!(
        odd_style { userId: 1, CreatedAt: 2, Value: 3, a: true, b: true, c: false, d: false },
        odd_style<u8, 4>
    );
}

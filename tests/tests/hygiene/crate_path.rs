//! The crate under another name.

/// What a facade would export.
pub(crate) mod facade {
    #[doc(hidden)]
    pub(crate) use ::envelope_dynamo::__private;
}

#[derive(::renamed::Envelope, ::std::cmp::PartialEq)]
#[envelope(table = "t", crate = ::renamed)]
struct Renamed {
    #[partition_key]
    id: u8,
    #[encrypted]
    value: u8,
}

#[derive(::renamed::Envelope, ::std::cmp::PartialEq)]
#[envelope(table = "t", crate = crate::crate_path::facade)]
struct Reexported {
    #[partition_key]
    id: u8,
    #[encrypted]
    value: u8,
}

/// A struct from a macro, whose tokens come from two places.
macro_rules! record {
    ($name:ident, $table:literal, $other:literal, $field:ident: $ty:ty) => {
        #[derive(::renamed::Envelope, ::std::cmp::PartialEq)]
        #[envelope(table = $table, context($other = $other), crate = $crate::crate_path::facade)]
        struct $name {
            #[partition_key]
            #[serde(rename = $other)]
            id: $ty,
            #[encrypted]
            $field: ::std::vec::Vec<$ty>,
        }
    };
}

record!(FromMacro, "macros", "ID", id_of_caller: u8);

#[test]
fn records_are_written_and_read() {
    assert_round_trip!(Renamed { id: 1, value: 2 }, Renamed);
    assert_round_trip!(Reexported { id: 1, value: 2 }, Reexported);
    assert_round_trip!(
        FromMacro { id: 1, id_of_caller: ::std::convert::From::from([2]) },
        FromMacro
    );
    ::std::assert_eq!(<FromMacro as ::envelope_dynamo::Envelope>::TABLE, "macros");
    ::std::assert_eq!(<FromMacro as ::envelope_dynamo::Envelope>::CONTEXT, [("ID", "ID")]);
}

//! The generated code compiles wherever a struct can stand, and under any lint.
#![no_implicit_prelude]
#![deny(
    warnings,
    future_incompatible,
    keyword_idents,
    let_underscore,
    nonstandard_style,
    refining_impl_trait,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    unused,
    absolute_paths_not_starting_with_crate,
    ambiguous_negative_literals,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    ffi_unwind_calls,
    macro_use_extern_crate,
    meta_variable_misuse,
    missing_abi,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unreachable_pub,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::cargo,
    clippy::absolute_paths,
    clippy::arbitrary_source_item_ordering,
    clippy::exhaustive_structs,
    clippy::implicit_return,
    clippy::missing_docs_in_private_items,
    clippy::missing_inline_in_public_items,
    clippy::missing_trait_methods,
    clippy::module_name_repetitions,
    clippy::same_name_method,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::shadow_unrelated,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::min_ident_chars,
    clippy::pattern_type_mismatch,
    clippy::single_call_fn,
    clippy::empty_loop,
    clippy::renamed_function_params
)]
// What the tests themselves do.
#![allow(
    clippy::absolute_paths,
    clippy::arbitrary_source_item_ordering,
    clippy::cargo_common_metadata,
    clippy::implicit_return,
    clippy::min_ident_chars,
    clippy::missing_assert_message,
    clippy::multiple_crate_versions,
    clippy::redundant_pub_crate,
    clippy::single_call_fn,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::trivially_copy_pass_by_ref
)]

extern crate envelope_dynamo as renamed;

/// Asserts that a record survives being written and read.
macro_rules! assert_round_trip {
    ($record:expr, $ty:ty) => {{
        let record: $ty = $record;
        let written = ::envelope_dynamo::Envelope::serialize(&record, ::serde_json::value::Serializer);
        let written = ::std::result::Result::expect(written, "a map");
        let read: $ty =
            ::std::result::Result::expect(::envelope_dynamo::Envelope::deserialize(written), "what was written");
        ::std::assert!(read == record);
    }};
}

mod without_prelude {
    //! Nothing is in scope but what generated code brings.

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
        #[serde(with = "super::double")]
        doubled: u32,
        #[serde(skip)]
        marker: ::std::marker::PhantomData<[T; N]>,
        #[serde(alias = "other")]
        unmarked: bool,
        rest: ::std::collections::BTreeMap<::std::string::String, u8>,
    }

    #[test]
    fn a_record_is_written_and_read() {
        let list = ::std::convert::From::from([::std::option::Option::Some('x'), ::std::option::Option::None]);
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
}

mod double {
    //! A value that is stored doubled.

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
}

mod among_shadows {
    //! Every name that generated code could be tempted to use means something else.
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
        let record = Record { id: ::std::convert::From::from("id"), at: 1, value: ::std::option::Option::Some(2) };
        assert_round_trip!(record, Record<u8>);
    }
}

mod by_another_path {
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
    #[envelope(table = "t", crate = crate::by_another_path::facade)]
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
            #[envelope(table = $table, context($other = $other), crate = $crate::by_another_path::facade)]
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
        assert_round_trip!(FromMacro { id: 1, id_of_caller: ::std::convert::From::from([2]) }, FromMacro);
        ::std::assert_eq!(<FromMacro as ::envelope_dynamo::Envelope>::TABLE, "macros");
        ::std::assert_eq!(<FromMacro as ::envelope_dynamo::Envelope>::CONTEXT, [("ID", "ID")]);
    }
}

mod in_odd_places {
    //! Structs that are not items of a module, or not visible.

    #[test]
    fn inside_a_function() {
        const LENGTH: usize = 2;
        fn is_zero(value: &u8) -> bool {
            *value == 0
        }

        #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
        #[envelope(table = "t")]
        struct Local {
            #[partition_key]
            id: u8,
            #[encrypted]
            #[serde(default, skip_serializing_if = "is_zero")]
            value: u8,
            #[plaintext]
            array: [Inner; LENGTH],
        }

        #[derive(::serde::Serialize, ::serde::Deserialize, ::std::cmp::PartialEq)]
        struct Inner(u8);

        assert_round_trip!(Local { id: 1, value: 0, array: [Inner(1), Inner(2)] }, Local);
    }

    mod private {
        //! Fields that only this module can name.

        #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
        #[envelope(table = "t")]
        pub(super) struct Private {
            #[partition_key]
            id: u8,
            #[encrypted]
            value: u8,
        }

        impl Private {
            /// Some record.
            pub(super) const SOME: Self = Self { id: 1, value: 2 };
        }
    }

    #[test]
    fn with_fields_of_another_module() {
        assert_round_trip!(private::Private::SOME, private::Private);
    }
}

mod with_odd_names {
    //! Names of generated code, keywords, and names that lints refuse.

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
    #[allow(non_snake_case, non_camel_case_types, non_upper_case_globals, clippy::struct_excessive_bools)]
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
}

mod deprecated {
    //! Fields and structs that should not be used any more are still stored.

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
}

mod beside_other_derives {
    //! The struct's own serde derive goes on working, and its attributes serve both.

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
}

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
        let written =
            ::envelope_dynamo::Envelope::serialize(&record, ::serde_json::value::Serializer);
        let written = ::std::result::Result::expect(written, "a map");
        let read: $ty = ::std::result::Result::expect(
            ::envelope_dynamo::Envelope::deserialize(written),
            "what was written",
        );
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
        let list = ::std::convert::From::from([
            ::std::option::Option::Some('x'),
            ::std::option::Option::None,
        ]);
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
        let record = Record {
            id: ::std::convert::From::from("id"),
            at: 1,
            value: ::std::option::Option::Some(2),
        };
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
        assert_round_trip!(
            FromMacro { id: 1, id_of_caller: ::std::convert::From::from([2]) },
            FromMacro
        );
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
        let of_field =
            ::envelope_dynamo::Envelope::serialize(&field, ::serde_json::value::Serializer);
        ::std::assert!(::std::result::Result::is_ok(&of_field));
        let whole = Struct { id: 1, value: 2 };
        let of_whole =
            ::envelope_dynamo::Envelope::serialize(&whole, ::serde_json::value::Serializer);
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

mod from_macros {
    //! Tokens that went through `macro_rules!` bear its marks, which generated locals do not.

    /// A record of everything that generated code treats in a way of its own, and a view of it.
    macro_rules! record {
        ($name:ident, $view:ident, $id:ident: $id_ty:ty, $group:ident: $group_ty:ty, $number:ident: $number_ty:ty) => {
            #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
            #[envelope(table = "t", index(name = "by-number", partition_key = $number, sort_key = changed))]
            struct $name {
                #[partition_key]
                $id: $id_ty,
                #[encrypted]
                value: u8,
                #[encrypted(group = "medical")]
                $group: $group_ty,
                #[plaintext]
                #[version]
                $number: $number_ty,
                #[plaintext]
                #[ttl]
                expires: ::std::option::Option<$number_ty>,
                #[plaintext]
                #[updated]
                changed: u64,
            }

            #[derive(::envelope_dynamo::View, ::std::cmp::PartialEq)]
            #[view(of = $name)]
            struct $view {
                $number: $number_ty,
                expires: ::std::option::Option<$number_ty>,
            }
        };
    }

    record!(Record, View, id: ::std::string::String, group: ::envelope_dynamo::Access<u8>, number: u64);

    /// A composed key, and an enum of the records.
    macro_rules! entities {
        ($name:ident, $user:ident, $part:ident: $part_ty:ty) => {
            #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
            #[envelope(table = "t")]
            #[partition_key(name = "pk", format = "USER#{part}")]
            struct $user {
                #[key]
                $part: $part_ty,
                #[encrypted]
                value: u8,
            }

            #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
            enum $name {
                User($user),
            }
        };
    }

    entities!(Entity, User, part: ::std::string::String);

    #[test]
    fn records_are_written_and_read() {
        let record = Record {
            id: ::std::convert::From::from("id"),
            value: 1,
            group: ::envelope_dynamo::Access::Granted(2),
            number: 3,
            expires: ::std::option::Option::Some(4),
            changed: 5,
        };
        assert_round_trip!(record, Record);
        ::std::assert_eq!(<View as ::envelope_dynamo::View>::names(), ["number", "expires"]);
        ::std::assert_eq!(<User as ::envelope_dynamo::Envelope>::TABLE, "t");
        let entity = Entity::User(User { part: ::std::convert::From::from("a"), value: 1 });
        ::std::assert!(
            entity == Entity::User(User { part: ::std::convert::From::from("a"), value: 1 })
        );
    }
}

mod among_methods {
    //! A trait of the user's has the names of functions that generated code calls, on everything
    //! and by value.
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
        fn restated(self) {}
        fn partition_key(self) {}
        fn by_partition(self) {}
        fn optional(self) {}
        fn or_default(self) {}
        fn scalar_type(self) {}
        fn codec(self) {}
        fn serialize(self) {}
        fn deserialize(self) {}
        fn take_apart(self) {}
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
        #[serde(with = "super::double", default)]
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
}

mod of_deprecated_types {
    //! A struct that may use what is deprecated is derived without a warning.

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
        let written =
            ::envelope_dynamo::Envelope::serialize(&record, ::serde_json::value::Serializer);
        ::std::assert!(::std::result::Result::is_ok(&written));
        ::std::assert_eq!(<View as ::envelope_dynamo::View>::names(), ["other"]);
        let of = |entity: &Entity| match *entity {
            Entity::Field(ref field) => field.id,
            Entity::Old(ref old) => old.id,
        };
        ::std::assert_eq!(of(&Entity::Old(OldRecord { id: 1, value: 2 })), 1);
        ::std::assert_eq!(of(&Entity::Field(OnField { id: 2, value: Old(2), other: Old(3) })), 2);
    }
}

mod under_forbidden_lints {
    //! A lint that is forbidden takes no `allow`, so generated code has none that serde's own has
    //! not.
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
        #[serde(with = "super::double", default)]
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
}

//! The generated code compiles in any scope, and under any lint.
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
// The tests themselves break these.
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

mod crate_path;
mod deprecated_items;
mod deprecated_types;
mod doubled;
mod forbidden_lints;
mod macros;
mod odd_names;
mod other_derives;
mod places;
mod shadowed_methods;
mod shadowed_names;
mod without_prelude;

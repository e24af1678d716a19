//! The second stage: the rules of a record, as one flat list. Every violation is reported.

mod composed_keys;
mod context;
mod fields;
mod index_formats;
mod indexes;
mod key_type;
mod keys;
mod names;
mod read_back;
mod record;
mod roles;
mod search_tags;
mod unprotected;

use crate::errors::Errors;
use crate::parse::Input;

pub(crate) use record::{Key, Record, key, key_of_parts};

/// Applies every rule; `None` if a mistake was reported, here or by the parser.
pub(crate) fn check<'a>(input: &'a Input, errors: &mut Errors) -> Option<Record<'a>> {
    context::names_are_free(input, errors);
    context::no_pair_is_named_group(input, errors);
    context::values_are_given(input, errors);
    for field in &input.fields {
        fields::one_mark(field, errors);
        fields::skipped_field_has_no_mark(field, errors);
        keys::always_stored(field, errors);
        keys::scalar(field, errors);
        context::readable(field, errors);
        fields::grouped_field_has_no_with(field, errors);
        roles::check(input, field, errors);
    }
    keys::one_partition_key(input, errors);
    keys::at_most_one_sort_key(input, errors);
    fields::some_field_is_protected(input, errors);
    unprotected::check(input, errors);
    names::free(input, errors);
    names::unique(input, errors);
    composed_keys::check(input, errors);
    indexes::check(input, errors);
    index_formats::check(input, errors);
    search_tags::check(input, errors);
    roles::one_field_each(input, errors);
    // In a record with another mistake, these mistakes are often only its consequence.
    if errors.is_empty() {
        input.fields.iter().for_each(|field| read_back::check(input, field, errors));
    }
    if errors.is_empty() { record::record(input) } else { None }
}

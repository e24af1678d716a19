//! `skip`, `skip_serializing`, `skip_deserializing` and `skip_serializing_if`.

use std::collections::BTreeMap;
use std::marker::PhantomData;

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn seven() -> u32 {
    7
}

alike! {
    skipped_where_there_is_nothing: {
        #[serde(skip_serializing_if = "Option::is_none")]
        none: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        some: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        empty: Vec<u8>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        full: BTreeMap<String, u8>,
        #[serde(default, skip_serializing_if = "is_zero", rename = "Zero")]
        zero: u32,
    } = { none: None, some: Some("a".into()), empty: vec![], full: [("a".into(), 1)].into(), zero: 0 }
    absent ["none", "empty", "Zero"];

    skipped_markers: {
        #[serde(skip)]
        marker: PhantomData<String>,
        kept: u8,
    } = { marker: PhantomData, kept: 1 };
}

alike_but_changed! {
    skipped_both_ways: {
        #[serde(skip)]
        skipped: u32,
        #[serde(skip, default = "seven")]
        defaulted: u32,
        #[serde(skip_serializing, skip_deserializing)]
        in_two_words: u32,
        kept: u32,
    } = { skipped: 1, defaulted: 2, in_two_words: 3, kept: 4 };

    skipped_in_writing: {
        #[serde(skip_serializing, default)]
        secret: u32,
        #[serde(skip_serializing, default = "seven")]
        defaulted: u32,
    } = { secret: 1, defaulted: 2 } absent ["secret", "defaulted"];

    skipped_in_writing_and_missed_in_reading: {
        #[serde(skip_serializing)]
        secret: u32,
    } = { secret: 1 } absent ["secret"];

    skipped_in_reading: {
        #[serde(skip_deserializing)]
        computed: u32,
        #[serde(skip_deserializing, default = "seven")]
        defaulted: u32,
    } = { computed: 1, defaulted: 2 };

    skipped_if_something_and_missed_in_reading: {
        #[serde(skip_serializing_if = "is_zero")]
        zero: u32,
        #[serde(skip_serializing_if = "is_zero", default = "seven")]
        defaulted: u32,
    } = { zero: 0, defaulted: 0 } absent ["zero", "defaulted"];
}

read_alike! {
    what_is_skipped_is_not_read_even_if_it_is_there: {
        #[serde(skip)]
        skipped: u32,
        #[serde(skip_deserializing, default = "seven")]
        computed: u32,
        #[serde(skip_serializing)]
        read_only: u32,
    }
    reads [{ "read_only": 1 }, { "skipped": 2, "computed": 3, "read_only": 1 }]
    refuses [{}, { "skipped": 2, "computed": 3 }];

    what_is_skipped_is_unknown: #[serde(deny_unknown_fields)] {
        #[serde(skip)]
        skipped: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        maybe: Option<u32>,
    }
    reads [{}, { "maybe": 1 }, { "maybe": null }]
    refuses [{ "skipped": 1 }, { "maybe": "" }];
}

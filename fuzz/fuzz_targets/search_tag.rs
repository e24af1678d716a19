#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| envelope_hostile::search_tag(bytes));

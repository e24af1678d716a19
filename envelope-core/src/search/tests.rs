//! Tags: the draft of the format, and which inputs have equal tags.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::HashSet;

use super::{Definition, Generation, SearchKey, SearchValue, Step, Tag, TaggedField, Tagger};
use crate::FormatError;

const TRIM_AND_LOWERCASE: &[Step] = &[Step::Trim, Step::AsciiLowercase];

fn key() -> SearchKey {
    SearchKey::from_slice(&(0..32).collect::<Vec<u8>>()).unwrap()
}

fn tagger(steps: &[Step]) -> Tagger {
    key().tagger(&Definition::new("users", "email", &[("email", steps)]))
}

fn text(steps: &[Step], text: &str) -> Option<Tag> {
    tagger(steps).tag(&[SearchValue::Text(text)])
}

fn number(text: &str) -> Tag {
    tagger(&[]).tag(&[SearchValue::number(text).unwrap()]).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_worked_example_of_the_format_has_these_bytes() {
    let fields = [("email", TRIM_AND_LOWERCASE)];
    let definition = Definition::new("users", "email", &fields);
    assert_eq!(
        hex(&definition.to_bytes()),
        "866f656e76656c6f70652d7365617263680165757365727365656d61696c818265656d61696c82647472696d6f\
         61736369695f6c6f776572636173651880"
    );
    let tagger = key().tagger(&definition);
    let message = tagger.message(&[SearchValue::Text("Zoe@Example.com ")]).unwrap();
    assert_eq!(hex(message.as_bytes()), "818261536f7a6f65406578616d706c652e636f6d");
    let tag = tagger.tag_of(&message);
    assert_eq!(hex(tag.as_bytes()), "01fb47288db69c255e6fa8ad71b3e9bf6f1ede7f43");
    assert_eq!(tagger.generation(), Generation::from_bytes([0xfb, 0x47, 0x28, 0x8d]));
}

#[test]
fn steps_change_ascii_and_nothing_else() {
    let cases = [
        (Step::Trim, "\t\n\x0c\r a b \r\n", "a b"),
        (Step::Trim, "\x0b a \u{a0}", "\x0b a \u{a0}"),
        (Step::Trim, " \r\n ", ""),
        (Step::AsciiLowercase, "ÀZaz@[É", "Àzaz@[É"),
        (Step::Digits, "+41 (0)79 ١٢ 12", "4107912"),
        (Step::Digits, "none", ""),
    ];
    for (step, written, expected) in cases {
        let mut changed = written.to_owned();
        step.apply(&mut changed);
        assert_eq!(changed, expected, "{step:?} of {written:?}");
    }
}

#[test]
fn every_step_is_found_by_its_name() {
    for step in [Step::Trim, Step::AsciiLowercase, Step::Digits] {
        assert_eq!(Step::from_name(step.name()), Some(step));
    }
    assert_eq!(Step::from_name("lowercase"), None);
}

#[test]
fn spellings_that_the_steps_make_equal_have_one_tag() {
    assert_eq!(text(TRIM_AND_LOWERCASE, "\tZOE@x.y\n"), text(TRIM_AND_LOWERCASE, "zoe@x.y"));
    assert_ne!(text(&[Step::Trim], "Zoe"), text(&[Step::Trim], "zoe"));
    assert_ne!(text(&[], "zoe"), text(&[], "zoe "));
    assert_eq!(text(&[Step::Digits], "079 1"), text(&[Step::Digits], "(07)91"));
}

#[test]
fn an_empty_value_has_no_tag() {
    assert_eq!(text(&[], ""), None);
    assert_eq!(text(&[Step::Trim], " \t"), None);
    assert_eq!(text(&[Step::Digits], "unknown"), None);
    assert_eq!(tagger(&[]).tag(&[SearchValue::Bytes(&[])]), None);
    assert!(tagger(&[]).tag(&[SearchValue::Bytes(&[0])]).is_some());
    assert!(text(&[], " ").is_some(), "without `trim`, a space is a value");
    assert_eq!(number("0"), number("-0.00"), "zero is a value");
}

#[test]
fn one_absent_value_leaves_several_without_a_tag() {
    let fields: [TaggedField<'_>; 2] = [("last", &[Step::Trim]), ("first", &[])];
    let tagger = key().tagger(&Definition::new("users", "last+first", &fields));
    assert_eq!(tagger.tag(&[SearchValue::Text("Smith"), SearchValue::Text("")]), None);
    assert_eq!(tagger.tag(&[SearchValue::Text(" "), SearchValue::Text("Ann")]), None);
    assert!(tagger.tag(&[SearchValue::Text("Smith"), SearchValue::Text("Ann")]).is_some());
}

#[test]
fn numbers_are_compared_by_value() {
    assert_eq!(number("1.0"), number("1"));
    assert_eq!(number("15e-1"), number("1.50"));
    assert_ne!(number("1"), number("-1"));
    assert_ne!(number("1"), number("10"));
}

/// A step is for text. The derive refuses steps of other types where it sees the type.
#[test]
fn steps_leave_numbers_and_bytes_alone() {
    let with_steps = tagger(&[Step::Digits, Step::AsciiLowercase]);
    let message = |value| with_steps.message(&[value]).unwrap();
    let plain = |value| tagger(&[]).message(&[value]).unwrap();
    for value in [SearchValue::number("-1.5").unwrap(), SearchValue::Bytes(b"A1 ")] {
        assert_eq!(message(value.clone()), plain(value));
    }
}

#[test]
fn types_and_boundaries_of_values_are_part_of_the_tag() {
    let mut tags = HashSet::new();
    let one = [SearchValue::Text("1"), SearchValue::number("1").unwrap(), SearchValue::Bytes(b"1")];
    for value in one {
        assert!(tags.insert(tagger(&[]).tag(&[value]).unwrap()));
    }
    let tagger = key().tagger(&Definition::new("users", "a+b", &[("a", &[]), ("b", &[])]));
    for (a, b) in [("ab", "c"), ("a", "bc"), ("c", "ab")] {
        let values = [SearchValue::Text(a), SearchValue::Text(b)];
        assert!(tags.insert(tagger.tag(&values).unwrap()), "{a}, {b}");
    }
}

#[test]
fn every_part_of_a_definition_separates_tags() {
    let cases: &[(&str, &str, &[TaggedField<'_>])] = &[
        ("users", "email", &[("email", &[])]),
        ("Users", "email", &[("email", &[])]),
        ("users", "email+2", &[("email", &[])]),
        ("users", "email", &[("mail", &[])]),
        ("users", "email", &[("email", &[Step::Trim])]),
        ("users", "email", &[("email", &[Step::Trim, Step::Digits])]),
        ("users", "email", &[("email", &[Step::Digits, Step::Trim])]),
    ];
    let mut generations = HashSet::new();
    let mut macs = HashSet::new();
    for (table, name, fields) in cases {
        let tagger = key().tagger(&Definition::new(table, name, fields));
        let tag = tagger.tag(&[SearchValue::Text("1")]).unwrap();
        assert_eq!(tag.generation(), tagger.generation());
        assert!(generations.insert(tagger.generation()), "{table}, {name}, {fields:?}");
        assert!(macs.insert(tag.as_bytes()[5..].to_vec()), "{table}, {name}, {fields:?}");
    }
    let orders = [["last", "first"], ["first", "last"]].map(|names| {
        let fields = names.map(|name| (name, &[][..]));
        key().tagger(&Definition::new("users", "last+first", &fields)).generation()
    });
    assert_ne!(orders[0], orders[1], "the order of the fields");
}

#[test]
fn another_search_key_has_other_tags_and_another_generation() {
    let other = SearchKey::from_slice(&[7; 32]).unwrap();
    let other = other.tagger(&Definition::new("users", "email", &[("email", &[])]));
    let (old, new) = (text(&[], "zoe").unwrap(), other.tag(&[SearchValue::Text("zoe")]).unwrap());
    assert_ne!(old.generation(), new.generation());
    assert_ne!(old.as_bytes()[5..], new.as_bytes()[5..]);
}

#[test]
#[should_panic(expected = "one value for each field")]
fn a_missing_value_is_a_mistake_of_the_caller() {
    let _ = tagger(&[]).tag(&[]);
}

#[test]
fn stored_bytes_are_parsed_strictly() {
    let tag = text(&[], "zoe").unwrap();
    let bytes = tag.as_bytes();
    assert_eq!(Tag::parse(bytes), Ok(tag));
    for length in 0..bytes.len() {
        assert_eq!(Tag::parse(&bytes[..length]), Err(FormatError::Truncated("a search tag")));
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Tag::parse(&longer), Err(FormatError::TrailingBytes("a search tag")));
    for version in [0, 2, 255] {
        let mut other = *bytes;
        other[0] = version;
        let unknown = FormatError::UnknownVersion("a search tag", version);
        assert_eq!(Tag::parse(&other), Err(unknown));
    }
}

#[test]
fn debug_shows_neither_keys_nor_values_nor_whole_tags() {
    let values = [
        SearchValue::Text("zoe@example.com"),
        SearchValue::number("4711.50").unwrap(),
        SearchValue::Bytes(b"zoe@example.com"),
    ];
    assert_eq!(format!("{values:?}"), "[S(..), N(..), B(..)]");
    let tagger = tagger(&[]);
    let message = tagger.message(&values[..1]).unwrap();
    assert_eq!(format!("{message:?}"), "SearchMessage(..)");
    assert_eq!(format!("{:?}", key()), "SearchKey(..)");
    let generation = tagger.generation();
    assert_eq!(format!("{tagger:?}"), format!("Tagger({generation}, ..)"));
    assert_eq!(format!("{:?}", tagger.tag_of(&message)), format!("Tag({generation}..)"));
}

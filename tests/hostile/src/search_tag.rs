//! Stored search tags, and values from which tags are computed.

use envelope_core::read_fields;
use envelope_core::search::{
    Definition, SearchKey, SearchMessage, SearchValue, Step, TAG_BYTES, Tag, Tagger,
};

use crate::allocation::within;

const STEPS: &[Step] = &[Step::Trim, Step::AsciiLowercase, Step::Digits];

/// A stored tag that parses has the same bytes. A value of any bytes has one tag: steps that were
/// applied change nothing more, and a tag is equal to another if, and only if, the messages are.
pub fn search_tag(bytes: &[u8]) {
    if let Ok(tag) = Tag::parse(bytes) {
        assert_eq!((bytes.len(), &tag.as_bytes()[..]), (TAG_BYTES, bytes));
        assert_eq!(tag.generation().as_bytes()[..], bytes[1..5]);
    }
    // The buffer of the text, its copy for the steps, and the message.
    within(20, bytes.len(), || {
        values(bytes);
        sealed(bytes);
    });
}

fn values(bytes: &[u8]) {
    let (plain, stepped) = (tagger(&[]), tagger(STEPS));
    let mut messages = vec![plain.message(&[SearchValue::Bytes(bytes)])];
    assert_eq!(messages[0].is_none(), bytes.is_empty());
    if let Ok(text) = str::from_utf8(bytes) {
        let mut after = text.to_owned();
        STEPS.iter().for_each(|step| step.apply(&mut after));
        let again = after.clone();
        STEPS.iter().for_each(|step| step.apply(&mut after));
        assert_eq!(after, again, "steps that were applied change nothing more");
        messages.push(stepped.message(&[SearchValue::Text(text)]));
        assert_eq!(messages[1], plain.message(&[SearchValue::Text(&after)]));
        messages.push(plain.message(&[SearchValue::Text(text)]));
        if let Ok(number) = SearchValue::number(text) {
            let SearchValue::Number(canonical) = &number else { panic!("{number:?} is a number") };
            let again = SearchValue::number(canonical.as_str()).unwrap();
            messages.push(plain.message(std::slice::from_ref(&number)));
            assert_eq!(messages[3], plain.message(&[again]), "a canonical number is the same");
        }
    }
    check(&plain, &messages.into_iter().flatten().collect::<Vec<_>>());
}

/// A field of any value has a tag, or none, or an error of one line.
fn sealed(bytes: &[u8]) {
    for (_, field) in read_fields(bytes).unwrap_or_default() {
        match SearchValue::of_field(&field) {
            Ok(None) => {}
            Ok(Some(value)) => assert!(!format!("{value:?}").contains('"')),
            Err(error) => assert!(error.to_string().len() < 200, "{error}"),
        }
    }
}

fn tagger(steps: &[Step]) -> Tagger {
    let key = SearchKey::from_slice(&[7; SearchKey::BYTES]).unwrap();
    key.tagger(&Definition::new("users", "email", &[("email", steps)]))
}

fn check(tagger: &Tagger, messages: &[SearchMessage]) {
    for one in messages {
        for other in messages {
            assert_eq!(one == other, tagger.tag_of(one) == tagger.tag_of(other));
        }
    }
}

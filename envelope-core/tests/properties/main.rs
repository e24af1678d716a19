//! For every input: sealed data opens with its own context and key, and with no other.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod cbor;
mod parsing;
mod place;
mod value;

use envelope_core::{
    Content, ContextForm, DataKey, LocalKeyProvider, Number, OpenError, PayloadBuilder, Plaintext,
    RootKey, Sealed, UntrustedPayload, open, seal,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use place::{Place, change, content, form, place};
use value::{decimal, meaning};

/// A spelling of the values that changes nothing.
const PLAIN: u32 = 1;

/// The local provider never waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the local provider never waits"),
    }
}

fn data_key() -> DataKey {
    DataKey::from_slice(&[7; DataKey::BYTES]).unwrap()
}

fn provider() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&[9; 32]).unwrap())
}

fn seal_payload(plaintext: &[u8], content: Content, place: &Place, style: u32) -> Vec<u8> {
    let context = place.context(ContextForm::Raw, style);
    let mut payload = PayloadBuilder::new(plaintext.len(), context.authenticated_names());
    payload.extend_from_slice(plaintext);
    payload.seal(content, &context, &data_key()).unwrap()
}

fn open_payload(
    payload: Vec<u8>,
    content: Content,
    place: &Place,
    style: u32,
) -> Result<Plaintext, OpenError> {
    UntrustedPayload::parse(payload)?.open(
        content,
        &place.context(ContextForm::Raw, style),
        &data_key(),
    )
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sealed_data_opens_for_its_context(
        plaintext in vec(any::<u8>(), 0..200),
        (place, form) in (place(), form()),
        styles in any::<[u32; 2]>(),
    ) {
        let [written, read] = styles.map(|style| place.context(form, style));
        let sealed = block_on(seal(&plaintext, &written, &provider())).unwrap();
        let opened = block_on(open(&sealed, &read, &provider())).unwrap();
        prop_assert_eq!(opened.expose(), plaintext);
    }

    #[test]
    fn sealed_data_opens_for_no_other_context(
        (here, there, content) in (place(), place(), content()),
        change in change(),
        style in any::<u32>(),
    ) {
        let payload = seal_payload(b"secret", content, &here, style);
        let changed = here.clone().changed(change);
        for other in [there, changed] {
            let opened = open_payload(payload.clone(), content, &other, style);
            prop_assert_eq!(opened.is_ok(), other == here, "{:?}", other);
        }
    }

    #[test]
    fn sealed_data_opens_as_no_other_content(place in place(), content in content()) {
        let other = if content == Content::Bytes { Content::Record } else { Content::Bytes };
        let payload = seal_payload(&[0xa0], content, &place, PLAIN);
        prop_assert!(matches!(open_payload(payload, other, &place, PLAIN), Err(OpenError::Authentication)));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused(
        plaintext in vec(any::<u8>(), 0..100),
        (place, form) in (place(), form()),
        (in_dek, bit) in any::<(bool, Index)>(),
    ) {
        let context = place.context(form, PLAIN);
        let mut sealed = block_on(seal(&plaintext, &context, &provider())).unwrap();
        let bytes = if in_dek { &mut sealed.encrypted_dek } else { &mut sealed.encrypted_payload };
        let bit = bit.index(bytes.len() * 8);
        flip(bytes, bit);
        prop_assert!(block_on(open(&sealed, &context, &provider())).is_err());
    }

    #[test]
    fn no_other_data_key_opens(key in any::<[u8; 32]>(), place in place()) {
        prop_assume!(key != *data_key().expose());
        let payload = UntrustedPayload::parse(seal_payload(b"secret", Content::Record, &place, PLAIN)).unwrap();
        let context = place.context(ContextForm::Raw, PLAIN);
        let opened = payload.open(Content::Record, &context, &DataKey::from_slice(&key).unwrap());
        prop_assert!(matches!(opened, Err(OpenError::Authentication)));
    }

    #[test]
    fn equal_values_are_bound_equally(a in meaning(), b in meaning(), styles in any::<[u32; 2]>()) {
        let bound = |meaning: &value::Meaning, style| {
            envelope_core::Context::new("t").authenticated("a", Some(meaning.spelled(style))).unwrap()
        };
        let payload = PayloadBuilder::new(0, []).seal(Content::Record, &bound(&a, styles[0]), &data_key()).unwrap();
        let opens = |context| UntrustedPayload::parse(payload.clone()).unwrap().open(Content::Record, &context, &data_key());
        prop_assert!(opens(bound(&a, styles[1])).is_ok());
        prop_assert_eq!(opens(bound(&b, styles[1])).is_ok(), a == b);
    }

    #[test]
    fn every_spelling_of_a_number_is_the_same_number(number in decimal(), styles in any::<[u32; 2]>()) {
        let [a, b] = styles.map(|style| number.spelling(style));
        prop_assert_eq!(Number::parse(&a).unwrap(), Number::parse(&b).unwrap(), "{} and {}", a, b);
    }

    #[test]
    fn different_numbers_stay_different(
        a in decimal(),
        b in decimal(),
        (shift, digit, style) in (1i32..3, 1u8..=9, any::<u32>()),
    ) {
        let mut near = vec![b, value::Decimal { negative: !a.negative, ..a.clone() }];
        near.push(value::Decimal { digits: format!("{}{digit}", a.digits), exponent: a.exponent - 1, ..a.clone() });
        near.push(value::Decimal { exponent: a.exponent + shift, ..a.clone() });
        let canonical = a.spelling(style);
        let canonical = Number::parse(&canonical).unwrap();
        for other in near.into_iter().filter(|other| *other != a && !a.digits.is_empty()) {
            let text = other.spelling(style);
            if let Ok(number) = Number::parse(&text) {
                prop_assert_ne!(&number, &canonical, "{} beside {:?}", text, a);
            }
        }
    }
}

/// A record with all features, small enough to try every bit.
fn sample() -> (Sealed, envelope_core::Context<'static>) {
    use envelope_core::{Context, Value};
    let context = Context::new("users")
        .form(ContextForm::Hashed)
        .partition_key("user_id", Value::string("u_12345"))
        .sort_key("at", Value::Number(Number::parse("1.5").unwrap()))
        .authenticated("plan", Some(Value::string("pro")))
        .unwrap()
        .authenticated("frozen", None)
        .unwrap()
        .pair("tenant", "t_7")
        .unwrap();
    let sealed = block_on(seal(b"4111 1111 1111 1111", &context, &provider())).unwrap();
    (sealed, context)
}

#[test]
fn every_flipped_bit_of_a_sealed_record_is_refused() {
    let (sealed, context) = sample();
    for bit in 0..sealed.encrypted_payload.len() * 8 {
        let mut changed = sealed.clone();
        flip(&mut changed.encrypted_payload, bit);
        assert!(
            block_on(open(&changed, &context, &provider())).is_err(),
            "bit {bit} of the payload"
        );
    }
    for bit in 0..sealed.encrypted_dek.len() * 8 {
        let mut changed = sealed.clone();
        flip(&mut changed.encrypted_dek, bit);
        assert!(block_on(open(&changed, &context, &provider())).is_err(), "bit {bit} of the dek");
    }
    assert!(block_on(open(&sealed, &context, &provider())).is_ok());
}

#[test]
fn a_sealed_record_of_any_other_length_is_refused() {
    let (sealed, context) = sample();
    let lengths = |bytes: &[u8]| {
        (0..bytes.len()).chain(bytes.len() + 1..bytes.len() + 40).collect::<Vec<_>>()
    };
    for length in lengths(&sealed.encrypted_payload) {
        let mut changed = sealed.clone();
        changed.encrypted_payload.resize(length, 0);
        assert!(
            block_on(open(&changed, &context, &provider())).is_err(),
            "payload of {length} bytes"
        );
    }
    for length in lengths(&sealed.encrypted_dek) {
        let mut changed = sealed.clone();
        changed.encrypted_dek.resize(length, 0);
        assert!(block_on(open(&changed, &context, &provider())).is_err(), "dek of {length} bytes");
    }
}

/// Each copy of `text` that differs in one bit and is valid UTF-8.
fn flipped_text(text: &str) -> impl Iterator<Item = String> {
    (0..text.len() * 8).filter_map(|bit| {
        let mut bytes = text.as_bytes().to_vec();
        flip(&mut bytes, bit);
        String::from_utf8(bytes).ok()
    })
}

/// Every bit of every name and value that a record is bound to, in every form of the context.
#[test]
fn every_flipped_bit_of_a_context_is_refused() {
    use envelope_core::{Context, Value};
    type Texts = [String; 9];
    let here: Texts =
        ["users", "id", "u_1", "at", "7", "plan", "pro", "tenant", "t_7"].map(str::to_owned);
    let context = |[table, key, id, sort, at, name, value, pair, tenant]: Texts, form| {
        Context::new(table)
            .form(form)
            .partition_key(key, Value::bytes(id.into_bytes()))
            .sort_key(sort, Value::string(at))
            .authenticated(name, Some(Value::string(value)))
            .unwrap()
            .pair(pair, tenant)
            .unwrap()
    };
    for form in [ContextForm::Raw, ContextForm::Hashed, ContextForm::Table] {
        let sealed = block_on(seal(b"4111", &context(here.clone(), form), &provider())).unwrap();
        assert!(block_on(open(&sealed, &context(here.clone(), form), &provider())).is_ok());
        let payload = seal_payload_at(&context(here.clone(), form));
        for i in 0..here.len() {
            for text in flipped_text(&here[i]) {
                let mut there = here.clone();
                there[i] = text;
                let there = context(there, form);
                assert!(block_on(open(&sealed, &there, &provider())).is_err(), "{there:?}");
                let opened = UntrustedPayload::parse(payload.clone()).unwrap().open(
                    Content::Bytes,
                    &there,
                    &data_key(),
                );
                assert!(opened.is_err(), "though the data key is the right one: {there:?}");
            }
        }
    }
}

fn seal_payload_at(context: &envelope_core::Context<'_>) -> Vec<u8> {
    let mut payload = PayloadBuilder::new(4, context.authenticated_names());
    payload.extend_from_slice(b"4111");
    payload.seal(Content::Bytes, context, &data_key()).unwrap()
}

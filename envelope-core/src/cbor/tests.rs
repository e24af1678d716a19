#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::ser::{fragile_in, to_vec};
use super::{Deserializer, MAX_DEPTH, Reader};
use crate::serde_error::ValueError;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(text.get(i..i + 2).unwrap(), 16).unwrap())
        .collect()
}

fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ValueError> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(Deserializer::new(&mut reader))?;
    assert_eq!(reader.remaining(), 0, "everything is read");
    Ok(value)
}

#[track_caller]
fn is<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, encoded: &str) {
    assert_eq!(to_vec(&value).unwrap(), hex(encoded), "{value:?}");
    assert_eq!(from_slice::<T>(&hex(encoded)).unwrap(), value);
}

/// Serializes its `Display`, which fails if the flag is false.
struct Shown(String, bool);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| write!(f, "{c}"))?;
        if self.1 { Ok(()) } else { Err(std::fmt::Error) }
    }
}

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[test]
fn a_displayed_value_is_encoded_as_its_text() {
    for length in [0, 1, 23, 24, 255, 256, 70_000] {
        let text = "ü".repeat(length);
        assert_eq!(
            to_vec(&(1, Shown(text.clone(), true), 2)).unwrap(),
            to_vec(&(1, text, 2)).unwrap(),
            "{length}"
        );
    }
}

#[test]
fn a_display_that_fails_is_an_error_and_not_a_panic() {
    let error = to_vec(&Shown("123-45-6789".to_owned(), false)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("6789"), "{error:?}");
}

/// The examples of RFC 8949, appendix A, that the format allows.
#[test]
fn the_examples_of_rfc_8949_encode_and_decode() {
    is(0u8, "00");
    is(10u8, "0a");
    is(23u8, "17");
    is(24u8, "1818");
    is(100u16, "1864");
    is(1000u32, "1903e8");
    is(1_000_000u64, "1a000f4240");
    is(1_000_000_000_000u64, "1b000000e8d4a51000");
    is(u64::MAX, "1bffffffffffffffff");
    is(u128::from(u64::MAX) + 1, "c249010000000000000000");
    is(-18_446_744_073_709_551_616i128, "3bffffffffffffffff");
    is(-18_446_744_073_709_551_617i128, "c349010000000000000000");
    is(-1i8, "20");
    is(-10i16, "29");
    is(-100i32, "3863");
    is(-1000i64, "3903e7");
    is(1.1f64, "fb3ff199999999999a");
    is(100_000.0f32, "fa47c35000");
    is(f32::INFINITY, "fa7f800000");
    is(-4.1f64, "fbc010666666666666");
    is(false, "f4");
    is(true, "f5");
    is((), "f6");
    is(Some(7u8), "07");
    is(None::<u8>, "f6");
    is(String::new(), "60");
    is("IETF".to_owned(), "6449455446");
    is("\u{fc}".to_owned(), "62c3bc");
    is("\u{6c34}".to_owned(), "63e6b0b4");
    is('\u{10151}', "64f0908591");
    is(Vec::<u8>::new(), "80");
    is(vec![1, 2, 3], "83010203");
    is((1u8, [2u8, 3u8]), "8201820203");
    is((1..=25).collect::<Vec<u8>>(), "98190102030405060708090a0b0c0d0e0f101112131415161718181819");
    is(BTreeMap::from([(1u8, 2u8), (3, 4)]), "a201020304");
    is(
        BTreeMap::from([("a".to_owned(), "A".to_owned()), ("b".to_owned(), "B".to_owned())]),
        "a26161614161626142",
    );
}

/// The half-precision floats of RFC 8949, appendix A. Other writers may use them.
#[test]
fn half_precision_floats_are_read() {
    for (encoded, value) in [
        ("f90000", 0.0),
        ("f93c00", 1.0),
        ("f93e00", 1.5),
        ("f97bff", 65504.0),
        ("f90001", 5.960_464_5e-8),
        ("f90400", 6.103_515_6e-5),
        ("f9c400", -4.0),
        ("f97c00", f32::INFINITY),
        ("f9fc00", f32::NEG_INFINITY),
    ] {
        assert_eq!(
            from_slice::<f32>(&hex(encoded)).unwrap().to_bits(),
            f32::to_bits(value),
            "{encoded}"
        );
    }
    assert!(from_slice::<f32>(&hex("f97e00")).unwrap().is_nan());
    assert!(from_slice::<f32>(&hex("f98000")).unwrap().is_sign_negative());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum External {
    Unit,
    Newtype(u8),
    Tuple(u8, String),
    Struct { a: Option<u8> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Host { address: IpAddr },
    Nothing,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Address(IpAddr),
    Number(i64),
    List(Vec<Untagged>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, Untagged>,
}

/// A format that is not human-readable would write these addresses as bytes. When serde buffers
/// them, it would refuse to read them back.
#[test]
fn enums_of_every_tagging_read_back_human_readable_types() {
    is(External::Unit, "64556e6974");
    is(External::Newtype(1), "a1674e65777479706501");
    is(External::Tuple(1, "x".into()), "a1655475706c6582016178");
    is(External::Struct { a: None }, "a166537472756374a16161f6");
    let address = "2001:db8::1".parse().unwrap();
    for value in [Internal::Host { address }, Internal::Nothing] {
        assert_eq!(from_slice::<Internal>(&to_vec(&value).unwrap()).unwrap(), value);
    }
    let flat = Flat {
        id: 1,
        rest: BTreeMap::from([
            ("a".into(), Untagged::Address(address)),
            ("b".into(), Untagged::List(vec![Untagged::Number(-5)])),
        ]),
    };
    assert_eq!(from_slice::<Flat>(&to_vec(&flat).unwrap()).unwrap(), flat);
}

#[test]
fn fragile_values_are_counted() {
    let counted =
        |(_, fragile): (_, crate::FragileValues)| (fragile.wide_integers, fragile.null_options);
    assert_eq!(
        counted(
            fragile_in(&(1_u64, i64::MIN, "x", None::<u8>, Some(7), BTreeMap::from([(1, 2)])))
                .unwrap()
        ),
        (0, 0)
    );
    assert_eq!(counted(fragile_in(&(1_i128, -1_i128, vec![1_u128], i128::MIN)).unwrap()), (4, 0));
    assert_eq!(
        counted(fragile_in(&(Some(()), Some(None::<u8>), Some(Some(None::<u8>)))).unwrap()),
        (0, 4)
    );
    assert_eq!(
        counted(fragile_in(&BTreeMap::from([(1_i128, Some(vec![Some(())]))])).unwrap()),
        (1, 1)
    );
}

#[test]
fn an_integer_of_128_bits_in_an_untagged_enum_is_an_error() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Guess {
        Whole(i128),
        Float(f64),
    }
    let stored = to_vec(&Guess::Whole(18_446_744_073_709_551_617)).unwrap();
    let error = from_slice::<Guess>(&stored).unwrap_err().to_string();
    assert_eq!(error, "found an integer of more than 64 bits, expected any value");
}

#[test]
fn a_raw_value_of_serde_json_is_refused() {
    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::RawValue")]
    struct Raw {
        text: u8,
    }
    let error = to_vec(&vec![Some(Raw { text: 1 })]).unwrap_err().to_string();
    assert!(error.contains("`RawValue`"), "{error}");
}

#[test]
fn encodings_that_the_format_forbids_are_refused() {
    for (what, encoded) in [
        ("a head longer than needed", "1817"),
        ("a two-byte head longer than needed", "190017"),
        ("a four-byte head longer than needed", "1a00000017"),
        ("an eight-byte head longer than needed", "1b0000000000000017"),
        ("a length longer than needed", "780161"),
        ("an indefinite text", "7f6161ff"),
        ("an indefinite array", "9f01ff"),
        ("an indefinite map", "bf6161f6ff"),
        ("a break", "ff"),
        ("undefined", "f7"),
        ("an unassigned simple value", "f0"),
        ("a simple value in two bytes", "f8ff"),
        ("reserved additional information", "1c"),
        ("a date", "c074323031332d30332d32315432303a30343a30305a"),
        ("a bignum that is not big", "c24101"),
        ("a bignum with a leading zero", "c24a00010000000000000000"),
        ("text that is not UTF-8", "62ff80"),
        ("a text cut short", "6261"),
        ("an array cut short", "8201"),
        ("nothing", ""),
    ] {
        let encoded = hex(encoded);
        let mut reader = Reader::new(&encoded);
        assert!(serde_json::Value::deserialize(Deserializer::new(&mut reader)).is_err(), "{what}");
    }
}

#[test]
fn a_sequence_longer_than_its_type_is_an_error() {
    assert!(from_slice::<(u8, u8)>(&hex("83010203")).is_err());
}

#[test]
fn reading_and_writing_have_the_same_nesting_limit() {
    #[derive(Serialize, Deserialize)]
    struct Nest(Vec<Nest>);
    let nest = |depth: usize| (1..depth).fold(Nest(vec![]), |inner, _| Nest(vec![inner]));
    let deepest = to_vec(&nest(MAX_DEPTH)).unwrap();
    assert_eq!(deepest.len(), MAX_DEPTH);
    assert!(from_slice::<Nest>(&deepest).is_ok());
    assert_eq!(to_vec(&nest(MAX_DEPTH + 1)).unwrap_err().to_string(), "nested too deeply");
    for filler in [0x81, 0xa1, 0xc2] {
        let hostile = vec![filler; 400 * 1024];
        assert!(from_slice::<IgnoredAny>(&hostile).is_err());
        assert!(crate::read_fields(&hostile).is_err());
    }
}

#[test]
fn a_huge_declared_length_allocates_nothing() {
    for encoded in
        ["9bffffffffffffffff", "bbffffffffffffffff", "7bffffffffffffffff", "5bffffffffffffffff"]
    {
        assert!(from_slice::<Vec<u64>>(&hex(encoded)).is_err());
        assert!(from_slice::<BTreeMap<String, u8>>(&hex(encoded)).is_err());
        assert!(from_slice::<String>(&hex(encoded)).is_err());
    }
}

#[test]
fn errors_carry_no_value() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Strict {
        n: u8,
        e: External,
    }
    let secret = "s3cr3t-mark";
    for encoded in [
        to_vec(&BTreeMap::from([("n", secret)])).unwrap(),
        to_vec(&BTreeMap::from([("e", secret)])).unwrap(),
        to_vec(&vec![secret]).unwrap(),
    ] {
        let error = from_slice::<Strict>(&encoded).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{error}");
    }
}

/// The second integer is negative and beyond `i128`.
#[test]
fn a_value_that_no_type_holds_can_be_ignored() {
    for encoded in ["c250ffffffffffffffffffffffffffffffff", "c350ffffffffffffffffffffffffffffffff"]
    {
        assert!(from_slice::<IgnoredAny>(&hex(encoded)).is_ok(), "{encoded}");
    }
    assert!(from_slice::<i128>(&hex("c350ffffffffffffffffffffffffffffffff")).is_err());
}

#[test]
fn ignored_values_must_be_well_formed_too() {
    for encoded in [
        "c074323031332d30332d32315432303a30343a30305a",
        "81f7",
        "f0",
        "61ff",
        "9f01ff",
        "1817",
        "c24101",
    ] {
        let encoded = hex(encoded);
        let mut reader = Reader::new(&encoded);
        assert!(IgnoredAny::deserialize(Deserializer::new(&mut reader)).is_err());
        assert!(crate::read_fields(&[b"\xa1\x61a", &encoded[..]].concat()).is_err());
    }
}

//! Map keys: the types with one string form.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::net::IpAddr;

use uuid::Uuid;

use crate::convert::tests::*;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "home")]
    Home,
    Work,
    Other(u8),
}

#[track_caller]
fn key_is<K: Serialize + DeserializeOwned + Ord + Debug>(key: K, text: &str) {
    same_as(BTreeMap::from([(key, 1_u8)]), m([(text, n("1"))]));
}

#[test]
fn keys_with_a_string_form_are_stored_as_that_string() {
    macro_rules! integers {
        ($($integer:ident)*) => {$(
            key_is($integer::MIN, &$integer::MIN.to_string());
            key_is($integer::MAX, &$integer::MAX.to_string());
        )*};
    }
    integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);
    key_is(String::new(), "");
    key_is("k".to_owned(), "k");
    key_is('🦀', "🦀");
    key_is(true, "true");
    key_is(false, "false");
    key_is(Kind::Home, "home");
    key_is(Newtype(Newtype(-5_i64)), "-5");
    key_is(Newtype(Kind::Work), "Work");
    key_is(IpAddr::from([127, 0, 0, 1]), "127.0.0.1");
    key_is(Uuid::nil(), "00000000-0000-0000-0000-000000000000");
    same(HashMap::from([(1, HashMap::from([('x', Some(vec![true]))]))]));
}

#[test]
fn keys_without_a_string_form_are_refused() {
    refused(&[(0.5_f64, 1)]);
    refused(&[(0.5_f32, 1)]);
    refused(&[((), 1)]);
    refused(&[(None::<u8>, 1)]);
    refused(&[(Some("key"), 1)]);
    refused(&[((1, 2), 1)]);
    refused(&[(Kind::Other(1), 1)]);
    refused(&[(Newtype(None::<u8>), 1)]);
}

#[test]
fn keys_at_which_serde_dynamo_panics_are_refused() {
    let list = written(&[(vec![1], 1)]);
    let map = written(&[(BTreeMap::from([(1, 1)]), 1)]);
    let bytes = written(&[(ByteBuf(vec![1]), 1)]);
    for error in [list, map, bytes] {
        assert!(error.unwrap_err().to_string().contains("map key"));
    }
}

#[track_caller]
fn refused<K: Serialize, V: Serialize>(entries: &[(K, V)]) {
    let error = both_refuse(&Entries(entries));
    assert!(error.to_string().contains("DynamoDB stores map keys as strings"), "{error}");
}

fn written<K: Serialize, V: Serialize>(entries: &[(K, V)]) -> Result<AttributeValue, ValueError> {
    to_attribute_value(&Entries(entries))
}

/// A map whose keys implement neither `Hash` nor `Ord`.
struct Entries<'a, K, V>(&'a [(K, V)]);

impl<K: Serialize, V: Serialize> Serialize for Entries<'_, K, V> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[test]
fn malformed_keys_are_read_alike() {
    for text in [
        "", "1", "-1", "+1", "1.5", "300", "true", "TRUE", "a", "ab", "home", "Work", "Other",
        "::1",
    ] {
        let map = m([(text, n("1"))]);
        read_alike::<BTreeMap<u8, u8>>(&map);
        read_alike::<BTreeMap<i8, u8>>(&map);
        read_alike::<BTreeMap<u128, u8>>(&map);
        read_alike::<BTreeMap<bool, u8>>(&map);
        read_alike::<BTreeMap<char, u8>>(&map);
        read_alike::<BTreeMap<Kind, u8>>(&map);
        read_alike::<BTreeMap<Newtype<u8>, u8>>(&map);
        read_alike::<BTreeMap<Newtype<Kind>, u8>>(&map);
        read_alike::<BTreeMap<IpAddr, u8>>(&map);
        read_alike::<BTreeMap<ByteBuf, u8>>(&map);
        read_alike::<BTreeMap<Option<u8>, u8>>(&map);
        read_alike::<BTreeMap<(), u8>>(&map);
        read_alike::<Vec<(String, u8)>>(&map);
    }
}

#[test]
fn keys_and_values_may_come_one_by_one_but_not_out_of_order() {
    use serde::Serializer as _;
    use serde::ser::SerializeMap as _;

    let mut fragile = [envelope_core::FragileValues::default(); 3];
    let mut maps = fragile
        .iter_mut()
        .map(|fragile| crate::convert::Serializer::new(fragile).serialize_map(None));
    let mut map = || maps.next().unwrap().unwrap();

    let mut in_order = map();
    in_order.serialize_key(&1).unwrap();
    in_order.serialize_value("one").unwrap();
    in_order.serialize_entry("k", &2).unwrap();
    assert_eq!(in_order.end(), Ok(m([("1", s("one")), ("k", n("2"))])));

    let mut two_keys = map();
    two_keys.serialize_key("a").unwrap();
    assert!(two_keys.serialize_key("b").is_err());
    assert!(map().serialize_value("value").is_err());
}

/// A `Display` implementation that fails. It makes `to_string` panic.
struct Broken;

impl Display for Broken {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Err(std::fmt::Error)
    }
}

impl Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[test]
fn a_display_that_fails_is_an_error() {
    assert!(to_attribute_value(&Broken).is_err());
    assert!(written(&[(Broken, 1)]).is_err());
}

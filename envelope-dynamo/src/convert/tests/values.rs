//! Primitives, standard types, structs and what users commonly store.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::CString;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU8, Wrapping};
use std::ops::{Bound, Range};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use serde::de::IgnoredAny;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::tests::*;

#[test]
fn integers_at_their_extremes() {
    macro_rules! extremes {
        ($($integer:ident)*) => {$(
            for value in [$integer::MIN, $integer::MIN + 1, 0, 1, 9, 10, 99, 100, $integer::MAX - 1, $integer::MAX] {
                same_as(value, n(&value.to_string()));
            }
        )*};
    }
    extremes!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);
}

#[test]
fn integers_of_128_bits_are_numbers_where_serde_dynamo_refuses_them() {
    for value in [i128::MIN, -1, 0, i128::MAX] {
        assert_eq!(to_attribute_value(&value), Ok(n(&value.to_string())));
        assert_eq!(from_attribute_value(n(&value.to_string())), Ok(value));
    }
    for value in [u128::MIN, u128::MAX] {
        assert_eq!(to_attribute_value(&value), Ok(n(&value.to_string())));
        assert_eq!(from_attribute_value(n(&value.to_string())), Ok(value));
    }
    assert!(serde_dynamo::to_attribute_value::<_, AttributeValue>(1_u128).is_err());
    assert!(serde_dynamo::from_attribute_value::<_, u128>(n("1")).is_err());
}

#[test]
fn floats_at_their_extremes() {
    macro_rules! extremes {
        ($($float:ident)*) => {$(
            use std::$float::consts::PI;
            for value in [
                $float::MIN, $float::MAX, $float::MIN_POSITIVE, $float::EPSILON, $float::from_bits(1),
                $float::INFINITY, $float::NEG_INFINITY, 0.0, -0.0, 0.1, 1.0, 1e10, 1e-10, 16777217.0, PI,
            ] {
                same_as(value, n(&value.to_string()));
            }
            assert_eq!(stored_alike(&$float::NAN), n("NaN"));
            assert!(read_alike::<$float>(&n("NaN")).unwrap().is_nan());
        )*};
    }
    {
        extremes!(f32);
    }
    {
        extremes!(f64);
    }
}

#[test]
fn number_texts_are_read_by_both_or_by_neither() {
    let texts = [
        "",
        " 1",
        "1 ",
        "+1",
        "-1",
        "-0",
        "0",
        "007",
        "1.0",
        "1.",
        ".5",
        "1e2",
        "1E2",
        "1e-2",
        "0x10",
        "1_000",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "infinity",
        "e",
        "-",
        "127",
        "128",
        "-128",
        "-129",
        "255",
        "256",
        "65536",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1e309",
        "1e-400",
        "\u{661}",
        "1\u{0}",
        "0.1000000000000000055511151231257827021181583404541015625",
        "3.4028236e38",
    ];
    for text in texts {
        let number = n(text);
        read_alike::<i8>(&number);
        read_alike::<i16>(&number);
        read_alike::<i32>(&number);
        read_alike::<i64>(&number);
        read_alike::<u8>(&number);
        read_alike::<u16>(&number);
        read_alike::<u32>(&number);
        read_alike::<u64>(&number);
        read_alike::<f32>(&number);
        read_alike::<f64>(&number);
        read_alike::<tree::Any>(&number);
        read_alike::<serde_json::Value>(&number);
        read_alike::<Vec<f64>>(&AttributeValue::Ns(vec![text.to_owned()]));
        read_alike::<Vec<u64>>(&AttributeValue::Ns(vec![text.to_owned()]));
        read_alike::<Vec<tree::Any>>(&AttributeValue::Ns(vec![text.to_owned()]));
    }
}

/// `serde_dynamo` reads the nearest `f64` instead.
#[test]
fn a_whole_number_beyond_64_bits_is_never_read_as_another_number() {
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only that nothing fits matters")]
    enum Guess {
        Whole(i128),
        Float(f64),
    }

    for text in
        ["18446744073709551617", "-9223372036854775809", "99999999999999999999999999999999999999"]
    {
        let number = n(text);
        assert_eq!(from_attribute_value::<i128>(number.clone()), Ok(text.parse().unwrap()));
        assert_eq!(
            from_attribute_value::<f64>(number.clone()),
            Ok(text.parse().unwrap()),
            "the type asks for floats"
        );
        let refused = [
            from_attribute_value::<tree::Any>(number.clone()).unwrap_err(),
            from_attribute_value::<Guess>(number.clone()).unwrap_err(),
            from_attribute_value::<Vec<Guess>>(AttributeValue::Ns(vec![text.to_owned()]))
                .unwrap_err(),
        ];
        for error in refused {
            let error = error.to_string();
            assert!(
                error.starts_with("found an integer of more than 64 bits, expected any"),
                "{error}"
            );
        }
    }
    let floats =
        ["18446744073709551616", "18446744073709552000", "100000000000000000000000", "1e30"];
    for text in floats {
        assert_eq!(from_attribute_value(n(text)), Ok(tree::Any::Float(text.parse().unwrap())));
    }
}

#[test]
fn booleans_characters_and_strings() {
    same_as(true, AttributeValue::Bool(true));
    same_as(false, AttributeValue::Bool(false));
    for character in ['a', '\0', 'é', '\u{1f980}', char::MAX] {
        same_as(character, s(&character.to_string()));
    }
    for string in ["", "plain", "with \"quotes\" and \0", "Grüße, 世界 🦀", "e\u{301}"] {
        same_as(string.to_owned(), s(string));
        read_alike::<char>(&s(string));
    }
    same(Cow::<'static, str>::Borrowed("cow"));
    same(Box::<str>::from("boxed"));
}

#[test]
fn bytes_are_binary_and_vectors_of_u8_are_lists() {
    same_as(ByteBuf(vec![0, 1, 255]), b(&[0, 1, 255]));
    same_as(ByteBuf(Vec::new()), b(&[]));
    same_as(vec![0_u8, 255], l([n("0"), n("255")]));
    same_as([7_u8; 2], l([n("7"), n("7")]));
    same(CString::new("bytes to serde").unwrap());
}

#[test]
fn options_and_units() {
    let null = AttributeValue::Null(true);
    same_as(None::<u8>, null.clone());
    same_as(Some(1_u8), n("1"));
    same_as(Some(Some("nested".to_owned())), s("nested"));
    same_as((), null.clone());
    same_as(PhantomData::<u8>, null.clone());
    assert_eq!(stored_alike(&Some(None::<u8>)), null);
    assert_eq!(read_alike::<Option<Option<u8>>>(&null), Some(None));
    for flag in [true, false] {
        let null = AttributeValue::Null(flag);
        read_alike::<()>(&null);
        read_alike::<Option<()>>(&null);
        read_alike::<Option<bool>>(&null);
        read_alike::<PhantomData<u8>>(&null);
        read_alike::<tree::Any>(&null);
        read_alike::<Option<tree::Any>>(&null);
    }
}

#[test]
fn sequences_tuples_and_maps() {
    same_as(Vec::<String>::new(), l([]));
    same(vec![Some(1), None, Some(3)]);
    same(vec![vec![vec![1.5_f64]], vec![]]);
    same(VecDeque::from([1, 2]));
    same(LinkedList::from(["a".to_owned()]));
    same(BTreeSet::from([3, 1, 2]));
    same(HashSet::from(["x".to_owned(), "y".to_owned()]));
    same_as((1_u8, "two".to_owned(), [3_i64, -3]), l([n("1"), s("two"), l([n("3"), n("-3")])]));
    same(((), ((),), (true, 'c', 0.5_f32)));
    same_as(HashMap::<String, u8>::new(), m([]));
    same_as(
        BTreeMap::from([("a".to_owned(), vec![1]), (String::new(), vec![])]),
        m([("a", l([n("1")])), ("", l([]))]),
    );
}

#[test]
fn types_of_the_standard_library() {
    same(IpAddr::V4(Ipv4Addr::LOCALHOST));
    same_as(IpAddr::V6(Ipv6Addr::LOCALHOST), s("::1"));
    same("[2001:db8::1]:443".parse::<SocketAddr>().unwrap());
    same_as(Duration::new(3, 7), m([("secs", n("3")), ("nanos", n("7"))]));
    same(SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789));
    same(NonZeroU8::MAX);
    same(Wrapping(-1_i32));
    same(Range { start: 1, end: 5 });
    same(Bound::Included(1_u8));
    same(PathBuf::from("/tmp/x"));
    same(Ok::<u8, String>(1));
    same(Err::<u8, String>("no".to_owned()));
    same(Box::new(Some(Box::new(5))));
    assert_eq!(stored_alike(&Rc::<str>::from("counted").as_ref()), s("counted"));
    assert_eq!(stored_alike(&format_args!("{}-{}", 1, 2)), s("1-2"));
}

#[test]
fn identifiers_and_times() {
    let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    same_as(id, s("01234567-89ab-cdef-0123-456789abcdef"));
    same(vec![Some(id), None]);
    let moment = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_789).unwrap();
    same(moment);
    same_as(moment.date(), s("2023-11-14"));
    same(time::Duration::new(5, 6));
    same(serde_json::json!({
        "null": null, "int": -1, "big": u64::MAX, "float": 0.25, "text": "t", "list": [1, [true]], "map": {"k": {}},
    }));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tuple(u8, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Transparent {
    inner: Vec<u8>,
}

#[test]
fn structs_without_named_fields() {
    same_as(Unit, AttributeValue::Null(true));
    same_as(Newtype(5), n("5"));
    same_as(Newtype(Newtype(None::<bool>)), AttributeValue::Null(true));
    same_as(Tuple(1, "x".to_owned()), l([n("1"), s("x")]));
    same_as(Transparent { inner: vec![1] }, l([n("1")]));
    same(Newtype(Unit));
}

#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    full_name: String,
    #[serde(rename = "e-mail", alias = "mail")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    phone_numbers: Vec<String>,
    #[serde(skip)]
    cached: u8,
    #[serde(with = "text")]
    visits: u64,
}

mod text {
    use super::*;

    pub(crate) fn serialize<S: serde::Serializer>(
        value: &u64,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[test]
fn fields_are_renamed_skipped_and_translated_as_serde_says() {
    let profile = Profile { full_name: "Ada".to_owned(), visits: 7, ..Profile::default() };
    let stored =
        m([("fullName", s("Ada")), ("e-mail", AttributeValue::Null(true)), ("visits", s("7"))]);
    same_as(profile, stored);
    same(Profile {
        phone_numbers: vec!["1".to_owned()],
        email: Some("a@b".to_owned()),
        ..Profile::default()
    });
    let aliased = m([("fullName", s("A")), ("mail", s("x")), ("visits", s("1"))]);
    assert_eq!(read_alike::<Profile>(&aliased).unwrap().email.as_deref(), Some("x"));
    assert_eq!(read_alike::<Profile>(&m([("fullName", s("A"))])), None);
}

#[test]
fn structs_are_read_from_lists_and_tuples_drop_extra_elements() {
    assert_eq!(read_alike::<Range<u8>>(&l([n("1"), n("2")])), Some(1..2));
    assert_eq!(read_alike::<Range<u8>>(&l([n("1"), n("2"), n("3")])), Some(1..2));
    assert_eq!(read_alike::<Range<u8>>(&l([n("1")])), None);
    assert_eq!(read_alike::<(u8, u8)>(&l([n("1"), n("2"), s("over")])), Some((1, 2)));
    assert_eq!(
        read_alike::<(u8, u8)>(&AttributeValue::Ns(vec!["1".to_owned(), "2".to_owned()])),
        Some((1, 2))
    );
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat<T> {
    id: u8,
    #[serde(flatten)]
    rest: T,
}

#[test]
fn flattened_fields_are_stored_beside_the_others() {
    let rest = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), -1)]);
    same_as(Flat { id: 1, rest }, m([("id", n("1")), ("a", n("1")), ("b", n("-1"))]));
    same(Flat { id: 1, rest: BTreeMap::<String, serde_json::Value>::new() });
    assert_eq!(stored_alike(&Flat { id: 1, rest: Flat { id: 2, rest: () } }), m([("id", n("2"))]));
}

#[test]
fn flattened_options_and_structs_are_read_alike() {
    same(Flat { id: 1, rest: Profile { full_name: "Ada".to_owned(), ..Profile::default() } });
    same(Flat { id: 1, rest: Some(Newtype(Profile::default())) });
    same(Flat { id: 1, rest: None::<Profile> });
}

#[test]
fn an_ignored_field_may_have_any_type() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Known {
        id: u8,
    }
    let over = [
        m([("x", l([b(b"y")]))]),
        AttributeValue::Ss(vec![]),
        n("not a number"),
        AttributeValue::Null(false),
        unknown::attribute(),
    ];
    for over in over {
        assert_eq!(
            from_attribute_value(m([("id", n("1")), ("over", over.clone())])),
            Ok(Known { id: 1 })
        );
        assert!(from_attribute_value::<IgnoredAny>(over).is_ok());
    }
    assert!(
        from_attribute_value::<Vec<IgnoredAny>>(AttributeValue::Ns(vec!["x".to_owned()])).is_ok()
    );
}

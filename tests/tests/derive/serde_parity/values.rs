//! Values of the types that serde, common crates and the standard library serialize.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, LinkedList, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU8, Wrapping};
use std::ops::{Bound, Range};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct NewtypeOfOption(Option<u8>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Empty {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tuple(u8, String, Option<bool>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Weekday {
    Monday,
    #[serde(rename = "Dienstag")]
    Tuesday,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tree {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<Tree>,
}

impl Tree {
    /// Levels of lists and maps; DynamoDB stores 32.
    fn of_levels(levels: usize) -> Self {
        (1..levels / 2).fold(Self::default(), |child, _| Self { children: vec![child] })
    }
}

fn moment() -> OffsetDateTime {
    let date = Date::from_calendar_date(2026, Month::February, 28).unwrap();
    let time = Time::from_hms_nano(23, 59, 59, 999_999_999).unwrap();
    PrimitiveDateTime::new(date, time).assume_offset(UtcOffset::from_hms(-3, -30, 0).unwrap())
}

alike! {
    integers: {
        i8: (i8, i8), i16: (i16, i16), i32: (i32, i32), i64: (i64, i64), isize: (isize, isize),
        u8: (u8, u8), u16: (u16, u16), u32: (u32, u32), u64: (u64, u64), usize: (usize, usize),
        around_zero: Vec<i64>,
    } = {
        i8: (i8::MIN, i8::MAX), i16: (i16::MIN, i16::MAX), i32: (i32::MIN, i32::MAX), i64: (i64::MIN, i64::MAX),
        isize: (isize::MIN, isize::MAX),
        u8: (u8::MIN, u8::MAX), u16: (u16::MIN, u16::MAX), u32: (u32::MIN, u32::MAX), u64: (u64::MIN, u64::MAX),
        usize: (usize::MIN, usize::MAX),
        around_zero: vec![-25, -24, -1, 0, 1, 23, 24],
    };

    floats: { single: Vec<f32>, double: Vec<f64> } = {
        single: vec![0.0, -0.0, 0.1, 1.0, -1.5, 1e10, f32::EPSILON, 16_777_216.0, 123_456.79],
        double: vec![0.0, -0.0, 0.1, 1.0, -1.5, 1e22, 1e-7, f64::EPSILON, 9_007_199_254_740_993.0, 1.0 / 3.0],
    };

    extreme_floats: { single: Vec<f32>, double: Vec<f64> } = {
        single: vec![f32::MIN, f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1)],
        double: vec![9.9e125, -9.9e125, 1e-129, -1e-129, f64::EPSILON],
    };

    booleans_and_characters: { yes: bool, no: bool, characters: Vec<char> } = {
        yes: true, no: false, characters: vec!['a', '\0', 'ß', '\u{ffff}', '😀', '\u{10ffff}', '\u{301}']
    };

    texts: { empty: String, texts: Vec<String>, boxed: Box<str>, cow: Cow<'static, str>, path: PathBuf } = {
        empty: String::new(),
        texts: ["a", "\0", "\u{feff}", "e\u{301}", "שלום", "\r\n\t\"\\", "😀👩‍👩‍👧", &"x".repeat(70_000)].map(str::to_owned).into(),
        boxed: "boxed".into(),
        cow: "cow".into(),
        path: "/tmp/ü".into(),
    };

    bytes: {
        #[serde(with = "crate::serde_parity::with::bytes")]
        empty: Vec<u8>,
        #[serde(with = "crate::serde_parity::with::bytes")]
        all: Vec<u8>,
        #[serde(with = "crate::serde_parity::with::bytes")]
        many: Vec<u8>,
        list: Vec<u8>,
        array: [u8; 4],
    } = { empty: vec![], all: (0..=255).collect(), many: vec![7; 70_000], list: vec![1, 2], array: [0, 1, 254, 255] };

    nothing: { unit: (), unit_struct: Unit, empty: Empty, empty_tuple: [u8; 0], none: Option<u8> } = {
        unit: (), unit_struct: Unit, empty: Empty {}, empty_tuple: [], none: None
    };

    options: {
        some: Option<String>,
        of_list: Option<Vec<Option<u8>>>,
        boxed: Option<Box<Option<Box<u8>>>>,
        newtype: Option<Newtype>,
        newtype_of_none: NewtypeOfOption,
        list: Vec<Option<u8>>,
    } = {
        some: Some(String::new()),
        of_list: Some(vec![None, Some(1)]),
        boxed: Some(Box::new(Some(Box::new(1)))),
        newtype: Some(Newtype("n".into())),
        newtype_of_none: NewtypeOfOption(None),
        list: vec![None, Some(0), None],
    };

    sequences: {
        list: Vec<Vec<u8>>,
        deque: VecDeque<u8>,
        linked: LinkedList<u8>,
        set: BTreeSet<u8>,
        slice: Box<[u8]>,
        array: [[bool; 2]; 2],
        tuple: (u8, (String, Option<u8>), [u8; 1]),
        tuple_struct: Tuple,
        empty: Vec<()>,
    } = {
        list: vec![vec![], vec![1, 2]],
        deque: [1, 2].into(),
        linked: [3].into(),
        set: [9, 1].into(),
        slice: [4, 5].into(),
        array: [[true, false], [false, true]],
        tuple: (1, ("a".into(), None), [2]),
        tuple_struct: Tuple(1, "t".into(), Some(true)),
        empty: vec![(), ()],
    };

    maps: {
        empty: BTreeMap<String, u8>,
        text: HashMap<String, BTreeMap<String, Vec<u8>>>,
        odd: BTreeMap<String, u8>,
        characters: BTreeMap<char, u8>,
        newtypes: BTreeMap<Newtype, u8>,
        words: BTreeMap<Weekday, u8>,
        uuids: BTreeMap<Uuid, u8>,
        addresses: BTreeMap<IpAddr, u8>,
    } = {
        empty: BTreeMap::new(),
        text: [("a".to_owned(), BTreeMap::from([("b".to_owned(), vec![1])]))].into(),
        odd: ["", " ", "a.b", "#x", "$['a", "😀", "\0", "encrypted_payload"].map(|name| (name.to_owned(), 1)).into(),
        characters: [('a', 1), ('😀', 2)].into(),
        newtypes: [(Newtype("n".into()), 1)].into(),
        words: [(Weekday::Monday, 1), (Weekday::Tuesday, 2)].into(),
        uuids: [(Uuid::from_u128(1), 1)].into(),
        addresses: [(Ipv4Addr::LOCALHOST.into(), 4), (Ipv6Addr::LOCALHOST.into(), 6)].into(),
    };

    maps_from_numbers: {
        bytes: BTreeMap<u8, String>,
        negative: BTreeMap<i64, String>,
        large: BTreeMap<u64, String>,
        booleans: BTreeMap<bool, u8>,
        nested: BTreeMap<u32, BTreeMap<i8, u8>>,
    } = {
        bytes: [(0, "a".into()), (255, "b".into())].into(),
        negative: [(i64::MIN, "a".into()), (0, "b".into()), (i64::MAX, "c".into())].into(),
        large: [(u64::MAX, "a".into())].into(),
        booleans: [(true, 1), (false, 0)].into(),
        nested: [(7, BTreeMap::from([(-7, 1)]))].into(),
    };

    identities: { uuid: Uuid, nil: Uuid, max: Option<Uuid>, list: Vec<Uuid> } = {
        uuid: Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        nil: Uuid::nil(),
        max: Some(Uuid::max()),
        list: vec![Uuid::from_u128(1)],
    };

    addresses: { v4: IpAddr, v6: IpAddr, only_v4: Ipv4Addr, only_v6: Ipv6Addr, sockets: Vec<SocketAddr> } = {
        v4: Ipv4Addr::new(192, 0, 2, 1).into(),
        v6: Ipv6Addr::LOCALHOST.into(),
        only_v4: Ipv4Addr::UNSPECIFIED,
        only_v6: Ipv6Addr::UNSPECIFIED,
        sockets: vec!["192.0.2.1:80".parse().unwrap(), "[::1]:443".parse().unwrap()],
    };

    times: {
        moment: OffsetDateTime,
        date: Date,
        time: Time,
        local: PrimitiveDateTime,
        offset: UtcOffset,
        duration: time::Duration,
        month: Month,
        history: Vec<Option<OffsetDateTime>>,
        by_date: BTreeMap<String, Date>,
    } = {
        moment: moment(),
        date: moment().date(),
        time: moment().time(),
        local: PrimitiveDateTime::new(moment().date(), Time::MIDNIGHT),
        offset: UtcOffset::UTC,
        duration: time::Duration::new(-1, -500_000_000),
        month: Month::December,
        history: vec![Some(OffsetDateTime::UNIX_EPOCH), None],
        by_date: [("d".to_owned(), moment().date())].into(),
    };

    of_the_standard_library: {
        duration: Duration,
        system_time: SystemTime,
        range: Range<u8>,
        bound: (Bound<u8>, Bound<u8>, Bound<u8>),
        non_zero: NonZeroU8,
        wrapping: Wrapping<i8>,
        reverse: Reverse<u8>,
        result: Vec<Result<u8, String>>,
    } = {
        duration: Duration::new(1, 999_999_999),
        system_time: SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 7),
        range: 1..9,
        bound: (Bound::Included(1), Bound::Excluded(2), Bound::Unbounded),
        non_zero: NonZeroU8::MAX,
        wrapping: Wrapping(-1),
        reverse: Reverse(1),
        result: vec![Ok(1), Err("no".into())],
    };

    of_no_fixed_type: { json: serde_json::Value, nothing: serde_json::Value, object: serde_json::Map<String, serde_json::Value> } = {
        json: serde_json::json!([null, true, -1, u64::MAX, 0.5, "", "😀", [[]], { "": {}, "a": { "b": [1] } }]),
        nothing: serde_json::Value::Null,
        object: serde_json::Map::from_iter([("k".to_owned(), 1.into())]),
    };

    options_of_options: {
        none: Option<Option<u8>>,
        some_some: Option<Option<u8>>,
        no_unit: Option<()>,
        list: Vec<Option<Option<u8>>>,
    } = { none: None, some_some: Some(Some(1)), no_unit: None, list: vec![None, Some(Some(2))] };

    trees: { tree: Tree, trees: Vec<Tree> } = { tree: Tree::of_levels(30), trees: vec![Tree::default(), Tree::of_levels(8)] };
}

read_alike! {
    numbers_out_of_range: { byte: Option<u8>, signed: Option<i8>, large: Option<u64>, float: Option<f32> }
    reads [{ "byte": 255 }, { "signed": -128 }, { "large": 18_446_744_073_709_551_615_u64 }, { "float": 1 }, { "float": 1e300 }]
    refuses [{ "byte": 256 }, { "byte": -1 }, { "signed": 128 }, { "large": -1 }, { "byte": true }, { "byte": "1" }];

    texts_that_are_something_else: {
        uuid: Option<Uuid>,
        address: Option<IpAddr>,
        date: Option<Date>,
        character: Option<char>,
        weekday: Option<Weekday>,
    }
    reads [
        { "uuid": "01234567-89ab-cdef-0123-456789abcdef" },
        { "uuid": "0123456789ABCDEF0123456789ABCDEF" },
        { "address": "::1" },
        { "date": "2026-02-28" },
        { "character": "😀" },
        { "weekday": "Dienstag" },
    ]
    refuses [
        { "uuid": "0123" },
        { "uuid": [1, 2] },
        { "address": "localhost" },
        { "date": "2026-02-29" },
        { "character": "" },
        { "character": "ab" },
        { "weekday": "Tuesday" },
    ];

    lengths: { pair: Option<(u8, u8)>, array: Option<[u8; 3]>, tuple: Option<Tuple> }
    reads [{ "pair": [1, 2] }, { "array": [1, 2, 3] }, { "tuple": [1, "a", null] }]
    refuses [{ "pair": [1] }, { "array": [1, 2] }, { "array": [] }, { "tuple": [1, "a"] }, { "pair": { "0": 1, "1": 2 } }];
}

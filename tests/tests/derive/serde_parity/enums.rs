//! Enums in every representation, and variants under every name.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i64,
    y: u64,
}

macro_rules! shapes {
    ($($name:ident: $(#[$attribute:meta])*;)*) => {$(
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        $(#[$attribute])*
        enum $name {
            Unit,
            #[serde(rename = "new type")]
            Newtype(Point),
            #[serde(alias = "record")]
            Struct { first_name: String, tags: Vec<String>, maybe: Option<u8> },
        }

        impl $name {
            fn all() -> Vec<Self> {
                vec![
                    Self::Unit,
                    Self::Newtype(Point { x: i64::MIN, y: u64::MAX }),
                    Self::Struct { first_name: "zoë".into(), tags: vec![String::new()], maybe: None },
                    Self::Struct { first_name: String::new(), tags: vec![], maybe: Some(1) },
                ]
            }
        }
    )*};
}

shapes! {
    External: ;
    Internal: #[serde(tag = "kind")];
    Adjacent: #[serde(tag = "kind", content = "with")];
    Untagged: #[serde(untagged)];
    Renamed: #[serde(rename_all = "kebab-case", rename_all_fields = "SCREAMING_SNAKE_CASE")];
    InternalRenamed: #[serde(tag = "kind of", rename_all = "UPPERCASE", rename_all_fields = "camelCase")];
}

/// Variants that some representations do not support.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tuples {
    None(),
    One(u8),
    Two(u8, String),
    Nested(Box<Tuples>),
    Optional(Option<u8>),
    Unit(()),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum AdjacentTuples {
    None(),
    One(u8),
    Two(u8, String),
    Nested(Box<AdjacentTuples>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Any {
    Number(u64),
    Negative(i64),
    Float(f64),
    Flag(bool),
    Text(String),
    List(Vec<Any>),
    Point { x: i64 },
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plan {
    Free,
    #[serde(rename = "pro", alias = "professional")]
    Professional,
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
enum Converted {
    Known,
    Other(String),
}

impl From<String> for Converted {
    fn from(text: String) -> Self {
        if text == "known" { Self::Known } else { Self::Other(text) }
    }
}

impl From<Converted> for String {
    fn from(converted: Converted) -> Self {
        match converted {
            Converted::Known => "known".into(),
            Converted::Other(text) => text,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
struct Port(u16);

impl TryFrom<u16> for Port {
    type Error = &'static str;

    fn try_from(port: u16) -> Result<Self, Self::Error> {
        if port == 0 { Err("no port") } else { Ok(Self(port)) }
    }
}

impl From<Port> for u16 {
    fn from(port: Port) -> Self {
        port.0
    }
}

alike! {
    externally_tagged: { all: Vec<External>, one: External } = { all: External::all(), one: External::Unit };
    internally_tagged: { all: Vec<Internal>, one: Internal } = { all: Internal::all(), one: Internal::Unit };
    adjacently_tagged: { all: Vec<Adjacent>, one: Adjacent } = { all: Adjacent::all(), one: Adjacent::Unit };
    untagged: { all: Vec<Untagged>, one: Untagged } = { all: Untagged::all(), one: Untagged::Unit };
    renamed: { all: Vec<Renamed>, one: Renamed } = { all: Renamed::all(), one: Renamed::Unit };
    internally_tagged_and_renamed: { all: Vec<InternalRenamed> } = { all: InternalRenamed::all() };

    tuples: { all: Vec<Tuples> } = {
        all: vec![
            Tuples::None(),
            Tuples::One(1),
            Tuples::Two(1, "a".into()),
            Tuples::Nested(Box::new(Tuples::Nested(Box::new(Tuples::One(2))))),
            Tuples::Optional(None),
            Tuples::Optional(Some(1)),
            Tuples::Unit(()),
        ]
    };

    adjacently_tagged_tuples: { all: Vec<AdjacentTuples> } = {
        all: vec![
            AdjacentTuples::None(),
            AdjacentTuples::One(1),
            AdjacentTuples::Two(1, "a".into()),
            AdjacentTuples::Nested(Box::new(AdjacentTuples::One(2))),
        ]
    };

    anything: { all: Vec<Any> } = {
        all: vec![
            Any::Number(0),
            Any::Number(u64::MAX),
            Any::Negative(-1),
            Any::Negative(i64::MIN),
            Any::Float(0.5),
            Any::Flag(true),
            Any::Text(String::new()),
            Any::List(vec![Any::Number(1), Any::List(vec![])]),
            Any::Point { x: -1 },
            Any::Nothing,
        ]
    };

    words: { plan: Plan, other: Plan, plans: Vec<Option<Plan>> } = {
        plan: Plan::Professional, other: Plan::Unknown, plans: vec![Some(Plan::Free), None]
    };

    converted: { known: Converted, other: Converted, port: Port } = {
        known: Converted::Known, other: Converted::Other("x".into()), port: Port(80)
    };

    results: { ok: Result<u8, String>, err: Result<u8, String> } = { ok: Ok(1), err: Err("no".into()) };
}

read_alike! {
    variants_that_are_not_known: { plan: Plan }
    reads [{ "plan": "free" }, { "plan": "professional" }, { "plan": "pro" }, { "plan": "platinum" }]
    refuses [{ "plan": 1 }, { "plan": null }, {}];

    variants_of_every_form: { shape: External }
    reads [
        { "shape": "Unit" },
        { "shape": { "new type": { "x": 1, "y": 2 } } },
        { "shape": { "record": { "first_name": "a", "tags": [] } } },
    ]
    refuses [
        { "shape": "Other" },
        { "shape": "new type" },
        { "shape": {} },
        { "shape": { "Unit": null, "Struct": null } },
        { "shape": { "new type": { "x": 1 } } },
        { "shape": 1 },
    ];

    variants_of_internal_tags: { shape: Internal }
    reads [
        { "shape": { "kind": "Unit" } },
        { "shape": { "kind": "Unit", "more": 1 } },
        { "shape": { "y": 2, "kind": "new type", "x": 1 } },
    ]
    refuses [{ "shape": {} }, { "shape": { "kind": "Other" } }, { "shape": "Unit" }, { "shape": { "kind": "new type" } }];

    what_conversion_refuses: { port: Port }
    reads [{ "port": 80 }]
    refuses [{ "port": 0 }, { "port": 65536 }, { "port": "80" }];
}

//! Attribute values of every type and nesting, each with many spellings.

use std::collections::{BTreeMap, BTreeSet};

use envelope_core::{Number, Value};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

/// The meaning of a value. Two meanings are equal if they are the same value to DynamoDB.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning {
    Null,
    Bool(bool),
    Number(Decimal),
    String(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
    Strings(BTreeSet<String>),
    Numbers(BTreeSet<Decimal>),
    Binaries(BTreeSet<Vec<u8>>),
}

/// `digits * 10^exponent`. The digits neither begin nor end with a zero. Zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    pub(crate) digits: String,
    pub(crate) exponent: i32,
}

pub(crate) fn meaning() -> impl Strategy<Value = Meaning> {
    let leaf = prop_oneof![
        Just(Meaning::Null),
        any::<bool>().prop_map(Meaning::Bool),
        decimal().prop_map(Meaning::Number),
        ".{0,12}".prop_map(Meaning::String),
        vec(any::<u8>(), 0..12).prop_map(Meaning::Bytes),
        btree_set(".{0,4}", 0..4).prop_map(Meaning::Strings),
        btree_set(decimal(), 0..4).prop_map(Meaning::Numbers),
        btree_set(vec(any::<u8>(), 0..4), 0..4).prop_map(Meaning::Binaries),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Meaning::List),
            btree_map(".{0,4}", inner, 0..4).prop_map(Meaning::Map),
        ]
    })
}

/// The types of a DynamoDB key.
pub(crate) fn key_meaning() -> impl Strategy<Value = Meaning> {
    prop_oneof![
        ".{1,12}".prop_map(Meaning::String),
        decimal().prop_map(Meaning::Number),
        vec(any::<u8>(), 1..12).prop_map(Meaning::Bytes),
    ]
}

pub(crate) fn decimal() -> impl Strategy<Value = Decimal> {
    let nonzero = (any::<bool>(), "[1-9]|[1-9][0-9]{0,36}[1-9]", -130..=125).prop_map(
        |(negative, digits, magnitude)| {
            // DynamoDB limits the decimal exponent of the first digit.
            let exponent = magnitude + 1 - i32::try_from(digits.len()).unwrap();
            Decimal { negative, digits, exponent }
        },
    );
    let zero = Just(Decimal { negative: false, digits: String::new(), exponent: 0 });
    prop_oneof![9 => nonzero, 1 => zero]
}

impl Decimal {
    /// One of the texts of this number, chosen by `style`.
    pub(crate) fn spelling(&self, style: u32) -> String {
        let [signs, zeros, point, letter] = style.to_be_bytes().map(usize::from);
        let sign = match self.negative {
            true => "-",
            false if self.digits.is_empty() && signs % 3 == 0 => "-",
            false if signs % 2 == 0 => "+",
            false => "",
        };
        let (left, right) = (zeros % 4, zeros / 4 % 4);
        let digits = format!("{}{}{}", "0".repeat(left), self.digits, "0".repeat(right));
        let digits = if digits.is_empty() { "0".to_owned() } else { digits };
        let (whole, fraction) = digits.split_at(point % (digits.len() + 1));
        let exponent =
            self.exponent + i32::try_from(fraction.len()).unwrap() - i32::try_from(right).unwrap();
        let point = if fraction.is_empty() && letter % 2 == 0 { "" } else { "." };
        let e = if letter % 3 == 0 { "e" } else { "E" };
        let plus = if exponent >= 0 && letter % 5 == 0 { "+" } else { "" };
        if exponent == 0 && letter % 7 > 0 {
            format!("{sign}{whole}{point}{fraction}")
        } else {
            format!("{sign}{whole}{point}{fraction}{e}{plus}{exponent}")
        }
    }

    /// The same as a number. The text is leaked, because a number may borrow it.
    fn spelled(&self, style: u32) -> Number<'static> {
        Number::parse(self.spelling(style).leak()).unwrap()
    }
}

impl Meaning {
    /// A value of this meaning. `style` chooses the spelling of numbers, the order of maps and
    /// sets, and repeated elements of sets.
    pub(crate) fn spelled(&self, style: u32) -> Value<'static> {
        let next = style.rotate_left(5) ^ 0x9e37_79b9;
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.spelled(style)),
            Self::String(text) => Value::string(text.clone()),
            Self::Bytes(bytes) => Value::bytes(bytes.clone()),
            Self::List(values) => {
                Value::List(values.iter().map(|value| value.spelled(next)).collect())
            }
            Self::Map(entries) => {
                let mut entries: Vec<_> = entries
                    .iter()
                    .map(|(name, value)| (name.clone().into(), value.spelled(next)))
                    .collect();
                shuffle(&mut entries, style);
                Value::Map(entries)
            }
            Self::Strings(set) => {
                Value::StringSet(repeated(set, style, |text, _| text.clone().into()))
            }
            Self::Numbers(set) => Value::NumberSet(repeated(set, style, Decimal::spelled)),
            Self::Binaries(set) => {
                Value::BytesSet(repeated(set, style, |bytes, _| bytes.clone().into()))
            }
        }
    }
}

fn repeated<T, S>(set: &BTreeSet<T>, style: u32, spell: impl Fn(&T, u32) -> S) -> Vec<S> {
    let twice = set.iter().take(style as usize % 2);
    let styles = (0..).map(|i| style.wrapping_mul(2 * i + 1));
    let mut elements: Vec<_> =
        set.iter().chain(twice).zip(styles).map(|(element, style)| spell(element, style)).collect();
    shuffle(&mut elements, style);
    elements
}

fn shuffle<T>(elements: &mut [T], style: u32) {
    if !elements.is_empty() {
        elements.rotate_left(style as usize % elements.len());
    }
    if style.is_multiple_of(2) {
        elements.reverse();
    }
}

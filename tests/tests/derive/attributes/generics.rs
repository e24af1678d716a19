//! Generic structs, with serde's bounds.

use super::*;

#[derive(Envelope, Debug, PartialEq, Clone)]
#[envelope(table = "t")]
struct Generic<'a, K, T: ?Sized, I: Kind, const N: usize>
where
    K: Ord,
{
    #[partition_key]
    id: K,
    #[sort_key]
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[encrypted]
    item: I::Item,
    #[encrypted]
    list: Vec<Option<K>>,
    #[plaintext]
    bytes: [u8; 2],
    #[serde(skip)]
    marker: PhantomData<T>,
    #[serde(skip)]
    size: Sized_<N>,
    #[plaintext]
    #[serde(default)]
    next: Option<Box<Next<K>>>,
}

trait Kind {
    type Item;
}

/// A type that serde neither writes nor reads.
#[derive(Debug, PartialEq, Clone)]
struct Bytes;

impl Kind for Bytes {
    type Item = u8;
}

#[derive(Debug, PartialEq, Clone, Default)]
struct Sized_<const N: usize>;

#[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
struct Next<K>(K);

type Instance = Generic<'static, u64, str, Bytes, 3>;

fn instance() -> Instance {
    Generic {
        id: 1,
        name: "n".into(),
        item: 2,
        list: vec![Some(3), None],
        bytes: [4, 5],
        marker: PhantomData,
        size: Sized_,
        next: Some(Box::new(Next(6))),
    }
}

#[test]
fn generic_structs_with_lifetimes_and_constants_are_written_and_read() {
    let written = to_json(&instance());
    assert_eq!(
        written,
        json!({ "id": 1, "name": "n", "item": 2, "list": [3, null], "bytes": [4, 5], "next": 6 })
    );
    assert_eq!(from_json::<Instance>(written).unwrap(), instance());
    assert_eq!(key_json::<Instance>((1, "n")), json!({ "id": 1, "name": "n" }));
}

#[test]
fn a_borrowed_key_is_given_as_a_literal() {
    let key = key::<Instance>((1, "n"));
    assert_eq!(key, Composite { partition: 1, sort: Cow::Borrowed("n") });
}

/// A type without `Serialize` that a function writes.
#[derive(Debug, PartialEq)]
struct Opaque<T>(T);

trait Number: Sized {
    fn number(&self) -> u64;
    fn from_number(number: u64) -> Self;
}

impl Number for Opaque<u64> {
    fn number(&self) -> u64 {
        self.0
    }
    fn from_number(number: u64) -> Self {
        Self(number)
    }
}

mod number {
    use super::Number;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Number, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.number())
    }

    pub(super) fn deserialize<'de, T: Number, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        u64::deserialize(deserializer).map(T::from_number)
    }
}

#[derive(Envelope, Debug, PartialEq)]
#[envelope(table = "t")]
#[serde(bound = "T: Number")]
struct Bound<T> {
    #[partition_key]
    #[serde(with = "number")]
    id: T,
    #[encrypted]
    #[serde(with = "number")]
    value: T,
}

#[test]
fn serde_bounds_replace_the_inferred_bounds() {
    let record = Bound { id: Opaque(1), value: Opaque(2) };
    let written = to_json(&record);
    assert_eq!(written, json!({ "id": 1, "value": 2 }));
    assert_eq!(from_json::<Bound<Opaque<u64>>>(written).unwrap(), record);
    assert_eq!(key_json::<Bound<Opaque<u64>>>(Opaque(1)), json!({ "id": 1 }));
}

#[derive(Envelope, Debug, PartialEq)]
#[envelope(table = "t")]
#[serde(bound(
    serialize = "T: Serialize",
    deserialize = "T: Deserialize<'de> + Default, for<'x> U: Deserialize<'x>"
))]
struct SplitBound<T, U: Serialize> {
    #[partition_key]
    id: u8,
    #[encrypted]
    #[serde(default)]
    value: T,
    #[encrypted]
    other: U,
}

#[derive(Envelope, Debug, PartialEq)]
#[envelope(table = "t")]
struct FieldBound<T, U = u8> {
    #[partition_key]
    id: u8,
    #[encrypted]
    #[serde(with = "number", bound = "T: Number")]
    value: T,
    #[encrypted]
    #[serde(default)]
    other: U,
    #[plaintext]
    #[serde(skip_deserializing)]
    count: Option<U>,
}

#[test]
fn bounds_may_differ_by_direction_and_by_field() {
    let record = SplitBound { id: 1, value: "v".to_owned(), other: 2 };
    assert_eq!(from_json::<SplitBound<String, u8>>(to_json(&record)).unwrap(), record);
    let record = FieldBound { id: 1, value: Opaque(2), other: 3, count: None };
    assert_eq!(from_json::<FieldBound<Opaque<u64>>>(to_json(&record)).unwrap(), record);
}

//! The depth of nesting is limited when writing and when reading, to the same depth.

use crate::convert::MAX_LEVELS;
use crate::convert::tests::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Lists(Vec<Lists>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Maps {
    inner: Option<Box<Maps>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Newtypes {
    Leaf,
    Inner(Box<Newtypes>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tuples {
    Leaf,
    Inner(Box<Tuples>, u8),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Structs {
    Leaf,
    Inner { inner: Box<Structs> },
}

/// serde reads its data through its own buffers.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tag")]
enum Internal {
    Leaf,
    Inner { inner: Box<Internal> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Leaf(u8),
    Inner(Vec<Untagged>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    entries: HashMap<String, Flat>,
}

fn nested<T>(levels: usize, leaf: T, inner: impl Fn(T) -> T) -> T {
    (0..levels).fold(leaf, |value, _| inner(value))
}

/// Asserts that the deepest value that can be written can be read, and that one level more is
/// refused by both.
fn deepest_is_read_back<T>(levels_each: usize, leaf: impl Fn() -> T, inner: fn(T) -> T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let mut levels = 0;
    while let Ok(stored) = to_attribute_value(&nested(levels, leaf(), inner)) {
        assert_eq!(from_attribute_value(stored), Ok(nested(levels, leaf(), inner)));
        levels += 1;
    }
    assert!(levels * levels_each >= usize::from(MAX_LEVELS), "{levels} levels");
    let too_deep = nested(levels, leaf(), inner);
    assert_eq!(to_attribute_value(&too_deep), Err(ValueError::format("nested too deeply")));
    let stored: AttributeValue = serde_dynamo::to_attribute_value(&too_deep).unwrap();
    assert_eq!(from_attribute_value::<T>(stored), Err(ValueError::format("nested too deeply")));
}

#[test]
fn values_are_written_and_read_to_the_same_depth() {
    deepest_is_read_back(1, || Lists(vec![]), |value| Lists(vec![value]));
    deepest_is_read_back(1, || Maps { inner: None }, |value| Maps { inner: Some(Box::new(value)) });
    deepest_is_read_back(1, || Newtypes::Leaf, |value| Newtypes::Inner(Box::new(value)));
    deepest_is_read_back(2, || Tuples::Leaf, |value| Tuples::Inner(Box::new(value), 0));
    deepest_is_read_back(2, || Structs::Leaf, |value| Structs::Inner { inner: Box::new(value) });
    deepest_is_read_back(1, || Internal::Leaf, |value| Internal::Inner { inner: Box::new(value) });
    deepest_is_read_back(1, || Untagged::Leaf(1), |value| Untagged::Inner(vec![value]));
    let flat = |value| Flat { entries: HashMap::from([("inner".to_owned(), value)]) };
    deepest_is_read_back(1, || Flat { entries: HashMap::new() }, flat);
}

#[test]
fn the_depth_that_dynamodb_stores_is_within_the_limit() {
    const DYNAMODB_LEVELS: usize = 32;
    let attribute = nested(DYNAMODB_LEVELS, s("leaf"), |value| m([("k", value)]));
    assert!(from_attribute_value::<tree::Any>(attribute).is_ok());
}

#[test]
fn nested_values_fit_on_a_small_stack() {
    const STACK_BYTES: usize = 1 << 20;
    let read = || {
        let lists = || nested(1_000, l([]), |value| l([value]));
        let maps = || nested(1_000, m([]), |value| m([("inner", value)]));
        let tagged =
            || nested(1_000, s("Leaf"), |value| m([("tag", s("Inner")), ("inner", value)]));
        let error = ValueError::format("nested too deeply");
        assert_eq!(from_attribute_value::<tree::Any>(lists()), Err(error.clone()));
        assert_eq!(from_attribute_value::<tree::Any>(maps()), Err(error.clone()));
        assert_eq!(from_attribute_value::<Lists>(lists()), Err(error.clone()));
        assert_eq!(from_attribute_value::<Maps>(maps()), Err(error.clone()));
        assert_eq!(from_attribute_value::<Internal>(tagged()), Err(error.clone()));
        assert_eq!(from_attribute_value::<Untagged>(lists()), Err(error.clone()));
        assert_eq!(from_attribute_value::<Flat>(maps()), Err(error.clone()));
        assert_eq!(from_attribute_value::<serde_json::Value>(maps()), Err(error.clone()));
        assert_eq!(
            to_attribute_value(&nested(1_000, Lists(vec![]), |value| Lists(vec![value]))),
            Err(error)
        );
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(read).unwrap().join().unwrap();
}

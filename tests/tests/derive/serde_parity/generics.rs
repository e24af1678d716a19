//! Type parameters, lifetimes and `bound`.

use std::borrow::Cow;
use std::fmt::Debug;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A type that is serialized only in part.
trait Currency {
    type Amount: Clone + Debug + PartialEq + Serialize + DeserializeOwned;
}

/// Not serializable itself.
#[derive(Clone, Debug, PartialEq)]
struct Euro;

impl Currency for Euro {
    type Amount = u64;
}

/// Generic over a type that it does not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Id<T> {
    id: String,
    #[serde(skip)]
    of: PhantomData<T>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Wrapper<T>(T);

alike! {
    a_type: [T] [Vec<Option<u8>>] {
        value: T,
        list: Vec<T>,
    } = { value: vec![Some(1), None], list: vec![vec![]] };

    types_and_constants: [A, B: Clone, const N: usize] [u8, String, 3] {
        a: A,
        #[serde(rename = "B")]
        b: Option<B>,
        #[serde(skip)]
        size: PhantomData<[u8; N]>,
    } = { a: 1, b: Some("b".into()), size: PhantomData };

    a_part_of_a_type: [C: Currency] [Euro] {
        #[serde(bound = "")]
        amount: C::Amount,
        #[serde(skip)]
        currency: PhantomData<C>,
    } = { amount: 100, currency: PhantomData };

    a_bound_for_each_direction: [T] [Wrapper<u8>] {
        #[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
        value: Wrapper<T>,
    } = { value: Wrapper(Wrapper(1)) };

    a_bound_of_the_struct: #[serde(bound(serialize = "T: Serialize", deserialize = "T: DeserializeOwned"))] [T] [u8] {
        value: Option<T>,
    } = { value: Some(1) };

    a_type_that_is_not_held: [T] [Euro] {
        #[serde(bound = "")]
        reference: Id<T>,
        #[serde(rename = "name")]
        name: String,
    } = { reference: Id { id: "e".into(), of: PhantomData }, name: "n".into() };

    a_lifetime_and_a_type: ['a, T: Clone + 'a] ['static, u8] {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(bound(deserialize = "T: Clone + Deserialize<'de>"))]
        list: Cow<'a, [T]>,
        nested: Wrapper<Wrapper<Cow<'a, str>>>,
    } = { name: "n".into(), list: vec![1, 2].into(), nested: Wrapper(Wrapper("w".into())) };
}

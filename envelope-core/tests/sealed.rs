//! `Sealed` in the serde formats of other crates.
#![allow(clippy::unwrap_used)]

use envelope_core::Sealed;
use serde::Deserialize;
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The bytes of a format that is not human-readable.
#[derive(Clone, Copy)]
enum Given {
    Borrowed(&'static [u8]),
    Owned(&'static [u8]),
    OneByOne(&'static [u8]),
    Nothing,
}

impl IntoDeserializer<'_> for Given {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Given {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Borrowed(bytes) => visitor.visit_bytes(bytes),
            Self::Owned(bytes) => visitor.visit_byte_buf(bytes.to_vec()),
            Self::OneByOne(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            Self::Nothing => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

fn read(payload: Given, dek: Given) -> Result<Sealed, Error> {
    let fields = [("encrypted_payload", payload), ("encrypted_dek", dek)];
    Sealed::deserialize(MapDeserializer::new(fields.into_iter()))
}

#[test]
fn bytes_are_read_in_every_representation() {
    let expected = Sealed { encrypted_payload: vec![1, 2, 3], encrypted_dek: vec![4, 5] };
    for given in [Given::Borrowed, Given::Owned, Given::OneByOne] {
        assert_eq!(read(given(&[1, 2, 3]), given(&[4, 5])).unwrap(), expected);
    }
}

#[test]
fn what_is_neither_base64_nor_bytes_is_said_to_be_neither() {
    let error = read(Given::Borrowed(&[1]), Given::Nothing).unwrap_err();
    assert!(error.to_string().contains("base64 text or bytes"), "{error}");
    let error = serde_json::from_str::<Sealed>(r#"{"encrypted_payload":"A","encrypted_dek":""}"#)
        .unwrap_err();
    assert!(error.to_string().contains("not base64"), "{error}");
}

#[test]
fn debug_of_sealed_shows_only_lengths() {
    let sealed = Sealed { encrypted_payload: vec![77; 3], encrypted_dek: vec![77; 2] };
    assert_eq!(format!("{sealed:?}"), "Sealed(3 + 2 bytes)");
}

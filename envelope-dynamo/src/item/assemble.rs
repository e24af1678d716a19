//! Assembles a record: one deserializer over the item's attributes and the payload's fields.

use std::borrow::Cow;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ValueError;
use serde::de::value::{StrDeserializer, UnitDeserializer};
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use crate::convert;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::reconcile::Source;
use crate::record::Envelope;
use crate::record::field::Field;
use crate::record::item_key::stored;
use crate::record::schema::Schema;

/// Builds the struct from the values that [`reconcile`](crate::item::reconcile) chose.
pub(crate) fn assemble<T: Envelope>(
    chosen: Vec<(Cow<'_, str>, Source<'_>)>,
) -> Result<T, ErrorKind> {
    let mut current = None;
    let entries = Entries {
        schema: T::SCHEMA,
        rest: chosen.into_iter(),
        source: None,
        current: &mut current,
    };
    T::deserialize(entries).map_err(|source| {
        ErrorKind::Data(DataError::Deserialize { attribute: current.map(Cow::into_owned), source })
    })
}

/// The primary key of `item`: the parts of composed keys, and the other key attributes.
pub(crate) fn key_of<T: Envelope>(item: &Item) -> Result<T::Key, ErrorKind> {
    let mut chosen = Vec::new();
    for field in T::SCHEMA.keys() {
        match (stored(item, field), field.is_composed()) {
            (Some((_, key)), true) => add_parts(&mut chosen, field, key),
            (Some((_, key)), false) => {
                chosen.push((Cow::Borrowed(field.name), Source::Attribute(key.clone())))
            }
            (None, _) => {}
        }
    }
    let mut current = None;
    let entries = Entries {
        schema: T::SCHEMA,
        rest: chosen.into_iter(),
        source: None,
        current: &mut current,
    };
    T::deserialize_key(entries).map_err(|source| {
        ErrorKind::Data(DataError::Deserialize { attribute: current.map(Cow::into_owned), source })
    })
}

fn add_parts(chosen: &mut Vec<(Cow<'_, str>, Source<'_>)>, field: &Field, key: &AttributeValue) {
    for (part, text) in field.parts(key).into_iter().flatten() {
        if chosen.iter().all(|(other, _)| other != part) {
            chosen.push((Cow::Borrowed(part), Source::Part(text.to_owned())));
        }
    }
}

struct Entries<'c, 'p> {
    schema: Schema,
    rest: std::vec::IntoIter<(Cow<'p, str>, Source<'p>)>,
    source: Option<Source<'p>>,
    /// The attribute being read, for errors. `None` if its name may be data.
    current: &'c mut Option<Cow<'p, str>>,
}

impl<'de> Deserializer<'de> for Entries<'_, '_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ValueError> {
        let Some((name, source)) = self.rest.next() else {
            *self.current = None;
            return Ok(None);
        };
        let key = seed.deserialize(StrDeserializer::new(&name));
        let may_be_named = matches!(source, Source::Attribute(_) | Source::Part(_))
            || self.schema.owner(&name).is_some();
        *self.current = may_be_named.then_some(name);
        self.source = Some(source);
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ValueError> {
        match self.source.take() {
            Some(Source::Attribute(value)) => seed.deserialize(convert::Deserializer::new(value)),
            Some(Source::Part(text)) => seed.deserialize(convert::KeyDeserializer(text)),
            Some(Source::Sealed(value)) => value.deserialize(seed),
            Some(Source::Withheld) => seed.deserialize(UnitDeserializer::new()),
            None => Err(ValueError::format("a value was read twice")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

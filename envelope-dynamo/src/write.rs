//! A record taken apart: readable attributes to the item, encrypted fields to the payload.

use std::collections::{HashMap, HashSet};

use envelope_core::{FieldWriter, ValueError};
use serde::ser::{Impossible, SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::attribute::{KeySerializer, to_attribute_value};
use crate::binding::Item;
use crate::error::ErrorKind;
use crate::marks::is_named;
use crate::record::{Envelope, Field, Mark};

/// A first guess at the bytes of the encrypted fields; the buffer grows without leaving copies.
const PLAINTEXT_BYTES: usize = 512;

const NOT_A_STRUCT: ValueError = ValueError::format("a record serializes as a struct with named fields");

/// A record's two halves, before sealing.
pub(crate) struct Parts {
    /// Keys, authenticated and plaintext attributes.
    pub(crate) item: Item,
    /// The encrypted fields, written where they will be sealed.
    pub(crate) fields: FieldWriter,
    /// The names of the authenticated attributes, absent ones included.
    pub(crate) authenticated: Vec<String>,
}

/// Takes `record` apart.
pub(crate) fn take_apart<T: Envelope>(record: &T) -> Result<Parts, ErrorKind> {
    let mut router = Router::new(T::FIELDS);
    match record.serialize(&mut router) {
        Ok(()) => Ok(router.finish()),
        Err(source) => Err(ErrorKind::Serialize { attribute: router.current, source }),
    }
}

/// The key attributes of a primary key.
pub(crate) fn key_item<T: Envelope>(key: T::Key) -> Result<Item, ErrorKind> {
    let mut router = Router::new(T::FIELDS);
    match T::serialize_key(key, &mut router) {
        Ok(()) => Ok(router.item),
        Err(source) => Err(ErrorKind::Serialize { attribute: router.current, source }),
    }
}

/// Sends each serialized field where its mark says.
struct Router {
    known: &'static [Field],
    written: Vec<bool>,
    /// The names of flattened entries, which come from several maps.
    flattened: HashSet<String>,
    /// Where the next field probably stands: structs serialize in order.
    next: usize,
    /// The attribute that did not serialize, unless its name may be data.
    current: Option<String>,
    item: Item,
    fields: FieldWriter,
    authenticated: Vec<String>,
}

impl Router {
    fn new(known: &'static [Field]) -> Self {
        let authenticated = fixed_names(known, Mark::Authenticated);
        Self {
            known,
            written: vec![false; known.len()],
            flattened: HashSet::new(),
            next: 0,
            current: None,
            // The readable attributes, and the two sealed ones to come.
            item: HashMap::with_capacity(known.len() + 2),
            fields: FieldWriter::new(PLAINTEXT_BYTES, authenticated.clone()),
            authenticated: authenticated.map(str::to_owned).collect(),
        }
    }

    fn route<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), ValueError> {
        let mark = self.mark(name)?;
        let outcome = match mark {
            Mark::Encrypted => self.fields.field(name, value),
            Mark::PartitionKey | Mark::SortKey | Mark::Authenticated | Mark::Plaintext => self.attribute(name, value),
        };
        if outcome.is_err() && (mark != Mark::Encrypted || is_named(self.known, name)) {
            self.current = Some(name.to_owned());
        }
        outcome
    }

    fn attribute<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), ValueError> {
        match self.item.insert(name.to_owned(), to_attribute_value(value)?) {
            None => Ok(()),
            Some(_) => Err(ValueError::format("two fields are stored under this name")),
        }
    }

    /// The mark of the field stored under `name`; of the flattened field if none is.
    fn mark(&mut self, name: &str) -> Result<Mark, ValueError> {
        let position = match self.known.get(self.next) {
            Some(field) if !field.flatten && field.name == name => Some(self.next),
            _ => self.known.iter().position(|field| !field.flatten && field.name == name),
        };
        if let Some((position, field)) = position.and_then(|at| Some((at, self.known.get(at)?))) {
            self.next = position + 1;
            return match self.written.get_mut(position) {
                Some(written) if !*written => {
                    *written = true;
                    Ok(field.mark)
                }
                _ => Err(ValueError::format("two fields are stored under this name")),
            };
        }
        let Some(flattened) = self.known.iter().find(|field| field.flatten) else {
            return Err(ValueError::format("a serialized field is not one of the struct's"));
        };
        if RESERVED.contains(&name) || self.is_alias(name) {
            return Err(ValueError::format("a flattened entry takes the name of another attribute"));
        }
        if !self.flattened.insert(name.to_owned()) {
            return Err(ValueError::format("two flattened entries have one name"));
        }
        if flattened.mark == Mark::Authenticated {
            self.authenticated.push(name.to_owned());
        }
        Ok(flattened.mark)
    }

    fn is_alias(&self, name: &str) -> bool {
        self.known.iter().any(|field| !field.flatten && field.aliases.contains(&name))
    }

    /// Notes the encrypted fields that had no value, so that the record says they were marked (FORMAT 4.5-2).
    fn finish(mut self) -> Parts {
        for (field, written) in self.known.iter().zip(&self.written) {
            if field.mark == Mark::Encrypted && !field.flatten && !written {
                self.fields.absent(field.name);
            }
        }
        Parts { item: self.item, fields: self.fields, authenticated: self.authenticated }
    }
}

/// The attributes that hold the sealed record.
pub(crate) const RESERVED: [&str; 2] = [ENCRYPTED_PAYLOAD, ENCRYPTED_DEK];
/// The attribute that holds the sealed fields (FORMAT 4).
pub(crate) const ENCRYPTED_PAYLOAD: &str = "encrypted_payload";
/// The attribute that holds the wrapped data key (FORMAT 3).
pub(crate) const ENCRYPTED_DEK: &str = "encrypted_dek";

fn fixed_names(known: &'static [Field], mark: Mark) -> impl Iterator<Item = &'static str> + Clone {
    known.iter().filter(move |field| field.mark == mark && !field.flatten).map(|field| field.name)
}

macro_rules! refuse {
    ($($method:ident($($argument:ty),*) $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, ValueError> {
            Err(NOT_A_STRUCT)
        })*
    };
}

type No = Impossible<(), ValueError>;

impl<'r> Serializer for &'r mut Router {
    type Ok = ();
    type Error = ValueError;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = FlattenedFields<'r>;
    type SerializeStruct = Fields<'r>;
    type SerializeStructVariant = No;

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Fields<'r>, ValueError> {
        Ok(Fields(self))
    }

    /// How serde writes a struct with a flattened field.
    fn serialize_map(self, _len: Option<usize>) -> Result<FlattenedFields<'r>, ValueError> {
        Ok(FlattenedFields { router: self, name: None })
    }

    fn serialize_some<V: Serialize + ?Sized>(self, _value: &V) -> Result<(), ValueError> {
        Err(NOT_A_STRUCT)
    }

    fn serialize_newtype_struct<V: Serialize + ?Sized>(self, _: &'static str, _: &V) -> Result<(), ValueError> {
        Err(NOT_A_STRUCT)
    }

    fn serialize_newtype_variant<V: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &V,
    ) -> Result<(), ValueError> {
        Err(NOT_A_STRUCT)
    }

    refuse! {
        serialize_bool(bool) ();
        serialize_i8(i8) ();
        serialize_i16(i16) ();
        serialize_i32(i32) ();
        serialize_i64(i64) ();
        serialize_u8(u8) ();
        serialize_u16(u16) ();
        serialize_u32(u32) ();
        serialize_u64(u64) ();
        serialize_f32(f32) ();
        serialize_f64(f64) ();
        serialize_char(char) ();
        serialize_str(&str) ();
        serialize_bytes(&[u8]) ();
        serialize_none() ();
        serialize_unit() ();
        serialize_unit_struct(&'static str) ();
        serialize_unit_variant(&'static str, u32, &'static str) ();
        serialize_seq(Option<usize>) No;
        serialize_tuple(usize) No;
        serialize_tuple_struct(&'static str, usize) No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) No;
    }
}

struct Fields<'r>(&'r mut Router);

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = ValueError;

    fn serialize_field<V: Serialize + ?Sized>(&mut self, key: &'static str, value: &V) -> Result<(), ValueError> {
        self.0.route(key, value)
    }

    fn end(self) -> Result<(), ValueError> {
        Ok(())
    }
}

struct FlattenedFields<'r> {
    router: &'r mut Router,
    name: Option<String>,
}

impl SerializeMap for FlattenedFields<'_> {
    type Ok = ();
    type Error = ValueError;

    fn serialize_key<K: Serialize + ?Sized>(&mut self, key: &K) -> Result<(), ValueError> {
        self.name = Some(key.serialize(KeySerializer)?);
        Ok(())
    }

    fn serialize_value<V: Serialize + ?Sized>(&mut self, value: &V) -> Result<(), ValueError> {
        let name = self.name.take().ok_or(ValueError::format("a flattened value has no name"))?;
        self.router.route(&name, value)
    }

    fn end(self) -> Result<(), ValueError> {
        Ok(())
    }
}

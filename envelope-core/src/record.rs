//! The encrypted fields of a record: a CBOR map from serde field name to value (FORMAT 4.5).
//!
//! [`FieldWriter`] writes the fields, and the [`PayloadBuilder`] that it returns seals them.
//! [`read_fields`] takes the opened plaintext apart.
//!
//! ```
//! use envelope_core::record::{FieldWriter, read_fields};
//! use envelope_core::{Content, Context, DataKey, UntrustedPayload};
//! use std::marker::PhantomData;
//!
//! let (context, key) = (Context::new("users"), DataKey::generate()?);
//! let mut fields = FieldWriter::new(64, []);
//! fields.field("visits", &7_u32)?;
//! let sealed = fields.finish().seal(Content::Record, &context, &key)?;
//!
//! let plaintext = UntrustedPayload::parse(sealed)?.open(Content::Record, &context, &key)?;
//! let fields = read_fields(plaintext.expose())?;
//! let (name, value) = fields[0];
//! assert_eq!((name, value.deserialize(PhantomData::<u32>)?), ("visits", 7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use serde::Serialize;
use serde::de::DeserializeSeed;

use crate::cbor::{
    Deserializer, MAX_DEPTH, Reader, Serializer, UNDEFINED, head_bytes, major, skip, write_head,
};
use crate::payload::PayloadBuilder;
use crate::secret::SecretBuffer;

pub use crate::fragile::{FragileValues, check_struct_name};
pub use crate::serde_error::ValueError;

/// Writes the encrypted fields of a record into the buffer where they will be sealed.
///
/// ```
/// use envelope_core::{Content, Context, DataKey, FieldWriter, UntrustedPayload, read_fields};
/// use std::marker::PhantomData;
///
/// let mut fields = FieldWriter::new(64, []);
/// fields.field("email", "zoë@example.com")?;
/// fields.absent("ssn");
/// let (key, context) = (DataKey::generate()?, Context::new("users"));
/// let payload = fields.finish().seal(Content::Record, &context, &key)?;
///
/// let plaintext = UntrustedPayload::parse(payload)?.open(Content::Record, &context, &key)?;
/// let fields = read_fields(plaintext.expose())?;
/// let [("email", email), ("ssn", ssn)] = fields.as_slice() else { panic!("two fields") };
/// assert_eq!(email.deserialize(PhantomData::<String>)?, "zoë@example.com");
/// assert!(ssn.is_absent());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FieldWriter {
    payload: PayloadBuilder,
    count: u64,
    fragile: FragileValues,
}

impl FieldWriter {
    /// A record without fields, with room for `plaintext_bytes` and for a header with these names
    /// of authenticated attributes.
    #[must_use]
    pub fn new<'n>(
        plaintext_bytes: usize,
        authenticated_names: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let mut payload = PayloadBuilder::new(plaintext_bytes, authenticated_names);
        // Room for the head of a map of up to 23 entries.
        payload.buffer.push(0);
        Self { payload, count: 0, fragile: FragileValues::default() }
    }

    /// Appends a field.
    ///
    /// # Errors
    ///
    /// If the value does not serialize, or nests more than 128 levels deep.
    pub fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), ValueError> {
        self.name(name);
        value.serialize(Serializer::new(&mut self.payload.buffer, &mut self.fragile))
    }

    /// The count of values, written so far, that some types cannot read back.
    #[must_use]
    pub const fn fragile(&self) -> FragileValues {
        self.fragile
    }

    /// The fields that were written so far, in order.
    ///
    /// # Errors
    ///
    /// If two fields have the same name.
    pub fn fields(&self) -> Result<Vec<(&str, FieldValue<'_>)>, ValueError> {
        // The first byte is reserved for the head.
        read_entries(self.written().get(1..).unwrap_or_default(), self.count)
    }

    /// The field that was written under `name`, also if it is absent.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<FieldValue<'_>> {
        let mut reader = Reader::new(self.written().get(1..).unwrap_or_default());
        let mut entries = (0..self.count).map_while(|_| read_entry(&mut reader).ok());
        entries.find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Appends the encoded field of another record unchanged.
    pub fn encoded(&mut self, name: &str, value: &FieldValue<'_>) {
        self.name(name);
        self.out().extend_from_slice(value.0);
    }

    /// Records that a field is marked as encrypted but has no value, so that adding a value is
    /// noticed.
    pub fn absent(&mut self, name: &str) {
        self.name(name);
        self.out().push(UNDEFINED);
    }

    /// The plaintext, ready to be sealed.
    #[must_use]
    pub fn finish(mut self) -> PayloadBuilder {
        let (mut at, count) = (self.payload.start, self.count);
        let out = self.out();
        out.insert(at, [0; 8].split_at(head_bytes(count) - 1).0);
        write_head(major::MAP, count, |part| {
            if let Some(room) = out.as_mut_slice().get_mut(at..at + part.len()) {
                room.copy_from_slice(part);
            }
            at += part.len();
        });
        self.payload
    }

    fn written(&self) -> &[u8] {
        self.payload.buffer.as_slice().get(self.payload.start..).unwrap_or_default()
    }

    fn name(&mut self, name: &str) {
        self.count += 1;
        let out = self.out();
        write_head(major::TEXT, name.len() as u64, |bytes| out.extend_from_slice(bytes));
        out.extend_from_slice(name.as_bytes());
    }

    const fn out(&mut self) -> &mut SecretBuffer {
        &mut self.payload.buffer
    }
}

/// The encoded value of one encrypted field.
///
/// Two values are equal if their encodings are. The encoding does not depend on the width of a
/// number:
///
/// ```
/// use std::marker::PhantomData;
///
/// use envelope_core::record::{FieldWriter, ValueError};
///
/// let mut fields = FieldWriter::new(64, []);
/// fields.field("before", &7_u8)?;
/// fields.field("after", &7_u64)?;
/// fields.field("none", &None::<u8>)?; // null, which is a value
/// fields.absent("absent");
/// let fields = fields.fields()?;
/// let [(_, before), (_, after), (_, none), (_, absent)] = fields[..] else { panic!("4 fields") };
/// assert!(before == after);
/// assert_eq!(before.deserialize(PhantomData::<u32>)?, 7);
/// assert!(absent.is_absent() && !none.is_absent());
/// # Ok::<(), ValueError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FieldValue<'p>(&'p [u8]);

impl<'p> FieldValue<'p> {
    /// The encoded value.
    pub(crate) const fn as_bytes(&self) -> &'p [u8] {
        self.0
    }

    /// Whether the field was marked as encrypted but had no value.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.0 == [UNDEFINED]
    }

    /// Deserializes the value. The result borrows nothing from the plaintext.
    ///
    /// # Errors
    ///
    /// If the value does not have the type of the seed.
    pub fn deserialize<'de, S: DeserializeSeed<'de>>(
        &self,
        seed: S,
    ) -> Result<S::Value, ValueError> {
        let mut reader = Reader::new(self.0);
        seed.deserialize(Deserializer::new(&mut reader))
    }
}

/// Splits the plaintext of a record into its fields, in the order in which they were written.
///
/// # Errors
///
/// If `plaintext` is not exactly one CBOR map from distinct texts to well-formed values.
pub fn read_fields(plaintext: &[u8]) -> Result<Vec<(&str, FieldValue<'_>)>, ValueError> {
    let mut reader = Reader::new(plaintext);
    let count = reader.expect(major::MAP)?;
    read_entries(reader.rest(), count)
}

/// Reads `count` fields. `entries` must contain nothing else.
fn read_entries(entries: &[u8], count: u64) -> Result<Vec<(&str, FieldValue<'_>)>, ValueError> {
    let mut reader = Reader::new(entries);
    let mut fields = Vec::new();
    for _ in 0..count {
        fields.push(read_entry(&mut reader)?);
    }
    if reader.remaining() > 0 {
        return Err(ValueError::format("the payload has bytes behind its fields"));
    }
    let mut names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(ValueError::format("the payload has two fields of the same name"));
    }
    Ok(fields)
}

/// Reads the name of a field, and its encoded value.
fn read_entry<'p>(reader: &mut Reader<'p>) -> Result<(&'p str, FieldValue<'p>), ValueError> {
    let length = reader.expect(major::TEXT)?;
    let name = reader.text(length)?;
    let before = reader.rest();
    skip_field(reader)?;
    let (value, _) = before.split_at(before.len() - reader.remaining());
    Ok((name, FieldValue(value)))
}

/// Skips the value of a field, or the mark of its absence.
fn skip_field(reader: &mut Reader<'_>) -> Result<(), ValueError> {
    if reader.peek()? == UNDEFINED {
        return reader.take(1).map(|_| ()).map_err(Into::into);
    }
    skip(reader, MAX_DEPTH)
}

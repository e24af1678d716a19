//! Serializes serde values as CBOR.

use std::fmt::{self, Write as _};

use serde::ser::{self, Serialize};

use super::MAX_DEPTH;
use super::head::{NULL, major, simple, write_head};
use crate::fragile::{FragileValues, check_struct_name};
use crate::secret::SecretBuffer;
use crate::serde_error::{ValueError, WITHHELD, WITHHELD_VALUE};

/// Appends serde values to a buffer as CBOR.
///
/// The definite length of a map or sequence of unknown length is inserted at its end.
///
/// [`FieldWriter::field`](crate::FieldWriter::field) writes with it:
///
/// ```
/// use envelope_core::{Content, Context, DataKey, FieldWriter, UntrustedPayload};
/// use serde::{Serialize, Serializer};
///
/// /// Does not know how many elements it has.
/// struct Odd;
///
/// impl Serialize for Odd {
///     fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
///         serializer.collect_seq((0..9_u8).filter(|n| n % 2 == 1))
///     }
/// }
///
/// let (key, context) = (DataKey::generate()?, Context::new("numbers"));
/// let mut fields = FieldWriter::new(64, []);
/// fields.field("odd", &Odd)?;
/// let sealed = fields.finish().seal(Content::Record, &context, &key)?;
/// let plaintext = UntrustedPayload::parse(sealed)?.open(Content::Record, &context, &key)?;
/// assert_eq!(plaintext.expose(), b"\xa1\x63odd\x84\x01\x03\x05\x07", "an array of 4");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Serializer<'b> {
    out: &'b mut SecretBuffer,
    fragile: &'b mut FragileValues,
    depth: usize,
}

impl<'b> Serializer<'b> {
    pub(crate) const fn new(out: &'b mut SecretBuffer, fragile: &'b mut FragileValues) -> Self {
        Self { out, fragile, depth: MAX_DEPTH }
    }

    fn head(&mut self, major: u8, argument: u64) {
        write_head(major, argument, |bytes| self.out.extend_from_slice(bytes));
    }

    fn text(&mut self, text: &str) {
        self.head(major::TEXT, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    fn simple(&mut self, value: u8) {
        self.head(major::SIMPLE, value.into());
    }

    fn float(&mut self, info: u8, bits: &[u8]) {
        self.out.push((major::SIMPLE << 5) | info);
        self.out.extend_from_slice(bits);
    }

    /// A bignum (RFC 8949, section 3.4.3): a tag for the sign, and the magnitude without leading
    /// zeros.
    fn bignum(&mut self, tag: u64, magnitude: u128) {
        let bytes = magnitude.to_be_bytes();
        let digits = bytes.get(magnitude.leading_zeros() as usize / 8..).unwrap_or_default();
        self.head(major::TAG, tag);
        self.head(major::BYTES, digits.len() as u64);
        self.out.extend_from_slice(digits);
    }

    fn nested(self, major: u8, declared: Option<usize>) -> Result<Compound<'b>, ValueError> {
        let depth = self.depth.checked_sub(1).ok_or(ValueError::TOO_DEEP)?;
        let start = self.out.len();
        if let Some(len) = declared {
            write_head(major, len as u64, |bytes| self.out.extend_from_slice(bytes));
        }
        Ok(Compound {
            out: self.out,
            fragile: self.fragile,
            depth,
            major,
            start,
            declared,
            written: 0,
        })
    }

    fn variant(mut self, name: &str) -> Result<Self, ValueError> {
        self.depth = self.depth.checked_sub(1).ok_or(ValueError::TOO_DEEP)?;
        self.head(major::MAP, 1);
        self.text(name);
        Ok(self)
    }
}

/// Inserts a head at the position `at`.
fn insert_head(out: &mut SecretBuffer, mut at: usize, major: u8, argument: usize) {
    write_head(major, argument as u64, |bytes| {
        out.insert(at, bytes);
        at += bytes.len();
    });
}

/// Appends formatted text directly, without a copy in between that nobody would wipe.
struct Displayed<'b>(&'b mut SecretBuffer);

impl fmt::Write for Displayed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident $type:ty => $wide:ident $wide_type:ty;)*) => {
        $(fn $method(self, v: $type) -> Result<(), ValueError> {
            self.$wide(<$wide_type>::from(v))
        })*
    };
}

impl<'b> ser::Serializer for Serializer<'b> {
    type Ok = ();
    type Error = ValueError;
    type SerializeSeq = Compound<'b>;
    type SerializeTuple = Compound<'b>;
    type SerializeTupleStruct = Compound<'b>;
    type SerializeTupleVariant = Compound<'b>;
    type SerializeMap = Compound<'b>;
    type SerializeStruct = Compound<'b>;
    type SerializeStructVariant = Compound<'b>;

    integers! {
        serialize_u8 u8 => serialize_u64 u64;
        serialize_u16 u16 => serialize_u64 u64;
        serialize_u32 u32 => serialize_u64 u64;
        serialize_i8 i8 => serialize_i64 i64;
        serialize_i16 i16 => serialize_i64 i64;
        serialize_i32 i32 => serialize_i64 i64;
    }

    fn serialize_bool(mut self, v: bool) -> Result<(), ValueError> {
        self.simple(if v { simple::TRUE } else { simple::FALSE });
        Ok(())
    }

    fn serialize_u64(mut self, v: u64) -> Result<(), ValueError> {
        self.head(major::UNSIGNED, v);
        Ok(())
    }

    fn serialize_i64(mut self, v: i64) -> Result<(), ValueError> {
        match u64::try_from(v) {
            Ok(v) => self.head(major::UNSIGNED, v),
            Err(_) => self.head(major::NEGATIVE, (!v).cast_unsigned()),
        }
        Ok(())
    }

    fn serialize_u128(mut self, v: u128) -> Result<(), ValueError> {
        self.fragile.wide_integers += 1;
        match u64::try_from(v) {
            Ok(v) => self.head(major::UNSIGNED, v),
            Err(_) => self.bignum(2, v),
        }
        Ok(())
    }

    fn serialize_i128(mut self, v: i128) -> Result<(), ValueError> {
        let Err(_) = u128::try_from(v) else { return self.serialize_u128(v.cast_unsigned()) };
        self.fragile.wide_integers += 1;
        let magnitude = (!v).cast_unsigned();
        match u64::try_from(magnitude) {
            Ok(magnitude) => self.head(major::NEGATIVE, magnitude),
            Err(_) => self.bignum(3, magnitude),
        }
        Ok(())
    }

    fn serialize_f32(mut self, v: f32) -> Result<(), ValueError> {
        self.float(simple::F32, &v.to_be_bytes());
        Ok(())
    }

    fn serialize_f64(mut self, v: f64) -> Result<(), ValueError> {
        self.float(simple::F64, &v.to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), ValueError> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(mut self, v: &str) -> Result<(), ValueError> {
        self.text(v);
        Ok(())
    }

    /// Returns an error if `Display` fails, where `to_string` would panic.
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), ValueError> {
        let start = self.out.len();
        write!(Displayed(self.out), "{value}").map_err(<ValueError as ser::Error>::custom)?;
        let written = self.out.len() - start;
        insert_head(self.out, start, major::TEXT, written);
        Ok(())
    }

    fn serialize_bytes(mut self, v: &[u8]) -> Result<(), ValueError> {
        self.head(major::BYTES, v.len() as u64);
        self.out.extend_from_slice(v);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), ValueError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), ValueError> {
        let start = self.out.len();
        value.serialize(Serializer { out: self.out, fragile: self.fragile, depth: self.depth })?;
        if self.out.as_slice().get(start..) == Some(&[NULL]) {
            self.fragile.null_options += 1;
        }
        Ok(())
    }

    fn serialize_unit(mut self) -> Result<(), ValueError> {
        self.simple(simple::NULL);
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), ValueError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), ValueError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        if name == WITHHELD {
            return Err(WITHHELD_VALUE);
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        value.serialize(self.variant(variant)?)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<'b>, ValueError> {
        self.nested(major::ARRAY, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'b>, ValueError> {
        self.nested(major::ARRAY, Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<Compound<'b>, ValueError> {
        self.nested(major::ARRAY, Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'b>, ValueError> {
        self.variant(variant)?.nested(major::ARRAY, Some(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Compound<'b>, ValueError> {
        self.nested(major::MAP, len)
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Compound<'b>, ValueError> {
        check_struct_name(name)?;
        self.nested(major::MAP, Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'b>, ValueError> {
        self.variant(variant)?.nested(major::MAP, Some(len))
    }
}

/// An array or map being written.
pub struct Compound<'b> {
    out: &'b mut SecretBuffer,
    fragile: &'b mut FragileValues,
    depth: usize,
    major: u8,
    start: usize,
    declared: Option<usize>,
    written: usize,
}

impl Compound<'_> {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        value.serialize(Serializer { out: self.out, fragile: self.fragile, depth: self.depth })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.written += 1;
        self.value(value)
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), ValueError> {
        self.element(key)?;
        self.value(value)
    }

    fn finish(self) -> Result<(), ValueError> {
        match self.declared {
            Some(declared) if declared == self.written => Ok(()),
            Some(_) => Err(ValueError::format(
                "a type serialized another number of elements than it declared",
            )),
            None => {
                insert_head(self.out, self.start, self.major, self.written);
                Ok(())
            }
        }
    }
}

macro_rules! compound {
    ($($trait:ident { $($method:ident)* })*) => {
        $(impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = ValueError;

            $(fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.element(value)
            })*

            fn end(self) -> Result<(), ValueError> {
                self.finish()
            }
        })*
    };
}

compound! {
    SerializeSeq { serialize_element }
    SerializeTuple { serialize_element }
    SerializeTupleStruct { serialize_field }
    SerializeTupleVariant { serialize_field }
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.value(value)
    }

    fn end(self) -> Result<(), ValueError> {
        self.finish()
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {
        $(impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), ValueError> {
                self.entry(key, value)
            }

            fn end(self) -> Result<(), ValueError> {
                self.finish()
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

#[cfg(test)]
pub(crate) fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, ValueError> {
    fragile_in(value).map(|(bytes, _)| bytes)
}

/// The encoding, and the count of its fragile values.
#[cfg(test)]
pub(crate) fn fragile_in<T: Serialize + ?Sized>(
    value: &T,
) -> Result<(Vec<u8>, FragileValues), ValueError> {
    let (mut out, mut fragile) = (SecretBuffer::default(), FragileValues::default());
    value.serialize(Serializer::new(&mut out, &mut fragile))?;
    Ok((out.into_public(), fragile))
}

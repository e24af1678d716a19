//! Deserializes CBOR with serde.

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::MAX_DEPTH;
use super::head::{Head, NULL, ReadError, Reader, major, simple};
use super::skip::skip;
use crate::serde_error::ValueError;

const NOT_CBOR: ValueError = ValueError::format("not CBOR in the encoding that the format allows");

impl From<ReadError> for ValueError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Truncated => Self::format("the CBOR is truncated"),
            ReadError::Malformed => NOT_CBOR,
        }
    }
}

/// Reads CBOR into serde values. The values own their data and borrow nothing from the input, so
/// that the input can be wiped.
///
/// [`FieldValue::deserialize`](crate::FieldValue::deserialize) reads with it. A type that borrows
/// does not deserialize:
///
/// ```
/// use std::marker::PhantomData;
///
/// use envelope_core::FieldWriter;
///
/// let mut fields = FieldWriter::new(64, []);
/// fields.field("email", "zoe@example.com")?;
/// let value = fields.find("email").expect("was written");
/// assert_eq!(value.deserialize(PhantomData::<String>)?, "zoe@example.com");
/// assert!(value.deserialize(PhantomData::<&str>).is_err());
/// # Ok::<(), envelope_core::ValueError>(())
/// ```
pub struct Deserializer<'r, 'p> {
    reader: &'r mut Reader<'p>,
    depth: usize,
}

impl<'r, 'p> Deserializer<'r, 'p> {
    pub(crate) const fn new(reader: &'r mut Reader<'p>) -> Self {
        Self { reader, depth: MAX_DEPTH }
    }

    fn nested(&mut self, left: u64) -> Result<Compound<'_, 'p>, ValueError> {
        let depth = self.depth.checked_sub(1).ok_or(ValueError::TOO_DEEP)?;
        Ok(Compound { reader: self.reader, depth, left })
    }

    fn is_null(&self) -> Result<bool, ValueError> {
        Ok(self.reader.peek()? == NULL)
    }

    fn visit_tagged<'de, V: Visitor<'de>>(
        &mut self,
        tag: u64,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let digits = self.reader.bignum(tag)?;
        let magnitude = digits.iter().fold(0, |n, digit| (n << 8) | u128::from(*digit));
        if tag == 2 {
            return visitor.visit_u128(magnitude);
        }
        let magnitude = i128::try_from(magnitude)
            .map_err(|_| ValueError::format("an integer is out of range"))?;
        visitor.visit_i128(!magnitude)
    }

    fn visit_simple<'de, V: Visitor<'de>>(head: Head, visitor: V) -> Result<V::Value, ValueError> {
        match head.info {
            simple::FALSE => visitor.visit_bool(false),
            simple::TRUE => visitor.visit_bool(true),
            simple::NULL => visitor.visit_unit(),
            simple::F16 => visitor.visit_f32(f16_to_f32(low_bits(head.argument))),
            simple::F32 => visitor.visit_f32(f32::from_bits(low_bits(head.argument))),
            simple::F64 => visitor.visit_f64(f64::from_bits(head.argument)),
            _ => Err(NOT_CBOR),
        }
    }
}

/// The argument of a head whose width was 32 bits or fewer.
fn low_bits(argument: u64) -> u32 {
    u32::try_from(argument).unwrap_or_default()
}

/// Widens a half-precision float (RFC 8949, appendix D). Other writers may use them.
fn f16_to_f32(half: u32) -> f32 {
    let (sign, exponent, mantissa) = ((half & 0x8000) << 16, (half >> 10) & 0x1f, half & 0x3ff);
    match exponent {
        0 => {
            let magnitude = f32::from_bits(0x3380_0000)
                * f32::from(u16::try_from(mantissa).unwrap_or_default());
            f32::from_bits(sign | magnitude.to_bits())
        }
        0x1f => f32::from_bits(sign | 0x7f80_0000 | (mantissa << 13)),
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (mantissa << 13)),
    }
}

impl<'de> de::Deserializer<'de> for Deserializer<'_, '_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ValueError> {
        let head = self.reader.head()?;
        match head.major {
            major::UNSIGNED => visitor.visit_u64(head.argument),
            major::NEGATIVE => match i64::try_from(head.argument) {
                Ok(magnitude) => visitor.visit_i64(!magnitude),
                Err(_) => visitor.visit_i128(!i128::from(head.argument)),
            },
            major::BYTES => visitor.visit_bytes(self.reader.bytes(head.argument)?),
            major::TEXT => visitor.visit_str(self.reader.text(head.argument)?),
            major::ARRAY => {
                let mut elements = self.nested(head.argument)?;
                let value = visitor.visit_seq(&mut elements)?;
                elements.finish(value)
            }
            major::MAP => {
                let mut entries = self.nested(head.argument)?;
                let value = visitor.visit_map(&mut entries)?;
                entries.finish(value)
            }
            major::TAG => self.visit_tagged(head.argument, visitor),
            _ => Self::visit_simple(head, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        if self.is_null()? {
            self.reader.head()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let head = self.reader.head()?;
        match (head.major, head.argument) {
            (major::TEXT, length) => {
                visitor.visit_enum(self.reader.text(length)?.into_deserializer())
            }
            (major::MAP, 1) => visitor.visit_enum(self.nested(1)?),
            _ => Err(ValueError::format("an enum must be a text or a map with one entry")),
        }
    }

    /// Skips the value, even one that no Rust type holds, such as an integer beyond `i128`.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        skip(self.reader, self.depth)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

/// An array or map being read.
struct Compound<'r, 'p> {
    reader: &'r mut Reader<'p>,
    depth: usize,
    left: u64,
}

impl<'p> Compound<'_, 'p> {
    fn next(&mut self) -> Deserializer<'_, 'p> {
        Deserializer { reader: self.reader, depth: self.depth }
    }

    fn next_if_any<'de, S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ValueError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(self.next()).map(Some)
    }

    /// An upper bound that never exceeds the input: every element takes at least one byte.
    fn hint(&self) -> Option<usize> {
        Some(usize::try_from(self.left).unwrap_or(usize::MAX).min(self.reader.remaining()))
    }

    fn finish<T>(self, value: T) -> Result<T, ValueError> {
        if self.left == 0 {
            Ok(value)
        } else {
            Err(ValueError::format("a sequence or map has more elements than its type takes"))
        }
    }
}

impl<'de> de::SeqAccess<'de> for &mut Compound<'_, '_> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        self.next_if_any(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> de::MapAccess<'de> for &mut Compound<'_, '_> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ValueError> {
        self.next_if_any(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ValueError> {
        seed.deserialize(self.next())
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> de::EnumAccess<'de> for Compound<'_, '_> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        mut self,
        seed: V,
    ) -> Result<(V::Value, Self), ValueError> {
        let name = seed.deserialize(self.next())?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Compound<'_, '_> {
    type Error = ValueError;

    fn unit_variant(mut self) -> Result<(), ValueError> {
        de::Deserialize::deserialize(self.next())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        mut self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        seed.deserialize(self.next())
    }

    fn tuple_variant<V: Visitor<'de>>(
        mut self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        de::Deserializer::deserialize_any(self.next(), visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        mut self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        de::Deserializer::deserialize_any(self.next(), visitor)
    }
}

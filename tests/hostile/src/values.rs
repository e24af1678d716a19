//! Decoding the plaintext of a record.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::num::NonZeroU8;
use std::time::Duration;

use envelope_core::cbor::MAX_DEPTH;
use envelope_core::{
    Content, Context, DataKey, FieldValue, FieldWriter, UntrustedPayload, read_fields,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::allocation::within;
use crate::records::{Adjacent, Bytes, External, Internal, Nested, Untagged};

/// How many fields are decoded into every type. Further fields are skipped.
const FIELDS_DECODED: usize = 16;

/// Well-formed bytes can be skipped, and a value that decodes into some type encodes to bytes that
/// decode to the same value.
///
/// The bytes are used as the value of a field, and as the plaintext of a record.
pub fn values(bytes: &[u8]) {
    let field = [b"\xa1\x61f", bytes].concat();
    for plaintext in [&field, bytes] {
        // Measured: 12. A field is a borrowed name and a borrowed value, and the name again while
        // the names are compared.
        let fields = within(30, plaintext.len(), || read_fields(plaintext));
        for (i, (_, value)) in fields.unwrap_or_default().into_iter().enumerate() {
            let well_formed =
                value.is_absent() || value.deserialize(PhantomData::<IgnoredAny>).is_ok();
            assert!(well_formed, "decoded, but cannot be skipped");
            if i < FIELDS_DECODED {
                every_type(value, plaintext.len());
            }
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Serialize, Deserialize)]
struct Newtype(Option<Vec<Newtype>>);

#[derive(Debug, Serialize, Deserialize)]
struct Tuple(u8, Option<i8>, Cow<'static, str>);

#[derive(Debug, Serialize, Deserialize)]
struct Borrowing<'b> {
    #[serde(borrow)]
    a: Cow<'b, str>,
    #[serde(borrow, default)]
    b: Option<Cow<'b, [u8]>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Strict {
    #[serde(rename = "kind", alias = "t")]
    a: NonZeroU8,
    b: Result<Duration, External>,
}

impl Default for Strict {
    fn default() -> Self {
        Self { a: NonZeroU8::MIN, b: Ok(Duration::ZERO) }
    }
}

macro_rules! types {
    ($value:expr, $given:expr, $($type:ty),* $(,)?) => {
        $(comes_back::<$type>($value, $given);)*
    };
}

fn every_type(value: FieldValue<'_>, given: usize) {
    types!(
        value, given, bool, u8, i16, u32, i64, i128, u128, f32, f64, char, String, (), [u8; 3], (i8, (bool, char)),
        Option<Option<u8>>, Option<()>, Vec<Vec<Vec<u8>>>, Vec<()>, Vec<Option<String>>, Bytes, Unit, Newtype, Tuple,
        Borrowing<'static>, BTreeMap<i32, Bytes>, BTreeMap<u128, ()>, BTreeMap<bool, f32>, BTreeMap<char, Unit>,
        BTreeMap<Option<u8>, [External; 1]>, BTreeMap<String, Json>, External, Internal, Adjacent, Nested,
        Vec<Nested>, Json, std::net::IpAddr, Duration, Result<u8, String>, std::ops::Range<i64>, NonZeroU8,
        Strict,
    );
    // serde buffers a value before it tries the variants, and again at each level of a recursive
    // type.
    types!(value, given * MAX_DEPTH, Untagged);
}

/// Measured: 39. A value of one byte takes 32 bytes as `Json`, and as many in serde's buffer for
/// `flatten`.
const FACTOR: usize = 60;

/// `'static`, because nothing is borrowed from the plaintext, even if the type could borrow.
fn comes_back<T: Serialize + Deserialize<'static> + Debug>(value: FieldValue<'_>, given: usize) {
    let Ok(decoded) = within(FACTOR, given, || value.deserialize(PhantomData::<T>)) else { return };
    let Some(plaintext) = encoded(&decoded) else { return };
    let fields = read_fields(&plaintext).unwrap();
    let again = fields[0].1.deserialize(PhantomData::<T>).unwrap();
    assert_eq!(format!("{again:?}"), format!("{decoded:?}"));
}

/// The plaintext of a record with one field. `None` if the value nests deeper than the format
/// allows: a default value that was left out when reading is written.
fn encoded<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    let (context, key) = (Context::new("t"), DataKey::from_slice(&[7; DataKey::BYTES]).unwrap());
    let mut fields = FieldWriter::new(64, []);
    if let Err(error) = fields.field("f", value) {
        assert_eq!(error.to_string(), "nested too deeply");
        return None;
    }
    let payload = fields.finish().seal(Content::Record, &context, &key).unwrap();
    let plaintext =
        UntrustedPayload::parse(payload).unwrap().open(Content::Record, &context, &key).unwrap();
    Some(plaintext.expose().to_vec())
}

//! Reading an item.

use std::borrow::Cow;
use std::fmt::Debug;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    Content, DataKey, EncryptedDek, EncryptionContext, GeneratedKey, KeyFuture, KeyKind, Number, PayloadBuilder,
    UnwrapKey, Value, WrapKey, WrappedKey,
};
use envelope_dynamo::{Envelope, from_item, item_context, to_item};

use crate::allocation::within;
use crate::input::{Input, Item, item_bytes};
use crate::ready;
use crate::records::{Document, Everything, Strict, TwoKeys};

/// Whatever an item holds, reading it gives a record or an error; and what was read can be written and read again.
///
/// The bytes are a mode, an item, in one mode the names that were authenticated, and the plaintext. In mode 0 the item
/// is read as it is. In the others somebody who has the key and does not keep to the format sealed the plaintext for
/// the place where it stands, since nothing else gets past AES-GCM.
pub fn item(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let sealed = input.byte() != 0;
    let item = input.item();
    let forgery = sealed.then(|| Forgery::of(input));
    read_item(&item, forgery.as_ref());
}

/// What may be held for each byte of an item. Measured: 75 for attributes of two or three bytes, which are wide as they stand.
const WIDE: usize = 100;
/// What may be held besides for each byte of plaintext by a type with an untagged enum that holds itself: before serde tries
/// its variants it keeps the value, in 32 bytes an element, once more for each level, of which there are 128 at most.
const BUFFERED: usize = 128 * 32;

/// Reads `item` as each of the structs: as it is, or with what `forgery` seals for it.
pub fn read_item(item: &Item, forgery: Option<&Forgery<'_>>) {
    read::<Everything>(item, forgery, BUFFERED);
    read::<TwoKeys>(item, forgery, BUFFERED);
    read::<Document>(item, forgery, 0);
    read::<Strict>(item, forgery, 0);
}

/// What somebody who has the key seals, and the names of attributes to which it is bound.
pub struct Forgery<'d> {
    /// The names, each once.
    pub authenticated: Vec<String>,
    /// The plaintext, which need not be that of a record.
    pub plaintext: &'d [u8],
}

impl<'d> Forgery<'d> {
    fn of(mut input: Input<'d>) -> Self {
        let count = input.byte() % 32;
        let authenticated = (0..count).map(|_| input.name()).collect();
        Self { authenticated, plaintext: input.rest() }
    }

    /// `item` with the plaintext sealed for it, if it has a place at all.
    fn seal<T: Envelope>(&self, mut item: Item) -> Option<Item> {
        for name in ["encrypted_payload", "encrypted_dek"] {
            item.remove(name);
        }
        let payload = {
            let mut context = item_context::<T>(&item).ok()?;
            for name in &self.authenticated {
                let value = match item.get(name) {
                    Some(attribute) => Some(bound(attribute)?),
                    None => None,
                };
                context = context.authenticated(name.as_str(), value).ok()?;
            }
            let mut payload = PayloadBuilder::new(self.plaintext.len(), context.authenticated_names());
            payload.extend_from_slice(self.plaintext);
            payload.seal(Content::Record, &context, &data_key()).unwrap()
        };
        let dek = EncryptedDek::new(T::CONTEXT_FORM, vec![wrapped()]).unwrap();
        item.insert("encrypted_payload".into(), AttributeValue::B(Blob::new(payload)));
        item.insert("encrypted_dek".into(), AttributeValue::B(Blob::new(dek.to_bytes())));
        Some(item)
    }
}

fn read<T: Envelope + Debug>(item: &Item, forgery: Option<&Forgery<'_>>, buffered: usize) {
    let item = match forgery {
        None => item.clone(),
        Some(forgery) => match forgery.seal::<T>(item.clone()) {
            Some(item) => item,
            None => return,
        },
    };
    let plaintext_bytes = forgery.map_or(0, |forgery| forgery.plaintext.len());
    let allowed = WIDE * item_bytes(&item) + buffered * plaintext_bytes;
    let record = match within(1, allowed, || ready(from_item::<T>(item, &FixedKey))) {
        Ok(record) => record,
        Err(error) => {
            let said = format!("{error} {error:?}");
            assert!(!said.contains('\n'), "an error on more than one line: {said}");
            return;
        }
    };
    let Some(once) = written_and_read(&record) else { return };
    let twice = written_and_read(&once).unwrap();
    assert_eq!(format!("{twice:?}"), format!("{once:?}"));
}

/// What comes back may differ once: a float without a fraction in a value of any type is a whole number in DynamoDB.
fn written_and_read<T: Envelope>(record: &T) -> Option<T> {
    let item = ready(to_item(record, &FixedKey)).ok()?;
    Some(ready(from_item(item, &FixedKey)).unwrap())
}

/// An attribute as FORMAT 2 binds it; `None` where nothing can be bound.
fn bound(attribute: &AttributeValue) -> Option<Value<'_>> {
    let number = |text| Number::parse(text).ok();
    Some(match attribute {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(value) => Value::Bool(*value),
        AttributeValue::N(text) => Value::Number(number(text)?),
        AttributeValue::S(text) => Value::string(text.as_str()),
        AttributeValue::B(blob) => Value::bytes(blob.as_ref()),
        AttributeValue::L(values) => Value::List(values.iter().map(bound).collect::<Option<_>>()?),
        AttributeValue::M(entries) => {
            let entry = |(name, value)| Some((Cow::Borrowed(String::as_str(name)), bound(value)?));
            Value::Map(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        AttributeValue::Ss(set) => Value::StringSet(set.iter().map(|text| Cow::Borrowed(text.as_str())).collect()),
        AttributeValue::Ns(set) => Value::NumberSet(set.iter().map(|text| number(text)).collect::<Option<_>>()?),
        AttributeValue::Bs(set) => Value::BytesSet(set.iter().map(|blob| Cow::Borrowed(blob.as_ref())).collect()),
        _ => return None,
    })
}

fn data_key() -> DataKey {
    DataKey::from_slice(&[7; DataKey::BYTES]).unwrap()
}

fn wrapped() -> WrappedKey {
    WrappedKey::new(KeyKind::private(255).unwrap(), *b"fixed", [1]).unwrap()
}

/// Gives one data key to everybody, whatever wraps it.
#[derive(Debug)]
struct FixedKey;

impl WrapKey for FixedKey {
    fn generate<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async { Ok(GeneratedKey { data_key: data_key(), wrapped: vec![wrapped()] }) })
    }
}

impl UnwrapKey for FixedKey {
    fn unwrap_key<'a>(&'a self, _: &'a [WrappedKey], _: &'a EncryptionContext) -> KeyFuture<'a, DataKey> {
        Box::pin(async { Ok(data_key()) })
    }
}

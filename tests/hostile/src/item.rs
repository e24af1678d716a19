//! Reading an item.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Debug;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    Content, Context, DataKey, EncryptedDek, EncryptionContext, GeneratedKey, KeyFuture, KeyKind,
    Number, PayloadBuilder, UnwrapKey, Value, WrapKey, WrappedKey,
};
use envelope_dynamo::{Envelope, Error, from_item, item_context, item_group_context, to_item};

use crate::allocation::within;
use crate::input::{Input, Item, item_bytes};
use crate::ready;
use crate::records::{Document, Everything, Strict, TwoKeys};
use crate::versions::{GROUP, read_versions};

/// Whatever an item holds, reading it gives a record or an error; and what was read can be written
/// and read again.
///
/// The bytes are a mode and an item; except in mode 0, the names that were authenticated and the
/// plaintext follow. In mode 0 the item is read as it is, and its attributes are planted in records
/// of others. In the other modes somebody who has the key and does not keep to the format sealed
/// the plaintext for the place where it stands, since nothing else gets past AES-GCM: in modes
/// above 127 the plaintext of a group as well, which stands before the other.
pub fn item(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mode = input.byte();
    let item = input.item();
    let forgery = (mode > 0).then(|| Forgery::of(input, mode > 127));
    read_item(&item, forgery.as_ref());
}

/// What may be held for each byte of an item. Measured: 75 for attributes of two or three bytes,
/// which are wide as they stand.
pub(crate) const WIDE: usize = 100;
/// What may be held besides for each byte of plaintext by a type with an untagged enum that holds
/// itself: before serde tries its variants it keeps the value, in 32 bytes an element, once more
/// for each level, of which there are 128 at most.
const BUFFERED: usize = 128 * 32;

/// Reads `item` as each of the structs, and as two versions of one: as it is, or with what
/// `forgery` seals for it.
pub fn read_item(item: &Item, forgery: Option<&Forgery<'_>>) {
    read::<Everything>(item, forgery, BUFFERED);
    read::<TwoKeys>(item, forgery, BUFFERED);
    read::<Document>(item, forgery, 0);
    read::<Strict>(item, forgery, 0);
    read_versions(item, forgery);
}

/// What somebody who has the key seals, and the names of attributes to which it is bound.
pub struct Forgery<'d> {
    /// The names, each once.
    pub authenticated: Vec<String>,
    /// The plaintext, which need not be that of a record.
    pub plaintext: &'d [u8],
    /// The plaintext of a group, for structs that have one.
    pub group: Option<&'d [u8]>,
}

impl<'d> Forgery<'d> {
    fn of(mut input: Input<'d>, has_group: bool) -> Self {
        let count = input.byte() % 32;
        let authenticated = (0..count).map(|_| input.name()).collect();
        let group = has_group.then(|| input.bytes());
        Self { authenticated, plaintext: input.rest(), group }
    }

    fn bytes(&self) -> usize {
        self.plaintext.len() + self.group.map_or(0, <[u8]>::len)
    }

    /// `item` with the plaintext sealed for it, if it has a place at all.
    fn seal<T: Envelope>(&self, mut item: Item) -> Option<Item> {
        for name in ["encrypted_payload", "encrypted_dek"] {
            item.remove(name);
        }
        let mut authenticated: BTreeSet<_> =
            self.authenticated.iter().map(String::as_str).collect();
        let group_payload = format!("encrypted_payload_{GROUP}");
        if let Some(payload) = self.seal_group::<T>(&item) {
            item.insert(group_payload.clone(), payload);
            item.insert(format!("encrypted_dek_{GROUP}"), dek::<T>());
            authenticated.insert(&group_payload);
        }
        let mut context = item_context::<T>(&item).ok()?;
        for name in authenticated {
            let value = match item.get(name) {
                Some(attribute) => Some(bound(attribute)?),
                None => None,
            };
            context = context.authenticated(name, value).ok()?;
        }
        let payload = seal(self.plaintext, Content::Record, &context);
        item.insert("encrypted_payload".into(), payload);
        item.insert("encrypted_dek".into(), dek::<T>());
        Some(item)
    }

    fn seal_group<T: Envelope>(&self, item: &Item) -> Option<AttributeValue> {
        Some(seal(self.group?, Content::Group, &item_group_context::<T>(item, GROUP).ok()?))
    }
}

fn seal(plaintext: &[u8], content: Content, context: &Context<'_>) -> AttributeValue {
    let mut payload = PayloadBuilder::new(plaintext.len(), context.authenticated_names());
    payload.extend_from_slice(plaintext);
    AttributeValue::B(Blob::new(payload.seal(content, context, &data_key()).unwrap()))
}

fn dek<T: Envelope>() -> AttributeValue {
    let dek = EncryptedDek::new(T::CONTEXT_FORM, vec![wrapped()]).unwrap();
    AttributeValue::B(Blob::new(dek.to_bytes()))
}

fn read<T: Envelope + Debug>(item: &Item, forgery: Option<&Forgery<'_>>, buffered: usize) {
    let Some(record) = read_by::<T>(item, forgery, buffered, &FixedKey) else { return };
    let Some(once) = written_and_read(&record) else { return };
    let twice = written_and_read(&once).unwrap();
    assert_eq!(format!("{twice:?}"), format!("{once:?}"));
}

/// `item` as it is, or with what `forgery` seals for it, read by somebody with `keys`; `None` if it
/// is refused.
pub(crate) fn read_by<T: Envelope>(
    item: &Item,
    forgery: Option<&Forgery<'_>>,
    buffered: usize,
    keys: &dyn UnwrapKey,
) -> Option<T> {
    let item = match forgery {
        None => item.clone(),
        Some(forgery) => forgery.seal::<T>(item.clone())?,
    };
    let bytes = allowed(&item, buffered * forgery.map_or(0, Forgery::bytes));
    let record = within(1, bytes, || ready(from_item::<T>(item, keys)));
    record.inspect_err(one_line).ok()
}

/// How much memory may be held while `item` is read, with `buffered` bytes beside it.
pub(crate) fn allowed(item: &Item, buffered: usize) -> usize {
    WIDE * item_bytes(item) + buffered
}

/// A log has one line for an error.
pub(crate) fn one_line(error: &Error) {
    let said = format!("{error} {error:?}");
    assert!(!said.contains('\n'), "an error on more than one line: {said}");
}

/// What comes back may differ once: a float without a fraction in a value of any type is a whole
/// number in DynamoDB.
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
        AttributeValue::Ss(set) => {
            Value::StringSet(set.iter().map(|text| Cow::Borrowed(text.as_str())).collect())
        }
        AttributeValue::Ns(set) => {
            Value::NumberSet(set.iter().map(|text| number(text)).collect::<Option<_>>()?)
        }
        AttributeValue::Bs(set) => {
            Value::BytesSet(set.iter().map(|blob| Cow::Borrowed(blob.as_ref())).collect())
        }
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
pub(crate) struct FixedKey;

impl WrapKey for FixedKey {
    fn generate<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async { Ok(GeneratedKey { data_key: data_key(), wrapped: vec![wrapped()] }) })
    }
}

impl UnwrapKey for FixedKey {
    fn unwrap_key<'a>(
        &'a self,
        _: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async { Ok(data_key()) })
    }
}

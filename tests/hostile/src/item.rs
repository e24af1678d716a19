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
use envelope_dynamo::item::{item_context, item_group_context};
use envelope_dynamo::{Envelope, Error, from_item, to_item};

use crate::allocation::within;
use crate::input::{Input, Item, item_bytes};
use crate::ready;
use crate::records::{Document, Everything, Strict, TwoKeys};
use crate::versions::{GROUP, read_versions};

/// Reading an arbitrary item returns a record or an error, and a record that was read can be
/// written and read again.
///
/// The bytes are a mode and an item. In mode 0, the item is read unchanged, and its attributes are
/// put into records of others. In the other modes, authenticated names and a plaintext follow.
/// Somebody who has the key, but does not follow the format, sealed that plaintext for the context
/// of the item: nothing else gets past AES-GCM. In modes above 127, the plaintext of a group comes
/// before it.
pub fn item(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mode = input.byte();
    let item = input.item();
    let forgery = (mode > 0).then(|| Forgery::of(input, mode > 127));
    read_item(&item, forgery.as_ref());
}

/// What may be allocated for each byte of an item. Measured: 75 for attributes of two or three
/// bytes, which are large in memory.
pub(crate) const WIDE: usize = 100;
/// What may be allocated besides for each byte of plaintext by a type with a recursive untagged
/// enum: before serde tries the variants, it buffers the value with 32 bytes for an element, again
/// for each level, of which there are at most 128.
const BUFFERED: usize = 128 * 32;

/// Reads `item` as each of the structs, and as two versions of one struct: unchanged, or with the
/// payload that `forgery` seals for it.
pub fn read_item(item: &Item, forgery: Option<&Forgery<'_>>) {
    read::<Everything>(item, forgery, BUFFERED);
    read::<TwoKeys>(item, forgery, BUFFERED);
    read::<Document>(item, forgery, 0);
    read::<Strict>(item, forgery, 0);
    read_versions(item, forgery);
}

/// A plaintext that somebody with the key seals, and the names of its authenticated attributes.
pub struct Forgery<'d> {
    /// The names, each once.
    pub authenticated: Vec<String>,
    /// The plaintext, which need not be a record.
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

    /// `item` with the plaintext sealed for it, if it has a valid key.
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

/// Reads `item`, unchanged or with the payload that `forgery` seals for it, with `keys`. `None` if
/// it is refused.
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

/// How much may be allocated while `item` is read, with `buffered` bytes in addition.
pub(crate) fn allowed(item: &Item, buffered: usize) -> usize {
    WIDE * item_bytes(item) + buffered
}

/// A log has one line for an error.
pub(crate) fn one_line(error: &Error) {
    let said = format!("{error} {error:?}");
    assert!(!said.contains('\n'), "an error on more than one line: {said}");
}

/// The second result may differ from the first: in a value of any type, a float without a fraction
/// is a whole number in DynamoDB.
fn written_and_read<T: Envelope>(record: &T) -> Option<T> {
    let item = ready(to_item(record, &FixedKey)).ok()?;
    Some(ready(from_item(item, &FixedKey)).unwrap())
}

/// The canonical value of an attribute (FORMAT 2); `None` if there is none.
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

/// Returns the same data key for every wrapped key.
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

//! A record between the two steps of sealing: taken apart, and without its type.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Content, Context, Sealed, WrapKey, seal_payload};

use crate::binding::{Item, context, record_id};
use crate::error::{Error, ErrorKind, RecordId};
use crate::record::Envelope;
use crate::write::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD, Parts, take_apart};

/// The two halves of a record, with what its type says of them.
#[doc(hidden)]
pub struct Unsealed {
    parts: Parts,
    context: for<'a> fn(&'a Item, &'a [String]) -> Result<Context<'a>, ErrorKind>,
    id: fn(&Item) -> RecordId,
}

impl Unsealed {
    pub(crate) fn of<T: Envelope>(record: &T) -> Result<Self, Error> {
        let parts = take_apart(record).map_err(|kind| Error::new(RecordId::of_table(T::TABLE), kind))?;
        Ok(Self { parts, context: context_of::<T>, id: record_id::<T> })
    }

    /// Seals one half, and puts it beside the other.
    pub(crate) async fn seal(self, provider: &(impl WrapKey + ?Sized)) -> Result<Item, Error> {
        let Parts { mut item, fields, authenticated } = self.parts;
        let sealed = match (self.context)(&item, &authenticated) {
            Ok(context) => {
                seal_payload(fields.finish(), Content::Record, &context, provider).await.map_err(ErrorKind::from)
            }
            Err(kind) => Err(kind),
        };
        let Sealed { encrypted_payload, encrypted_dek } = sealed.map_err(|kind| Error::new((self.id)(&item), kind))?;
        item.insert(ENCRYPTED_PAYLOAD.to_owned(), AttributeValue::B(Blob::new(encrypted_payload)));
        item.insert(ENCRYPTED_DEK.to_owned(), AttributeValue::B(Blob::new(encrypted_dek)));
        Ok(item)
    }
}

fn context_of<'a, T: Envelope>(item: &'a Item, authenticated: &'a [String]) -> Result<Context<'a>, ErrorKind> {
    context::<T>(item, authenticated.iter().map(String::as_str))
}

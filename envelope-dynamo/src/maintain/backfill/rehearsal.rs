//! The dry run: seals each item as the run would, under data keys that nobody wrapped.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    DataKey, EncryptedDek, EncryptionContext, GROUP_PAIR, GeneratedKey, KeyError, KeyFuture,
    SealError, WrapKey, WrappedKey,
};
use tokio::sync::Mutex;

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::item::context::bare_context;
use crate::item::size::item_bytes;
use crate::maintain::backfill::out_of_place::groups_out_of_place;
use crate::maintain::engine::step::{KmsCall, Rehearsed, Standing};
use crate::maintain::engine::update::Update;
use crate::maintain::stored_keys::{asks_kms, kms_calls, stored_keys};
use crate::record::kind::Kind;
use crate::record::schema::{ENCRYPTED_DEK, is_reserved};

/// Hands out data keys with wrapped keys as long as those of the provider, which is asked for one
/// data key of the record, and for one of each group.
pub(crate) struct StandIn {
    provider: Arc<dyn WrapKey>,
    /// The wrapped keys, by group.
    known: Mutex<HashMap<String, Vec<WrappedKey>>>,
}

impl StandIn {
    pub(crate) fn new(provider: Arc<dyn WrapKey>) -> Self {
        Self { provider, known: Mutex::default() }
    }

    async fn make(&self, context: &EncryptionContext) -> Result<GeneratedKey, KeyError> {
        let group = context.get(GROUP_PAIR).unwrap_or_default();
        let mut known = self.known.lock().await;
        let wrapped = match known.get(group) {
            Some(wrapped) => wrapped.clone(),
            None => {
                let wrapped = self.provider.generate(context).await?.wrapped;
                known.insert(group.to_owned(), wrapped.clone());
                wrapped
            }
        };
        Ok(GeneratedKey { data_key: DataKey::from_slice(&[0; 32])?, wrapped })
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIn").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl WrapKey for StandIn {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.make(context))
    }
}

/// What an update of an item that is not sealed would cost.
pub(crate) fn rehearsed(item: &Item, update: &Update) -> Rehearsed {
    let bytes = item_bytes(&update.applied(item)) as u64;
    let kms_calls = kms_calls_of(update).map(|calls| vec![KmsCall::Own; calls]);
    Rehearsed { standing: Standing::Due, bytes: Some(bytes), kms_calls }
}

/// What it would cost to seal a record again. It is not opened, and stays about as long as it is.
pub(crate) async fn rehearsed_resealing(
    kind: &Kind,
    item: &Item,
    stand_in: &StandIn,
) -> Result<Rehearsed, ErrorKind> {
    let context = bare_context(kind, item)?.encryption_context();
    let made = stand_in.make(&context).await.map_err(SealError::Key)?;
    let new = EncryptedDek::new(context.form(), made.wrapped).ok();
    let data_keys = 1 + groups_out_of_place(kind, item);
    let mut unwraps = 0;
    for key in stored_keys(kind, item) {
        unwraps += usize::from(asks_kms(&key?.dek));
    }
    let wraps = new.as_ref().and_then(kms_calls).map(|calls| calls * data_keys);
    let kms_calls = wraps.map(|wraps| vec![KmsCall::Own; wraps + unwraps]);
    Ok(Rehearsed { standing: Standing::Due, bytes: None, kms_calls })
}

/// The calls to KMS that the new data keys of an update took; `None` if their headers do not tell.
pub(crate) fn kms_calls_of(update: &Update) -> Option<usize> {
    let is_dek = |name: &str| is_reserved(name) && name.starts_with(ENCRYPTED_DEK);
    let deks = update.set.iter().filter(|(name, _)| is_dek(name));
    deks.map(|(_, value)| match value {
        AttributeValue::B(dek) => {
            EncryptedDek::parse(dek.as_ref()).ok().as_ref().and_then(kms_calls)
        }
        _ => None,
    })
    .sum()
}

//! A provider whose data keys are known, but not in its memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use envelope_core::{
    DataKey, EncryptionContext, GeneratedKey, KeyFuture, KeyKind, UnwrapKey, WrapKey, WrappedKey,
};
use envelope_memory_tests::{Masked, Seed};

const KEYS: Seed = Seed(0x1f83_d9ab_fb41_bd6b);

/// Returns the keys of a seed, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Seeded(AtomicUsize);

const KIND: KeyKind = KeyKind::private(200).unwrap();

/// The key number `number`.
pub(crate) fn data_key(number: usize) -> DataKey {
    DataKey::from_slice(&KEYS.key(number)).unwrap()
}

/// The key number `number`, to search for.
pub(crate) fn masked(number: usize) -> Masked {
    Masked::new(32, |at| KEYS.byte(number, at))
}

impl WrapKey for Seeded {
    fn generate<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let wrapped = WrappedKey::new(KIND, [], number.to_be_bytes()).unwrap();
            Ok(GeneratedKey { data_key: data_key(number), wrapped: vec![wrapped] })
        })
    }
}

impl UnwrapKey for Seeded {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            Ok(data_key(usize::from_be_bytes(wrapped[0].bytes().try_into().unwrap())))
        })
    }
}

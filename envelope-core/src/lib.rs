//! The envelope record format and its keys.
//!
//! A data key seals one record; a key encryption key, in AWS KMS or elsewhere, wraps the data key; both stand side by
//! side. What is sealed is bound to where it stands: to the logical table, the primary key, the attributes that stay
//! readable but must not change, and any further pairs. `docs/FORMAT.md` is the normative description.
//!
//! This crate knows neither AWS nor a runtime nor DynamoDB's client; `envelope-dynamo` does, and is what a service
//! depends on. Used alone, this crate seals bytes: a message on a queue, an object in a bucket.
//!
//! ```
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let mut future = std::pin::pin!(future);
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     loop {
//! #         if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
//! #             return output;
//! #         }
//! #     }
//! # }
//! use envelope_core::{Context, LocalKeyProvider, OpenError, RootKey, open, seal};
//!
//! # block_on(async {
//! let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let context = Context::new("orders-queue").pair("order", "o_1")?;
//! let sealed = seal(b"4111 1111 1111 1111", &context, &provider).await?;
//! assert_eq!(open(&sealed, &context, &provider).await?.expose(), b"4111 1111 1111 1111");
//!
//! // Moved to another order, it does not open.
//! let other = Context::new("orders-queue").pair("order", "o_2")?;
//! assert!(matches!(open(&sealed, &other, &provider).await, Err(OpenError::Key(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
#![forbid(unsafe_code)]

mod aead;
pub mod cbor;
mod context;
mod dek;
mod error;
mod escaped;
mod form;
mod kdf;
mod number;
mod payload;
mod provider;
mod random;
mod record;
mod rewrap;
mod rsa_oaep;
mod sealed;
mod secret;
mod value;
mod value_error;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(test)]
mod two_keys;
#[cfg(test)]
mod vectors;

pub use context::{Content, Context, EncryptionContext, PARTITION_KEY_PAIR, SORT_KEY_PAIR, TABLE_PAIR};
pub use dek::{
    EncryptedDek, KeyIdHint, KeyKind, MAX_KEY_ID_BYTES, MAX_WRAPPED_KEY_BYTES, MAX_WRAPPED_KEYS, WrappedKey,
};
pub use error::{ContextError, Fault, FormatError, KeyError, KeyErrorKind, OpenError, RandomError, SealError};
pub use escaped::{Escaped, EscapedNames};
pub use form::ContextForm;
pub use number::{Number, NumberError};
pub use payload::{COMMITMENT_BYTES, OVERHEAD_BYTES, PayloadBuilder, SALT_BYTES, UntrustedPayload};
pub use provider::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, CachedKeyProvider, Clock, GeneratedKey,
    HierarchicalKeyProvider, KeyCounters, KeyEvent, KeyFuture, KeyObserver, KeyProvider, LocalKeyProvider,
    MultiKeyProvider, MultiKeyWrapper, ObservedKeyProvider, ProvisionedKeyWrapper, Recipient, RootKey, RootKeyError,
    SharedKeyProvider, SharingLimits, SystemClock, UnwrapKey, WrapKey,
};
#[cfg(feature = "rsa")]
pub use provider::{LocalRsaKey, RsaRecipient};
pub use record::{FieldValue, FieldWriter, read_fields};
pub use rewrap::{RewrapError, rewrap};
pub use rsa_oaep::RsaPublicKey;
pub use sealed::{Sealed, open, open_payload, seal, seal_payload};
pub use secret::{DataKey, Plaintext};
pub use value::Value;
pub use value_error::ValueError;

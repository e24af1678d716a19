//! The envelope record format and its keys.
//!
//! A data key seals one record; a key encryption key, in AWS KMS or elsewhere, wraps the data key;
//! both stand side by side. What is sealed is bound to where it stands: to the logical table, the
//! primary key, the attributes that stay readable but must not change, and any further pairs.
//! `docs/FORMAT.md` is the normative description.
//!
//! This crate knows neither AWS nor a runtime nor DynamoDB's client; `envelope-dynamo` does, and is
//! what a service depends on. Used alone, this crate seals bytes: a message on a queue, an object
//! in a bucket.
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
//!
//! # Which AES-GCM
//!
//! | feature | AES-256-GCM is computed by | needs |
//! |---|---|---|
//! | `aes-gcm`, the default | the crate `aes-gcm`, pure Rust | nothing |
//! | `aws-lc-rs` | AWS-LC, several times as fast | a C compiler |
//! | `fips` | AWS-LC's FIPS module, and HKDF too | CMake, Go and a C compiler |
//!
//! All make and read the same bytes. If several are on, the last in the table wins; turn the
//! default off to leave its ten crates out. One of them must be on.
//!
//! # Security
//!
//! Data keys, derived keys and plaintext are wiped when they are dropped, with each of them, and so
//! is the stack that they were used on. `aes-gcm` wipes its round keys; AWS-LC keeps its expanded
//! key on the heap of its own, and wipes it before it is freed.
//!
//! `fips` computes AES-256-GCM and HKDF-SHA256 in a module that NIST has validated or is validating
//! (which version, `aws-lc-fips-sys` says). It does not make an application, or this crate,
//! validated. Sealing names the nonce itself (it is constant, under a key derived for one message:
//! FORMAT 4.1), and aws-lc-rs counts AES-GCM as an approved service only where the module chooses
//! the nonce; so sealing runs validated code, but **not as an approved service**. SHA-256 of
//! contexts, RSA (feature `rsa`) and random bytes (the operating system's) do not come from the
//! module. If you must show approved services alone, this is not enough; ask whoever assesses you
//! before you rely on it.
#![forbid(unsafe_code)]

mod aead;
pub mod cbor;
mod context;
mod dek;
mod error;
mod escaped;
mod context_form;
mod fragile;
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
mod stack;
mod stream;
mod value;
mod serde_error;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(test)]
mod key_commitment;
#[cfg(test)]
mod vectors;

pub use context::{
    Content, Context, DOMAIN_PAIR, EncryptionContext, GROUP_PAIR, PARTITION_KEY_PAIR,
    SORT_KEY_PAIR, TABLE_PAIR,
};
pub use dek::{
    EncryptedDek, KeyKind, KmsKeyHint, MAX_KEY_ID_BYTES, MAX_WRAPPED_KEY_BYTES, MAX_WRAPPED_KEYS,
    WrappedKey,
};
pub use error::{
    ContextError, Fault, FormatError, KeyError, KeyErrorKind, OpenError, RandomError, SealError,
};
pub use escaped::{Escaped, EscapedNames};
pub use context_form::ContextForm;
pub use fragile::{FragileValues, check_struct_name};
pub use number::{Number, NumberError};
pub use payload::{COMMITMENT_BYTES, OVERHEAD_BYTES, PayloadBuilder, SALT_BYTES, UntrustedPayload};
pub use provider::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, CachedKeyProvider, Clock,
    GeneratedKey, GroupKeyProvider, HierarchicalKeyProvider, KeyCounters, KeyEvent, KeyFuture,
    KeyObserver, KeyProvider, LocalKeyProvider, MultiKeyProvider, MultiKeyWrapper,
    ObservedKeyProvider, ProvisionedKeyWrapper, Recipient, RootKey, RootKeyError,
    SharedKeyProvider, SharingLimits, SystemClock, UnwrapKey, WrapKey,
};
#[cfg(feature = "rsa")]
pub use provider::{LocalRsaKey, RsaRecipient};
pub use record::{FieldValue, FieldWriter, read_fields};
pub use rewrap::{RewrapError, rewrap};
pub use rsa_oaep::RsaPublicKey;
pub use sealed::{Sealed, open, open_payload, seal, seal_payload};
pub use secret::{DataKey, Plaintext};
pub use stream::{
    ChunkSize, OpenReader, OpenStreamError, OpenStreamErrorKind, SealReader, SealStreamError,
    SealWriter, StreamOpener, StreamSealer, UntrustedStreamHeader, open_to_file,
};
#[cfg(feature = "tokio")]
pub use stream::{open_stream, seal_stream};
pub use value::Value;
pub use serde_error::{ValueError, WITHHELD, WITHHELD_VALUE};

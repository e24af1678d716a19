//! The Envelope format: data sealed under a data key, which is wrapped by a key encryption key.
//!
//! A data key seals one record. A key encryption key, in AWS KMS or elsewhere, wraps the data key.
//! The sealed record and the wrapped key are stored together. Sealed data is bound to a
//! [`Context`]: the logical table, the primary key, the attributes that stay readable but must not
//! change, and any further pairs. [FORMAT] is the normative description, the [threat model] says
//! what is protected.
//!
//! This crate is for those who build on the format: to seal a message in a queue or an object in a
//! bucket, to store records elsewhere than in DynamoDB, or to wrap data keys in another way. It
//! depends neither on AWS nor on an asynchronous runtime. A service that uses DynamoDB depends on
//! [envelope-dynamo] instead.
//!
//! [FORMAT]: https://github.com/OWNER/envelope/blob/main/docs/FORMAT.md
//! [threat model]: https://github.com/OWNER/envelope/blob/main/docs/THREAT_MODEL.md
//! [envelope-dynamo]: https://docs.rs/envelope-dynamo
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
//! # Where things are
//!
//! | module | contains |
//! |---|---|
//! | the root | [`seal`] and [`open`] for bytes in memory, [`rewrap()`] for a change of keys |
//! | [`context`] | what sealed data is bound to |
//! | [`provider`] | where data keys come from: the traits, and the providers that need no AWS |
//! | [`key`] | data keys, and their wrapped form as it is stored |
//! | [`stream`] | objects of any size, in bounded memory |
//! | [`payload`] | one sealed message, under a data key that you have |
//! | [`record`] | the encrypted fields of a record, as a message |
//! | [`cbor`] | the encoding of those fields |
//! | [`search`] | tags by which a record is found by an encrypted field |
//! | [`error`] | why something failed, and who must act |
//!
//! The root also has every name of the modules, except those of [`cbor`] and [`search`].
//!
//! `envelope-dynamo` re-exports most of these items. Their examples use its paths: `keys` for
//! [`provider`] and [`key`], `message` for [`context`], [`seal`] and [`open`].
//!
//! # Which AES-GCM
//!
//! | feature | AES-256-GCM is computed by | needs |
//! |---|---|---|
//! | `aes-gcm`, the default | the crate `aes-gcm`, pure Rust | nothing |
//! | `aws-lc-rs` | AWS-LC, several times as fast | a C compiler |
//! | `fips` | the FIPS module of AWS-LC, which also computes HKDF | CMake, Go and a C compiler |
//!
//! All of them write and read the same bytes. If several features are on, the last one in the table
//! is used. Turn the default feature off to leave its ten crates out. At least one must be on.
//!
//! # Security
//!
//! Data keys, derived keys and plaintext are wiped when they are dropped, with every feature of the
//! table. The stack that they were used on is wiped too. `aes-gcm` wipes its round keys. AWS-LC
//! keeps its expanded key on its own heap and wipes it before it frees it.
//!
//! `fips` computes AES-256-GCM and HKDF-SHA256 in a module that NIST has validated or is validating
//! (`aws-lc-fips-sys` says which version). It does not make an application, or this crate,
//! validated. Sealing passes the nonce to the module: it is constant, under a key that is derived
//! for one message (FORMAT 4.1). aws-lc-rs counts AES-GCM as an approved service only if the module
//! chooses the nonce. So sealing runs validated code, but **not as an approved service**. SHA-256
//! of contexts, RSA (feature `rsa`) and random bytes (from the operating system) are not computed
//! by the module. If you must use approved services only, this is not enough. Ask your assessor
//! before you rely on it.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod aead;
pub mod cbor;
pub mod context;
mod context_form;
mod dek;
pub mod error;
mod escaped;
mod fragile;
mod kdf;
pub mod key;
mod mac;
mod number;
pub mod payload;
pub mod provider;
mod random;
pub mod record;
mod rewrap;
mod rsa_oaep;
mod sealed;
pub mod search;
mod secret;
mod serde_error;
mod stack;
pub mod stream;
mod value;

/// The key providers, at the path that `envelope-dynamo` gives them: for examples that appear in
/// both crates.
#[doc(hidden)]
pub mod keys {
    pub use crate::key::*;
    pub use crate::provider::*;
    pub use crate::rewrap::rewrap;
}

/// Contexts and messages, at the path that `envelope-dynamo` gives them.
#[doc(hidden)]
pub mod message {
    pub use crate::context::*;
    pub use crate::sealed::{Sealed, open, seal};
    pub use crate::secret::Plaintext;
}

/// Compiles the code of the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(test)]
mod key_commitment;
#[cfg(test)]
mod vectors;

pub use context::{
    Content, Context, ContextForm, DOMAIN_PAIR, EncryptionContext, GROUP_PAIR, Number, NumberError,
    PARTITION_KEY_PAIR, SORT_KEY_PAIR, TABLE_PAIR, Value,
};
pub use error::{
    ContextError, Escaped, EscapedNames, Fault, FormatError, KeyError, KeyErrorKind, OpenError,
    RandomError, SealError,
};
pub use key::{
    DataKey, EncryptedDek, KeyKind, KmsKeyHint, MAX_KEY_ID_BYTES, MAX_WRAPPED_KEY_BYTES,
    MAX_WRAPPED_KEYS, RsaPublicKey, WrappedKey,
};
pub use payload::{
    BoundHeader, COMMITMENT_BYTES, OVERHEAD_BYTES, PayloadBuilder, SALT_BYTES, UntrustedHeader,
    UntrustedPayload,
};
pub use provider::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, CachedKeyProvider, Clock,
    GeneratedKey, GroupKeyProvider, HierarchicalKeyProvider, KeyCounters, KeyEvent, KeyFuture,
    KeyObserver, KeyProvider, LocalKeyProvider, MultiKeyProvider, MultiKeyWrapper,
    ObservedKeyProvider, ProvisionedKeyWrapper, Recipient, RootKey, RootKeyError,
    SharedKeyProvider, SharingLimits, SystemClock, UnwrapKey, WrapKey,
};
#[cfg(feature = "rsa")]
pub use provider::{LocalRsaKey, RsaRecipient};
pub use record::{
    FieldValue, FieldWriter, FragileValues, ValueError, check_struct_name, read_fields,
};
pub use rewrap::{RewrapError, rewrap};
pub use sealed::{Sealed, open, open_payload, seal, seal_payload, unwrap_data_key};
pub use secret::Plaintext;
#[doc(hidden)]
pub use serde_error::{WITHHELD, WITHHELD_VALUE};
pub use stream::{
    ChunkSize, OpenReader, OpenStreamError, OpenStreamErrorKind, SealReader, SealStreamError,
    SealWriter, StreamOpener, StreamSealer, UntrustedStreamHeader, open_to_file,
};
#[cfg(feature = "tokio")]
pub use stream::{open_stream, seal_stream};

/// What `envelope-dynamo` uses of this crate, and nobody else should: it may change at any time.
#[doc(hidden)]
pub mod __private {
    pub use crate::provider::cache::Cache;
    pub use crate::provider::events::{NoObserver, report};
    pub use crate::provider::later_clock::LaterClock;
}

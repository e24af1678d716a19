//! Where data keys come from: AWS KMS, branch keys, caches, and keys of your own.
//!
//! A key provider makes data keys and wraps them ([`WrapKey`]), and unwraps them ([`UnwrapKey`]).
//! Data keys seal records. The wrapped data key is stored with its record.
//!
//! | to | use |
//! |---|---|
//! | have AWS KMS wrap the data keys | [`KmsKeyProvider`] |
//! | write in a service that must not read | [`KmsKeyWrapper`], with [`Table::write_only`](crate::Table::write_only) |
//! | test without KMS | [`LocalKeyProvider`], with a [`RootKey`] |
//! | read the same records again and again with one call to KMS | [`CachedKeyProvider`] |
//! | write many records with one data key | [`SharedKeyProvider`] |
//! | write and read thousands of records per call to KMS, and erase all records of a person | [`HierarchicalKeyProvider`], with a [`BranchKeyTable`] |
//! | let several regions, accounts or partners read | [`MultiKeyProvider`], or [`MultiKeyWrapper`] to write only |
//! | find records by an encrypted field | [`SearchKeys`], from a [`SearchKeyTable`] |
//! | let some readers see only some fields | [`GroupKeyProvider`], and [`Access`](crate::Access) fields |
//! | read what partners without AWS have written | [`KmsRsaKey`]; the partner uses `RsaRecipient` (feature `rsa`) |
//! | give a device data keys that were made beforehand | [`KmsKeyProvider::generate_without_plaintext`], [`ProvisionedKeyWrapper`] |
//! | move records to another key | [`Table::rewrap`](crate::Table::rewrap), or [`rewrap()`] for bytes of your own |
//! | encrypt a small secret with KMS, without a data key | [`KmsKeyProvider::encrypt_direct`] |
//! | count and watch the calls to a provider | [`ObservedKeyProvider`], [`KeyCounters`] |
//! | wrap data keys in another way | [`WrapKey`], [`UnwrapKey`], [`Recipient`] |
//!
//! Providers are combined by putting one into the other:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//! use envelope_dynamo::keys::{
//!     CacheLimits, CachedKeyProvider, KeyCounters, KeyEvent, LocalKeyProvider, RootKey,
//! };
//! use envelope_dynamo::{Envelope, from_item, to_item};
//!
//! #[derive(Envelope)]
//! #[envelope(table = "users")]
//! struct User {
//!     #[partition_key]
//!     user_id: String,
//!     #[encrypted]
//!     email: String,
//! }
//!
//! let kms = LocalKeyProvider::new(RootKey::generate()?); // in production a `KmsKeyProvider`
//! let counters = Arc::new(KeyCounters::default());
//! let provider = CachedKeyProvider::new(kms, CacheLimits::new(Duration::from_secs(300)))
//!     .observed_by(counters.clone());
//!
//! let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
//! let item = to_item(&user, &provider).await?;
//! for _ in 0..3 {
//!     assert_eq!(from_item::<User>(item.clone(), &provider).await?.email, "zoe@example.com");
//! }
//! assert_eq!(counters.count(KeyEvent::Unwrapped), 1);
//! assert_eq!(counters.count(KeyEvent::CacheHit), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Security
//!
//! Whoever can call the provider for a record's encryption context can read the record. A provider
//! with a cache reads on, for as long as its limits allow, after a permission was revoked.

pub(crate) mod branch_keys;
pub(crate) mod key_table;
pub(crate) mod kms;
pub(crate) mod search_keys;

#[doc(inline)]
pub use envelope_core::search::{Generation, SearchKey};
#[doc(inline)]
pub use envelope_core::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, CachedKeyProvider, Clock,
    DataKey, EncryptedDek, GeneratedKey, GroupKeyProvider, HierarchicalKeyProvider, KeyCounters,
    KeyEvent, KeyFuture, KeyKind, KeyObserver, KeyProvider, KmsKeyHint, LocalKeyProvider,
    MultiKeyProvider, MultiKeyWrapper, ObservedKeyProvider, ProvisionedKeyWrapper, Recipient,
    RootKey, RsaPublicKey, SharedKeyProvider, SharingLimits, SystemClock, UnwrapKey, WrapKey,
    WrappedKey, rewrap,
};
#[cfg(feature = "rsa")]
#[doc(inline)]
pub use envelope_core::{LocalRsaKey, RsaRecipient};

pub use crate::keys::branch_keys::{
    Branch, BranchKeyError, BranchKeyTable, BranchKeyVersion, Branches,
};
pub use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper, KmsRsaKey};
pub use crate::keys::search_keys::{
    LocalSearchKeys, SearchBranch, SearchBranches, SearchKeyError, SearchKeyTable,
    SearchKeyVersion, SearchKeys,
};

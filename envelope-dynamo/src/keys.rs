//! Where data keys come from: AWS KMS, and the table of branch keys.

pub(crate) mod branch_keys;
pub(crate) mod kms;

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

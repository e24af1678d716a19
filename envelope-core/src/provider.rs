//! Where data keys come from: the only joint of the library, and the only asynchronous one.
//!
//! Wrapping and unwrapping are separate capabilities: a service that holds only a [`WrapKey`] has
//! no way to read.

mod cache;
mod cached;
mod clock;
mod events;
mod groups;
mod hierarchical;
mod local;
mod multi;
mod observed;
mod provisioned;
#[cfg(feature = "rsa")]
mod rsa;
mod shared;
mod shared_call;

#[cfg(feature = "rsa")]
pub use self::rsa::{LocalRsaKey, RsaRecipient};
pub use cache::CacheLimits;
pub use cached::CachedKeyProvider;
pub use clock::{Clock, SystemClock};
pub use events::{KeyCounters, KeyEvent, KeyObserver};
pub use groups::GroupKeyProvider;
pub use hierarchical::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, HierarchicalKeyProvider,
};
pub use local::{LocalKeyProvider, RootKey, RootKeyError};
pub use multi::{MultiKeyProvider, MultiKeyWrapper};
pub use observed::ObservedKeyProvider;
pub use provisioned::ProvisionedKeyWrapper;
pub use shared::{SharedKeyProvider, SharingLimits};

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use crate::context::EncryptionContext;
use crate::dek::WrappedKey;
use crate::error::KeyError;
use crate::secret::DataKey;

/// What a provider's methods return: a boxed future that any runtime can poll.
pub type KeyFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeyError>> + Send + 'a>>;

/// Makes data keys and wraps them: what a service needs that writes.
pub trait WrapKey: Debug + Send + Sync {
    /// Makes a data key, wrapped for every party that may read, each wrapping bound to `context`.
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey>;
}

/// Unwraps data keys: what a service needs that reads.
pub trait UnwrapKey: Debug + Send + Sync {
    /// Unwraps one of `wrapped`, which come from storage and are not to be trusted, bound to
    /// `context`.
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey>;
}

/// Wraps a data key that exists already: what makes somebody a further party to a record.
///
/// It is apart from [`WrapKey`], since some parties only ever make data keys of their own: a branch
/// key derives them.
pub trait Recipient: Debug + Send + Sync {
    /// Wraps `data_key` for this party, bound to `context`; at least one wrapping.
    fn wrap_data_key<'a>(
        &'a self,
        data_key: &'a DataKey,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>>;
}

/// Both capabilities; implemented by whatever has both.
pub trait KeyProvider: WrapKey + UnwrapKey {}

impl<P: WrapKey + UnwrapKey + ?Sized> KeyProvider for P {}

/// A new data key and its wrappings, at least one.
#[derive(Debug)]
pub struct GeneratedKey {
    /// Seals records; not stored.
    pub data_key: DataKey,
    /// Stored beside what the data key seals.
    pub wrapped: Vec<WrappedKey>,
}

macro_rules! delegate {
    ($($pointer:ty),*) => {
        $(
            impl<P: WrapKey + ?Sized> WrapKey for $pointer {
                fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
                    (**self).generate(context)
                }
            }

            impl<P: Recipient + ?Sized> Recipient for $pointer {
                fn wrap_data_key<'a>(
                    &'a self,
                    data_key: &'a DataKey,
                    context: &'a EncryptionContext,
                ) -> KeyFuture<'a, Vec<WrappedKey>> {
                    (**self).wrap_data_key(data_key, context)
                }
            }

            impl<P: UnwrapKey + ?Sized> UnwrapKey for $pointer {
                fn unwrap_key<'a>(
                    &'a self,
                    wrapped: &'a [WrappedKey],
                    context: &'a EncryptionContext,
                ) -> KeyFuture<'a, DataKey> {
                    (**self).unwrap_key(wrapped, context)
                }
            }
        )*
    };
}

delegate!(&P, Box<P>, Arc<P>);

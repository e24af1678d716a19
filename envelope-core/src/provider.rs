//! Where data keys come from.
//!
//! A key provider makes data keys and wraps them ([`WrapKey`]), and unwraps them ([`UnwrapKey`]).
//! The two are separate traits: a service that has only a [`WrapKey`] cannot read. These traits are
//! the only part of this crate that can be extended, and the only part that waits for the network.
//!
//! | provider | data keys |
//! |---|---|
//! | `KmsKeyProvider`, in `envelope-dynamo` | are made and wrapped by AWS KMS |
//! | [`LocalKeyProvider`] | are wrapped by a root key in this process: for tests and development |
//! | [`CachedKeyProvider`] | are kept for a while after they were unwrapped |
//! | [`SharedKeyProvider`] | seal many records each |
//! | [`HierarchicalKeyProvider`] | are derived from branch keys, which are kept for a while |
//! | [`MultiKeyProvider`] | are wrapped for several parties |
//! | [`GroupKeyProvider`] | come from another provider for each group of fields |
//! | [`ProvisionedKeyWrapper`] | were wrapped beforehand, by somebody else |
//! | `RsaRecipient`, `LocalRsaKey`, with the feature `rsa` | are wrapped with an RSA public key |
//! | [`ObservedKeyProvider`] | come from the provider inside; its calls are reported |
//!
//! Providers are combined by putting one into the other:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//! use envelope_core::provider::{
//!     CacheLimits, CachedKeyProvider, KeyCounters, KeyEvent, LocalKeyProvider, RootKey,
//! };
//! use envelope_core::{Context, open, seal};
//!
//! let counters = Arc::new(KeyCounters::default());
//! let kms = LocalKeyProvider::new(RootKey::generate()?); // in production a `KmsKeyProvider`
//! let provider = CachedKeyProvider::new(kms, CacheLimits::new(Duration::from_secs(300)))
//!     .observed_by(counters.clone());
//!
//! let context = Context::new("letters");
//! let sealed = seal(b"dear", &context, &provider).await?;
//! for _ in 0..3 {
//!     assert_eq!(open(&sealed, &context, &provider).await?.expose(), b"dear");
//! }
//! assert_eq!(counters.count(KeyEvent::Unwrapped), 1);
//! assert_eq!(counters.count(KeyEvent::CacheHit), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

pub(crate) mod cache;
mod cached;
mod clock;
pub(crate) mod events;
mod groups;
mod hierarchical;
pub(crate) mod later_clock;
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

/// The return type of a provider's methods: a boxed future that any runtime can poll.
///
/// `Box::pin(async move { .. })` makes one, as in the example of [`WrapKey`].
pub type KeyFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeyError>> + Send + 'a>>;

/// Makes data keys and wraps them. A service that writes needs this.
///
/// Implement it for a key service of your own:
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{KeyError, KeyErrorKind};
/// use envelope_dynamo::keys::{
///     DataKey, EncryptedDek, GeneratedKey, KeyFuture, KeyKind, WrapKey, WrappedKey,
/// };
/// use envelope_dynamo::message::{Context, EncryptionContext, seal};
///
/// #[derive(Debug)]
/// struct MyKeyService;
///
/// impl WrapKey for MyKeyService {
///     fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
///         Box::pin(async move {
///             let data_key = DataKey::generate()?;
///             # let encrypt = |_: &DataKey, _: &EncryptionContext| vec![7; 48];
///             let ciphertext = encrypt(&data_key, context); // by the key service
///             let kind = KeyKind::private(200).expect("128 to 255 are private");
///             let wrapped = WrappedKey::new(kind, *b"key-1", ciphertext)
///                 .map_err(|error| KeyError::new(KeyErrorKind::Other, error.to_string()))?;
///             Ok(GeneratedKey { data_key, wrapped: vec![wrapped] })
///         })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sealed = seal(b"dear", &Context::new("letters"), &MyKeyService).await?;
/// assert_eq!(EncryptedDek::parse(&sealed.encrypted_dek)?.keys()[0].id(), b"key-1");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait WrapKey: Debug + Send + Sync {
    /// Makes a data key, and wraps it for every party that may read. Every wrapping is bound to
    /// `context`.
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey>;

    /// Makes a data key, and returns only its wrapped keys, which are bound to `context`: for keys
    /// that this process stores for others and must not see.
    ///
    /// # Security
    ///
    /// This default calls [`generate`](Self::generate) and wipes the data key, which was in the
    /// memory of this process for a moment. A provider whose key service can keep the data key to
    /// itself overrides this method, as `KmsKeyProvider` of `envelope-dynamo` does.
    fn generate_wrapped<'a>(
        &'a self,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async move { Ok(self.generate(context).await?.wrapped) })
    }
}

/// Unwraps data keys. A service that reads needs this.
///
/// Implement it for a key service of your own, which unwraps only under the keys that you
/// configured:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{KeyError, KeyErrorKind};
/// use envelope_dynamo::keys::{DataKey, KeyFuture, KeyKind, UnwrapKey, WrappedKey};
/// use envelope_dynamo::message::{Context, EncryptionContext};
/// use zeroize::Zeroizing;
///
/// #[derive(Debug)]
/// struct MyKeyService;
///
/// impl UnwrapKey for MyKeyService {
///     fn unwrap_key<'a>(
///         &'a self,
///         wrapped: &'a [WrappedKey],
///         context: &'a EncryptionContext,
///     ) -> KeyFuture<'a, DataKey> {
///         Box::pin(async move {
///             let is_own = |key: &WrappedKey| key.kind().to_byte() == 200 && key.id() == b"key-1";
///             let Some(own) = wrapped.iter().find(|key| is_own(key)) else {
///                 return Err(KeyError::new(KeyErrorKind::WrongKey, "not wrapped by key-1"));
///             };
///             # let decrypt = |_: &[u8], _: &EncryptionContext| [9; 32];
///             // By the key service. It fails for another context.
///             let plaintext = Zeroizing::new(decrypt(own.bytes(), context));
///             DataKey::from_slice(&*plaintext)
///         })
///     }
/// }
///
/// let kind = KeyKind::private(200).expect("128 to 255 are private");
/// let ours = WrappedKey::new(kind, *b"key-1", [7; 48])?;
/// let theirs = WrappedKey::new(kind, *b"key-2", [7; 48])?;
/// let context = Context::new("letters").encryption_context();
/// let refused = MyKeyService.unwrap_key(&[theirs.clone()], &context).await.unwrap_err();
/// assert_eq!(refused.kind(), KeyErrorKind::WrongKey);
/// MyKeyService.unwrap_key(&[theirs, ours], &context).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait UnwrapKey: Debug + Send + Sync {
    /// Unwraps one of the `wrapped` keys, which must be bound to `context`.
    ///
    /// The wrapped keys come from storage and are not authenticated.
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey>;
}

/// Wraps a data key that exists already, for a further party to a record.
///
/// It is separate from [`WrapKey`], because some providers can only wrap their own data keys: those
/// of a branch key are derived.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{KeyError, KeyErrorKind};
/// use envelope_dynamo::keys::{
///     DataKey, EncryptedDek, KeyFuture, KeyKind, LocalKeyProvider, MultiKeyProvider, Recipient,
///     RootKey, WrappedKey,
/// };
/// use envelope_dynamo::message::{Context, EncryptionContext, seal};
///
/// /// May read every record, with a key of its own.
/// #[derive(Debug)]
/// struct Auditor;
///
/// impl Recipient for Auditor {
///     fn wrap_data_key<'a>(
///         &'a self,
///         data_key: &'a DataKey,
///         context: &'a EncryptionContext,
///     ) -> KeyFuture<'a, Vec<WrappedKey>> {
///         Box::pin(async move {
///             # let encrypt = |_: &DataKey, _: &EncryptionContext| vec![7; 48];
///             let ciphertext = encrypt(data_key, context); // under the auditor's key
///             let kind = KeyKind::private(200).expect("128 to 255 are private");
///             WrappedKey::new(kind, *b"auditor", ciphertext)
///                 .map(|wrapped| vec![wrapped])
///                 .map_err(|error| KeyError::new(KeyErrorKind::Other, error.to_string()))
///         })
///     }
/// }
///
/// let ours = LocalKeyProvider::new(RootKey::generate()?); // in production a `KmsKeyProvider`
/// let provider = MultiKeyProvider::new(ours).also_wraps_for(Auditor);
/// let sealed = seal(b"dear", &Context::new("letters"), &provider).await?;
/// let dek = EncryptedDek::parse(&sealed.encrypted_dek)?;
/// assert!(dek.keys().iter().any(|key| key.id() == b"auditor"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait Recipient: Debug + Send + Sync {
    /// Wraps `data_key` for this party, bound to `context`. Returns at least one wrapped key.
    fn wrap_data_key<'a>(
        &'a self,
        data_key: &'a DataKey,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>>;
}

/// Wraps and unwraps. Implemented for every type that does both.
///
/// A program that chooses its provider when it starts keeps it behind this trait:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use std::sync::Arc;
/// use std::time::Duration;
/// use envelope_dynamo::keys::{
///     CacheLimits, CachedKeyProvider, KeyProvider, LocalKeyProvider, RootKey,
/// };
/// use envelope_dynamo::message::{Context, open, seal};
///
/// fn provider(root: RootKey, max_age: Option<Duration>) -> Arc<dyn KeyProvider> {
///     let provider = LocalKeyProvider::new(root);
///     match max_age {
///         None => Arc::new(provider),
///         Some(max_age) => Arc::new(CachedKeyProvider::new(provider, CacheLimits::new(max_age))),
///     }
/// }
///
/// let provider = provider(RootKey::generate()?, Some(Duration::from_secs(300)));
/// let context = Context::new("letters");
/// let sealed = seal(b"dear", &context, &provider).await?;
/// assert_eq!(open(&sealed, &context, &provider).await?.expose(), b"dear");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait KeyProvider: WrapKey + UnwrapKey {}

impl<P: WrapKey + UnwrapKey + ?Sized> KeyProvider for P {}

/// A new data key and its wrapped keys, at least one: the result of [`WrapKey::generate`].
///
/// The example of [`WrapKey`] makes one.
#[derive(Debug)]
pub struct GeneratedKey {
    /// Seals records. Never stored.
    pub data_key: DataKey,
    /// Stored with the sealed record.
    pub wrapped: Vec<WrappedKey>,
}

macro_rules! delegate {
    ($($pointer:ty),*) => {
        $(
            impl<P: WrapKey + ?Sized> WrapKey for $pointer {
                fn generate<'a>(
                    &'a self,
                    context: &'a EncryptionContext,
                ) -> KeyFuture<'a, GeneratedKey> {
                    (**self).generate(context)
                }

                fn generate_wrapped<'a>(
                    &'a self,
                    context: &'a EncryptionContext,
                ) -> KeyFuture<'a, Vec<WrappedKey>> {
                    (**self).generate_wrapped(context)
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

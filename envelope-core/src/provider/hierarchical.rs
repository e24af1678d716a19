//! Data keys that are derived from branch keys: one call to KMS for thousands of records (FORMAT
//! 6.3).

mod branch;

use std::fmt;
use std::sync::Arc;

use super::cache::{Cache, CacheLimits};
use super::clock::Clock;
use super::events::{KeyEvent, KeyObserver};
use super::{GeneratedKey, KeyFuture, UnwrapKey, WrapKey};
use crate::context::{EncryptionContext, PARTITION_KEY_PAIR, SORT_KEY_PAIR, TABLE_PAIR};
use crate::context_form::ContextForm;
use crate::dek::{KeyKind, WrappedKey};
use crate::error::{KeyError, KeyErrorKind};
use crate::escaped::Escaped;
use crate::payload::SALT_BYTES;
use crate::random;
use crate::secret::DataKey;

pub use branch::{BranchKey, BranchKeyStore, BranchName, BranchVersion};

/// Derives the data key of each record from a branch key, which is fetched once and kept for a
/// while.
///
/// KMS is called when a branch key is fetched: about once for each branch and maximal age
/// ([`CacheLimits::new`]), however many records are written and read. Each record still has its own
/// data key, bound to its encryption context. A record that was moved to another key, or to another
/// branch, does not open.
///
/// The encryption context of a record decides its branch, at writing and at reading. One branch per
/// table ([`per_table`](Self::per_table)) needs the fewest calls. One branch per tenant or data
/// subject ([`per_pair`](Self::per_pair)) can be deleted, and then none of its records opens.
///
/// - From nine tenths of the maximal age on, one caller fetches a key again while the others are
///   served from the cache.
/// - A refusal (access denied, branch deleted, ..) removes the key at once.
/// - Expired keys are served during an outage only if [`CacheLimits::while_unreachable`] allows it.
/// - The age of a key counts from the begin of the call that fetched it.
/// - If a caller's future is dropped, the other waiting callers continue. A caller whose future is
///   not polled delays nobody.
/// - Keys are wiped after they have left the cache and nobody uses them. Expired keys leave the
///   cache while it is used, or by [`remove_expired`](Self::remove_expired).
///
/// Writing looks up the active version of the branch, and then the key of that version. Reading
/// looks up the key. The versions and the keys each have a cache with these limits, and each cache
/// reports its hits and misses.
///
/// ```
/// # let mut example = std::pin::pin!(async {
/// use std::time::Duration;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{
///     BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, DataKey,
///     HierarchicalKeyProvider, KeyFuture,
/// };
/// use envelope_dynamo::message::{Context, open, seal};
///
/// /// One key for all branches. A real store has one for each branch, wrapped by KMS.
/// #[derive(Debug)]
/// struct OneKey(DataKey);
///
/// const VERSION: BranchVersion = BranchVersion::from_bytes([7; 16]);
///
/// impl BranchKeyStore for OneKey {
///     fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
///         Box::pin(async { Ok(VERSION) })
///     }
///
///     fn branch_key<'a>(
///         &'a self,
///         branch: &'a BranchName,
///         version: BranchVersion,
///     ) -> KeyFuture<'a, BranchKey> {
///         Box::pin(async move { Ok(BranchKey::new(branch.clone(), version, self.0.share())) })
///     }
/// }
///
/// let limits = CacheLimits::new(Duration::from_secs(300));
/// let store = OneKey(DataKey::generate()?);
/// let provider = HierarchicalKeyProvider::per_pair(store, "tenant", limits);
///
/// let first = Context::new("letters").pair("tenant", "t_1")?;
/// let sealed = seal(b"dear", &first, &provider).await?;
/// assert_eq!(open(&sealed, &first, &provider).await?.expose(), b"dear");
///
/// let second = Context::new("letters").pair("tenant", "t_2")?;
/// assert!(open(&sealed, &second, &provider).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # });
/// # let mut task = std::task::Context::from_waker(std::task::Waker::noop());
/// # let std::task::Poll::Ready(outcome) = example.as_mut().poll(&mut task) else {
/// #     panic!("nothing here waits")
/// # };
/// # outcome.unwrap();
/// ```
///
/// # Security
///
/// A service that can fetch a branch key for writing can also read with it. A service that must not
/// read needs another provider. A deleted branch, a disabled KMS key or a revoked permission is
/// noticed when the keys in the cache reach the maximal age. Salts are 192 random bits: after 2^80
/// records under one branch key, two data keys are equal with a probability below 2^-32, and even
/// those seal their payloads under different salts (FORMAT 4.1).
#[derive(Debug)]
pub struct HierarchicalKeyProvider<S> {
    store: Arc<S>,
    branch_of: BranchOf,
    active: Cache<BranchName, BranchVersion>,
    keys: Cache<(BranchName, BranchVersion), Arc<BranchKey>>,
}

/// How the encryption context of a record decides its branch.
enum BranchOf {
    Table,
    Pair(String),
    Function(Box<Choose>),
}

type Choose = dyn Fn(&EncryptionContext) -> Result<String, KeyError> + Send + Sync;

impl fmt::Debug for BranchOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("Table"),
            Self::Pair(name) => write!(f, "Pair({})", Escaped(name)),
            Self::Function(_) => f.write_str("Function(..)"),
        }
    }
}

impl BranchOf {
    fn branch(&self, context: &EncryptionContext) -> Result<BranchName, KeyError> {
        let pair = |name: &str| {
            context.get(name).map(str::to_owned).ok_or_else(|| no_pair(name, context.form()))
        };
        BranchName::new(match self {
            Self::Table => pair(TABLE_PAIR)?,
            Self::Pair(name) => pair(name)?,
            Self::Function(choose) => choose(context)?,
        })
    }
}

fn no_pair(name: &str, form: ContextForm) -> KeyError {
    let of_key = [PARTITION_KEY_PAIR, SORT_KEY_PAIR].contains(&name);
    let name = Escaped(name);
    let remedy = if of_key {
        format!(
            "only records with that key have it, and only in the context forms `raw` and `hashed` \
             (this record has the form `{form}`)"
        )
    } else {
        format!(
            "mark a field of that name with #[encryption_context], or the struct with \
             #[envelope(context({name} = \"..\"))]"
        )
    };
    let what = format!(
        "the pair `{name}` names the branch of a record, but the encryption context has no such \
         pair: {remedy}"
    );
    KeyError::new(KeyErrorKind::Configuration, what)
}

fn no_branch_key() -> KeyError {
    let what = "no wrapped key of the record belongs to a branch key: another kind of key provider \
                wrote the record";
    KeyError::new(KeyErrorKind::WrongKey, what)
}

impl<S: BranchKeyStore + 'static> HierarchicalKeyProvider<S> {
    /// One branch per logical table. Its name is the name of the table.
    pub fn per_table(store: S, limits: CacheLimits) -> Self {
        Self::with(store, BranchOf::Table, limits)
    }

    /// One branch per value of the pair `name` of the encryption context. That may be a tenant, for
    /// example, or with `partition_key` the partition key in the form of the context.
    ///
    /// Set [`CacheLimits::max_entries`] above the number of branches that are in use at a time. A
    /// branch that was evicted costs a call to KMS at its next use.
    pub fn per_pair(store: S, name: impl Into<String>, limits: CacheLimits) -> Self {
        Self::with(store, BranchOf::Pair(name.into()), limits)
    }

    /// `choose` returns the name of the branch for an encryption context.
    ///
    /// # Security
    ///
    /// `choose` must always return the same name for the same context. Otherwise records do not
    /// open.
    pub fn per(
        store: S,
        choose: impl Fn(&EncryptionContext) -> Result<String, KeyError> + Send + Sync + 'static,
        limits: CacheLimits,
    ) -> Self {
        Self::with(store, BranchOf::Function(Box::new(choose)), limits)
    }

    fn with(store: S, branch_of: BranchOf, limits: CacheLimits) -> Self {
        Self {
            store: Arc::new(store),
            branch_of,
            active: Cache::new(limits, KeyEvent::ActiveVersionFetched),
            keys: Cache::new(limits, KeyEvent::BranchKeyFetched),
        }
    }

    /// Reports events to `observer`.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn KeyObserver>) -> Self {
        self.active.set_observer(Arc::clone(&observer));
        self.keys.set_observer(observer);
        self
    }

    /// Measures ages by `clock`: for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.active.set_clock(Arc::clone(&clock));
        self.keys.set_clock(clock);
        self
    }

    /// The store of the branch keys.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Removes every branch key that will not be used again, because it is too old or was used too
    /// often.
    ///
    /// Using the provider also does this, ten times within the maximal age. In a process that may
    /// be idle, call it from a timer, so that no key stays in memory longer than it may be
    /// used.
    pub fn remove_expired(&self) {
        self.active.remove_expired();
        self.keys.remove_expired();
    }

    /// Removes every branch key. The next record of each branch fetches its key again.
    pub fn clear(&self) {
        self.active.clear();
        self.keys.clear();
    }

    /// The version of the branch of `context` under which a record would be written now.
    ///
    /// No branch key is fetched. The answer comes from the cache while it is young enough.
    ///
    /// # Errors
    ///
    /// If `context` names no branch, or the branch does not exist.
    pub async fn active_version_for(
        &self,
        context: &EncryptionContext,
    ) -> Result<BranchVersion, KeyError> {
        self.active_version(&self.branch_of.branch(context)?).await
    }

    async fn derive(&self, context: &EncryptionContext) -> Result<GeneratedKey, KeyError> {
        let branch = self.branch_of.branch(context)?;
        let version = self.active_version(&branch).await?;
        let key = self.branch_key(&(branch, version)).await?;
        let mut salt = [0; SALT_BYTES];
        random::fill(&mut salt)?;
        key.generate_with_salt(context, &salt)
    }

    async fn derive_for_reading(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let branch = self.branch_of.branch(context)?;
        let mut missing = None;
        for (version, wrapped) in wrapped.iter().filter_map(version_of) {
            match self.branch_key(&(branch.clone(), version)).await {
                // FORMAT 6.3-2: only the salt of a version that this branch has is checked.
                Ok(key) => return key.derive(&salt(wrapped)?, context),
                // It may belong to a store in another region. The next entry may belong to this
                // store.
                Err(error) if error.kind() == KeyErrorKind::KeyNotFound => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(missing.unwrap_or_else(no_branch_key))
    }

    async fn active_version(&self, branch: &BranchName) -> Result<BranchVersion, KeyError> {
        let call = || {
            let (store, branch) = (Arc::clone(&self.store), branch.clone());
            Box::pin(async move { store.active(&branch).await }) as KeyFuture<'static, _>
        };
        self.active.get(branch, call).await
    }

    async fn branch_key(
        &self,
        id: &(BranchName, BranchVersion),
    ) -> Result<Arc<BranchKey>, KeyError> {
        let call = || {
            let (store, (branch, version)) = (Arc::clone(&self.store), id.clone());
            Box::pin(async move {
                let key = store.branch_key(&branch, version).await?;
                if *key.branch() != branch || key.version() != version {
                    let what = format!(
                        "the key store returned another branch key than the requested version \
                         {version}"
                    );
                    return Err(KeyError::invalid_response(what));
                }
                Ok(Arc::new(key))
            }) as KeyFuture<'static, _>
        };
        self.keys.get(id, call).await
    }
}

/// The version that an entry names, and the entry, if it belongs to a branch key.
fn version_of(wrapped: &WrappedKey) -> Option<(BranchVersion, &WrappedKey)> {
    let version = (wrapped.kind() == KeyKind::BRANCH).then_some(wrapped.id())?.try_into().ok()?;
    Some((BranchVersion::from_bytes(version), wrapped))
}

/// The salt of an entry, which is stored in place of a wrapped key.
fn salt(wrapped: &WrappedKey) -> Result<[u8; SALT_BYTES], KeyError> {
    wrapped.bytes().try_into().map_err(|_| {
        let what = format!(
            "the entry of a branch key must be a salt of {SALT_BYTES} bytes, not {} bytes",
            wrapped.bytes().len()
        );
        KeyError::new(KeyErrorKind::ContextMismatch, what)
    })
}

impl<S: BranchKeyStore + 'static> WrapKey for HierarchicalKeyProvider<S> {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.derive(context))
    }
}

impl<S: BranchKeyStore + 'static> UnwrapKey for HierarchicalKeyProvider<S> {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(self.derive_for_reading(wrapped, context))
    }
}

//! Branch keys between KMS and the records: thousands of records for one call (FORMAT 6.3).

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

/// Derives each record's data key from a branch key, which is fetched once and kept for a while.
///
/// KMS is asked when a branch key is fetched: about once per branch and [`CacheLimits::new`]'s age,
/// however many records are written and read. Each record still has a data key of its own, bound to
/// its encryption context: moved to another place, or looked up in another branch, it does not
/// open.
///
/// Which branch a record belongs to follows from its encryption context alone, when it is written
/// and when it is read. One branch per table ([`per_table`](Self::per_table)) is the cheapest; one
/// per tenant or data subject ([`per_pair`](Self::per_pair)) can be deleted, and all records under
/// it with it.
///
/// - From nine tenths of its age on, one caller fetches a key again while the others are served.
/// - A refusal (access denied, branch deleted, ..) throws the key out at once.
/// - Expired keys serve through an outage only if [`CacheLimits::while_unreachable`] says so.
/// - A key is as old as the call that fetched it, counted from when the call began.
/// - A caller that goes away (a dropped future) leaves nothing behind; one that is not polled keeps
///   nobody waiting.
/// - Keys are wiped when they leave the cache and nobody holds them any more. Keys too old leave it
///   while it is used, or by [`remove_expired`](Self::remove_expired).
///
/// What is written looks up two things, the branch's active version and its key; what is read looks
/// up the key. Each has the limits of the cache for itself, and reports its hits and misses.
///
/// ```
/// # let mut example = std::pin::pin!(async {
/// use std::time::Duration;
/// use envelope_core::{
///     BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, Context, DataKey, HierarchicalKeyProvider,
///     KeyFuture, open, seal,
/// };
///
/// /// One key for every branch; a real store has one for each, wrapped by KMS.
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
///     fn branch_key<'a>(&'a self, branch: &'a BranchName, version: BranchVersion) -> KeyFuture<'a, BranchKey> {
///         Box::pin(async move { Ok(BranchKey::new(branch.clone(), version, self.0.share())) })
///     }
/// }
///
/// let limits = CacheLimits::new(Duration::from_secs(300));
/// let provider = HierarchicalKeyProvider::per_pair(OneKey(DataKey::generate()?), "tenant", limits);
///
/// let alice = Context::new("letters").pair("tenant", "t_1")?;
/// let sealed = seal(b"dear", &alice, &provider).await?;
/// assert_eq!(open(&sealed, &alice, &provider).await?.expose(), b"dear");
/// assert!(open(&sealed, &Context::new("letters").pair("tenant", "t_2")?, &provider).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # });
/// # let mut task = std::task::Context::from_waker(std::task::Waker::noop());
/// # let std::task::Poll::Ready(outcome) = example.as_mut().poll(&mut task) else { panic!("nothing here waits") };
/// # outcome.unwrap();
/// ```
///
/// # Security
///
/// Whoever can fetch a branch key for writing can read with it: a service that must not read needs
/// another provider. A deleted branch, a disabled KMS key or a revoked permission is noticed when
/// the keys in the cache are as old as the limits allow. Salts are 192 random bits: after 2^80
/// records under one branch key two data keys are the same with a probability below 2^-32, and even
/// those seal their payloads under salts of their own (FORMAT 4.1).
#[derive(Debug)]
pub struct HierarchicalKeyProvider<S> {
    store: Arc<S>,
    branch_of: BranchOf,
    active: Cache<BranchName, BranchVersion>,
    keys: Cache<(BranchName, BranchVersion), Arc<BranchKey>>,
}

/// How a record's branch follows from its encryption context.
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
            "it is there for records that have that key, and not in the context form `table` (here it is `{form}`)"
        )
    } else {
        format!(
            "mark a field of that name #[encryption_context], or give the struct #[envelope(context({name} = \"..\"))]"
        )
    };
    let what = format!(
        "a record's branch is named by the pair `{name}`, which its encryption context does not have: {remedy}"
    );
    KeyError::new(KeyErrorKind::Configuration, what)
}

fn not_of_a_branch() -> KeyError {
    let what = "the data key is not derived from a branch key: it was written by another kind of key provider";
    KeyError::new(KeyErrorKind::WrongKey, what)
}

impl<S: BranchKeyStore + 'static> HierarchicalKeyProvider<S> {
    /// One branch per logical table, and named like it.
    pub fn per_table(store: S, limits: CacheLimits) -> Self {
        Self::with(store, BranchOf::Table, limits)
    }

    /// One branch per value of the pair `name` of the encryption context: a tenant, say, or with
    /// `partition_key` a record's own partition key, as the context's form shows it.
    ///
    /// Let [`CacheLimits::max_entries`] be above the number of branches that are in use at a time;
    /// a branch that had to make room costs a call to KMS when it is used again.
    pub fn per_pair(store: S, name: impl Into<String>, limits: CacheLimits) -> Self {
        Self::with(store, BranchOf::Pair(name.into()), limits)
    }

    /// The branch that `choose` names for an encryption context.
    ///
    /// # Security
    ///
    /// The same context must always give the same name, or what was written does not open.
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

    /// Reports what happens to `observer`.
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

    /// Where the branch keys are kept.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Throws out every branch key that will not be used again: too old, or used too often.
    ///
    /// Whoever uses the provider does so on the way, ten times in a key's age. For a process that
    /// may stand idle, call it from a timer, so that no key stays in memory longer than it may
    /// be used.
    pub fn remove_expired(&self) {
        self.active.remove_expired();
        self.keys.remove_expired();
    }

    /// Throws every branch key out: the next record of each branch fetches its key anew.
    pub fn clear(&self) {
        self.active.clear();
        self.keys.clear();
    }

    async fn derive(&self, context: &EncryptionContext) -> Result<GeneratedKey, KeyError> {
        let branch = self.branch_of.branch(context)?;
        let version = self.active_version(&branch).await?;
        let key = self.branch_key(&(branch, version)).await?;
        let mut salt = [0; SALT_BYTES];
        random::fill(&mut salt)?;
        key.generate_with_salt(context, &salt)
    }

    async fn derive_again(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let branch = self.branch_of.branch(context)?;
        let mut missing = None;
        for (version, wrapped) in wrapped.iter().filter_map(with_version) {
            match self.branch_key(&(branch.clone(), version)).await {
                // FORMAT 6.3-2: only the salt of a version that this branch has is looked at.
                Ok(key) => return key.derive(&salt(wrapped)?, context),
                // Another store's, in another region perhaps; this one's may follow.
                Err(error) if error.kind() == KeyErrorKind::KeyNotFound => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(missing.unwrap_or_else(not_of_a_branch))
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
                        "the key store gave another branch key than {version}, which was asked for"
                    );
                    return Err(KeyError::invalid_response(what));
                }
                Ok(Arc::new(key))
            }) as KeyFuture<'static, _>
        };
        self.keys.get(id, call).await
    }
}

/// An entry and the version it names, if it is one of a branch key.
fn with_version(wrapped: &WrappedKey) -> Option<(BranchVersion, &WrappedKey)> {
    let version = (wrapped.kind() == KeyKind::BRANCH).then_some(wrapped.id())?.try_into().ok()?;
    Some((BranchVersion::from_bytes(version), wrapped))
}

/// The salt that an entry has in place of a wrapped key.
fn salt(wrapped: &WrappedKey) -> Result<[u8; SALT_BYTES], KeyError> {
    wrapped.bytes().try_into().map_err(|_| {
        let what = format!(
            "a salt of {SALT_BYTES} bytes stands for the data key, not {}",
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
        Box::pin(self.derive_again(wrapped, context))
    }
}

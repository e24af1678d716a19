//! Search keys: where a table gets the keys of its search tags.

pub(crate) mod create;
pub(crate) mod delete_version;
pub(crate) mod error;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod local;
pub(crate) mod pointer;
pub(crate) mod rotation;
pub(crate) mod stored;
pub(crate) mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use envelope_core::{Clock, Escaped, KeyError, KeyObserver, UnwrapKey};

pub use crate::keys::search_keys::error::SearchKeyError;
pub use crate::keys::search_keys::list::{SearchBranch, SearchBranches, SearchKeyVersion};
use crate::keys::search_keys::live::LiveSearchKeys;
pub use crate::keys::search_keys::local::LocalSearchKeys;
use crate::keys::search_keys::stored::{SearchKeyStore, Settings, Stored};
pub use crate::keys::search_keys::table::SearchKeyTable;

/// The search keys of a [`Table`](crate::Table) with `#[searchable]` fields.
///
/// They are read from a [`SearchKeyTable`] and kept for a while. Or the program brings them along,
/// as [`LocalSearchKeys`]. Clones share what is kept.
///
/// ```no_run
/// # async fn example(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     kms: aws_sdk_kms::Client,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use envelope_dynamo::KmsKeyProvider;
/// use envelope_dynamo::keys::{SearchKeyTable, SearchKeys};
///
/// let kms = KmsKeyProvider::new(kms, "alias/search-keys");
/// let keys = SearchKeyTable::new(dynamodb, "search-keys", kms);
/// keys.create_table().await?; // once
/// keys.create("users").await?; // once for the table `users`
///
/// let keys = SearchKeys::per_table(keys);
/// keys.prefetch("users").await?; // to notice at the start if they are missing
/// # Ok(())
/// # }
/// ```
///
/// # Which keys are used, and how old they may be
///
/// The table of search keys says which versions of a branch's key are searched for, which one is
/// written, and how long a process may use this answer: `max_age`, five minutes unless the
/// branch's creator chose another. A process asks again before that, and never uses an older
/// answer, not even while DynamoDB cannot be reached: it would search for too few versions, and
/// nobody would notice. The time is measured by `Instant` and by the time of day, whichever says
/// more, so that a suspended process does not take its answer for young.
///
/// With known keys, searching and writing make no call. Every `max_age` costs one `GetItem` for
/// the branch; and one `GetItem` and one `kms:Decrypt` for each of its one or two versions.
///
/// # Security
///
/// Whoever holds a search key can test guesses of every searchable value: guard it like a data
/// key. Keys are wiped after they have left the cache and nobody uses them.
#[derive(Clone)]
pub struct SearchKeys(Source);

#[derive(Clone)]
enum Source {
    Local(Arc<LiveSearchKeys>),
    Stored { keys: Arc<Stored>, branch: BranchOf },
}

/// Which branch a table uses.
#[derive(Clone)]
enum BranchOf {
    Table,
    Named(Arc<str>),
}

impl fmt::Debug for BranchOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("Table"),
            Self::Named(name) => write!(f, "Named({})", Escaped(name)),
        }
    }
}

impl SearchKeys {
    /// One search key for each logical table. Its branch has the name of the table.
    pub fn per_table<P: UnwrapKey + 'static>(store: SearchKeyTable<P>) -> Self {
        Self::of(Arc::new(store), BranchOf::Table)
    }

    /// The search key of the branch `name`, for every table that uses these search keys.
    ///
    /// Tags of different tables and fields differ all the same: each is derived for its table and
    /// field.
    pub fn branch<P: UnwrapKey + 'static>(
        store: SearchKeyTable<P>,
        name: impl Into<String>,
    ) -> Self {
        Self::of(Arc::new(store), BranchOf::Named(name.into().into()))
    }

    fn of(store: Arc<dyn SearchKeyStore>, branch: BranchOf) -> Self {
        let keys = Arc::new(Stored::new(store, Settings::default()));
        Self(Source::Stored { keys, branch })
    }

    /// Asks again which keys are used after this time, five minutes by default. The `max_age` of
    /// the branch counts if it is shorter.
    ///
    /// The unwrapped keys are kept as long: a disabled KMS key or a revoked permission is noticed
    /// after this time.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        self.with(|settings| settings.max_age = age)
    }

    /// Uses unwrapped keys for at most `grace` longer while KMS is unreachable or throttles. Off by
    /// default.
    ///
    /// It never extends the age of the answer which keys are used.
    #[must_use]
    pub fn while_unreachable(self, grace: Duration) -> Self {
        self.with(|settings| settings.grace = grace)
    }

    /// Reports events to `observer`.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn KeyObserver>) -> Self {
        self.with(|settings| settings.observer = observer)
    }

    /// Measures ages by `clock`: for tests.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|settings| settings.clock = clock)
    }

    /// Settings begin with an empty cache. [`LocalSearchKeys`] have none.
    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let Source::Stored { keys, branch } = self.0 else { return self };
        let mut settings = keys.settings.clone();
        change(&mut settings);
        let keys = Arc::new(Stored::new(Arc::clone(&keys.store), settings));
        Self(Source::Stored { keys, branch })
    }

    /// Removes every search key that will not be used again because it is too old.
    ///
    /// Using the keys also does this. In a process that may be idle, call it from a timer, so that
    /// no key stays in memory longer than it may be used.
    pub fn remove_expired(&self) {
        if let Source::Stored { keys, .. } = &self.0 {
            keys.remove_expired();
        }
    }

    /// Removes every search key that is kept. The next search or write reads them again.
    pub fn clear(&self) {
        if let Source::Stored { keys, .. } = &self.0 {
            keys.clear();
        }
    }

    /// Reads the search keys of the logical table `table` now: so the first search or write makes
    /// no call for them, and a missing key or permission is noticed when the program starts.
    ///
    /// # Errors
    ///
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) if the branch was never created;
    /// otherwise as the table of search keys and its provider fail.
    pub async fn prefetch(&self, table: &str) -> Result<(), KeyError> {
        self.live(table).await.map(drop)
    }

    /// The keys that are in use now for the logical table `table`.
    pub(crate) async fn live(&self, table: &str) -> Result<Arc<LiveSearchKeys>, KeyError> {
        match &self.0 {
            Source::Local(keys) => Ok(Arc::clone(keys)),
            Source::Stored { keys, branch: BranchOf::Table } => keys.live(table).await,
            Source::Stored { keys, branch: BranchOf::Named(name) } => keys.live(name).await,
        }
    }
}

impl From<LocalSearchKeys> for SearchKeys {
    fn from(keys: LocalSearchKeys) -> Self {
        Self(Source::Local(Arc::new(keys.into_live())))
    }
}

impl fmt::Debug for SearchKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Local(keys) => f.debug_tuple("SearchKeys").field(keys).finish(),
            Source::Stored { keys, branch } => f
                .debug_struct("SearchKeys")
                .field("store", &keys.store)
                .field("branch", branch)
                .finish_non_exhaustive(),
        }
    }
}

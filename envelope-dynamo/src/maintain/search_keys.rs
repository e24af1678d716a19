//! The table of search keys, for maintenance: search keys move to another KMS key as records do.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use aws_sdk_kms::Client as KmsClient;
use envelope_core::BranchVersion;

use crate::keys::{SearchKeyError, SearchKeyTable};
use crate::maintain::engine::counts::Counts;
use crate::maintain::engine::error::{Refusal, RunError};
use crate::maintain::engine::run::Run;
use crate::maintain::key_table::stored_table;
use crate::maintain::rewrap::Rewrap;
use crate::maintain::stale::{Stale, StaleReport};
use crate::maintain::stored_table::StoredTable;

impl<P> SearchKeyTable<P> {
    /// Moves the keys of all branches, in all versions, from the KMS key `from` to the KMS key
    /// `to`, inside KMS. The search keys stay the same, so no tag and no record changes.
    ///
    /// [`BranchKeyTable::rewrap`](crate::BranchKeyTable::rewrap) says how the run works, which
    /// permissions it needs and what to prepare. Here all requests to KMS also have the pair
    /// `purpose` = `search`.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{KmsKeyWrapper, keys::SearchKeyTable};
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     kms: aws_sdk_kms::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let (old, new) = ("alias/search-2025", "alias/search-2026");
    /// let wrapper = KmsKeyWrapper::new(kms.clone(), new);
    /// let keys = SearchKeyTable::new(dynamodb, "search-keys", wrapper);
    /// let counts = keys.rewrap(kms, old, new).send().await?;
    /// assert_eq!((counts.failed, counts.other_key), (0, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn rewrap(
        &self,
        kms: KmsClient,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Run<'static> {
        Run::of(Cow::Owned(self.stored_table()), Rewrap::new(kms, from.into(), to.into()))
    }

    /// [Retires](Self::retire) the older version of a branch if no record is left that searches
    /// would miss then. Returns the retired version, or `None` if the branch has only one version.
    ///
    /// `tables` are the counts of all tables that use the branch. They are made when no process
    /// writes the older version any more; each reads its whole table.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{KmsKeyProvider, keys::{SearchKeyTable, SearchKeys}};
    /// # use envelope_dynamo::maintain::StoredTable;
    /// # async fn example(
    /// #     store: SearchKeyTable<KmsKeyProvider>,
    /// #     keys: SearchKeys,
    /// #     users: StoredTable,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let retired = store.retire_unless_stale("users", [users.stale(&keys)]).await?;
    /// # drop(retired);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RetireError::Stale`] with the first count that found such records, and nothing is changed:
    /// run [`StoredTable::reindex`]. [`RetireError::Keys`] as [`retire`](Self::retire) fails,
    /// before the time too. [`RetireError::Count`] if a table could not be read to its end, or
    /// if `tables` is empty.
    ///
    /// # Security
    ///
    /// The count believes what the table holds: see [`Stale`].
    pub async fn retire_unless_stale<'a>(
        &self,
        branch: &str,
        tables: impl IntoIterator<Item = Stale<'a>>,
    ) -> Result<Option<BranchVersion>, RetireError> {
        let tables: Vec<_> = tables.into_iter().collect();
        if tables.is_empty() {
            let problem =
                "name the tables that use the search key: without one, nothing is counted";
            let refusal = Refusal::Setting { problem: problem.to_owned() };
            return Err(RetireError::Count(RunError::new(refusal.into(), Counts::default())));
        }
        self.retire_if(branch, async |_| {
            for table in tables {
                let report = table.send().await.map_err(RetireError::Count)?;
                if !report.is_clean() {
                    return Err(RetireError::Stale(Box::new(report)));
                }
            }
            Ok(())
        })
        .await
    }

    /// The table as maintenance sees it: a table of records that have a wrapped key and no payload.
    /// The type of these records is `SearchKey`.
    #[must_use]
    pub fn stored_table(&self) -> StoredTable {
        stored_table(&self.table)
    }
}

/// Why a version of a search key was not retired; see [`SearchKeyTable::retire_unless_stale`].
#[derive(Debug)]
#[non_exhaustive]
pub enum RetireError {
    /// Searches would miss records. Nothing was written.
    Stale(Box<StaleReport>),
    /// A table could not be counted to its end. Nothing was written.
    Count(RunError),
    /// The table of search keys refused.
    Keys(SearchKeyError),
}

impl fmt::Display for RetireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale(report) => write!(
                f,
                "the version was not retired: in the table {}, {} records have a search tag that is \
                 not current, and {} could not be judged; run `reindex`, and retire again",
                report.table, report.stale, report.unreadable
            ),
            Self::Count(error) => write!(f, "the version was not retired: {error}"),
            Self::Keys(error) => error.fmt(f),
        }
    }
}

impl StdError for RetireError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Stale(_) => None,
            Self::Count(error) => error.source(),
            Self::Keys(error) => error.source(),
        }
    }
}

impl From<SearchKeyError> for RetireError {
    fn from(error: SearchKeyError) -> Self {
        Self::Keys(error)
    }
}

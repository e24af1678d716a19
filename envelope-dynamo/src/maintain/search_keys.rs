//! The table of search keys, for maintenance: search keys move to another KMS key as records do.

use std::borrow::Cow;

use aws_sdk_kms::Client as KmsClient;

use crate::keys::SearchKeyTable;
use crate::maintain::engine::run::Run;
use crate::maintain::key_table::stored_table;
use crate::maintain::rewrap::Rewrap;
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

    /// The table as maintenance sees it: a table of records that have a wrapped key and no payload.
    /// The type of these records is `SearchKey`.
    #[must_use]
    pub fn stored_table(&self) -> StoredTable {
        stored_table(&self.table)
    }
}

//! The table of branch keys, for maintenance: branch keys move to another KMS key as records do.

use std::borrow::Cow;

use aws_sdk_kms::Client as KmsClient;

use crate::keys::BranchKeyTable;
use crate::maintain::engine::run::Run;
use crate::maintain::key_table::stored_table;
use crate::maintain::rewrap::Rewrap;
use crate::maintain::stored_table::StoredTable;

impl<P> BranchKeyTable<P> {
    /// Moves the keys of all branches, in all versions, from the KMS key `from` to the KMS key
    /// `to`, inside KMS. This process sees no branch key, and needs no permission to decrypt.
    ///
    /// Each version is changed by one update of its wrapped key, on condition that the wrapped key
    /// is as it was read. A run has no state: start it again after a stop or a crash. A version
    /// that KMS refuses is reported with its branch, and stays as it was. The item that names the
    /// active version of a branch has no key, and counts as
    /// [`not_sealed`](crate::maintain::Counts::not_sealed).
    ///
    /// The records do not change: each names a version, whose branch key stays the same. So this
    /// call moves millions of records with a few calls to KMS.
    ///
    /// Before the run, give every reader and writer `kms:Decrypt` on both keys
    /// ([`also_decrypts`](crate::KmsKeyProvider::also_decrypts)), and let operators create and
    /// rotate with the new key. A version that is created under the old key while the run works
    /// may stay there: run again until nothing is [`changed`](crate::maintain::Counts::changed).
    ///
    /// ```no_run
    /// # use envelope_dynamo::{BranchKeyTable, KmsKeyWrapper};
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     kms: aws_sdk_kms::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let (old, new) = ("alias/branches-2025", "alias/branches-2026");
    /// let wrapper = KmsKeyWrapper::new(kms.clone(), new);
    /// let keys = BranchKeyTable::new(dynamodb, "branch-keys", wrapper);
    /// let counts = keys.rewrap(kms, old, new).send().await?;
    /// assert_eq!((counts.failed, counts.other_key), (0, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Needs `dynamodb:Scan` and `dynamodb:UpdateItem` on `branch`, `version` and `encrypted_dek`,
    /// `dynamodb:DescribeTable` and `dynamodb:DescribeContinuousBackups`; `kms:ReEncryptFrom` on
    /// `from` and `kms:ReEncryptTo` on `to`, both for the context `table` = the logical name; for
    /// an alias also `kms:DescribeKey`. [`StoredTable::rewrap`] says what a role with these rights
    /// could do besides.
    ///
    /// Copies of the old wrapped keys (backups, streams) still unwrap with the old KMS key. A
    /// process that has branch keys in its cache does not notice the move.
    pub fn rewrap(
        &self,
        kms: KmsClient,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Run<'static> {
        Run::of(Cow::Owned(self.stored_table()), Rewrap::new(kms, from.into(), to.into()))
    }

    /// The table as maintenance sees it: a table of records that have a wrapped key and no payload.
    /// The type of these records is `BranchKey`.
    #[must_use]
    pub fn stored_table(&self) -> StoredTable {
        stored_table(self.table())
    }
}

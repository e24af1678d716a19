//! The key providers of the commands that open records.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use envelope_dynamo::keys::{CacheLimits, SearchKeyTable, SearchKeys};
use envelope_dynamo::{BranchKeyTable, HierarchicalKeyProvider, KmsKeyProvider};

use crate::aws::Aws;
use crate::failure::Failure;

/// How long a branch key is used before its table and KMS are asked again.
const MAX_AGE: Duration = Duration::from_secs(300);

/// How many branch keys are remembered.
const MAX_BRANCHES: usize = 100_000;

/// Branch keys, and the KMS key that wraps them.
pub(crate) type Branches = HierarchicalKeyProvider<BranchKeyTable<KmsKeyProvider>>;

/// The table of branch keys.
#[derive(Args, Clone, Debug)]
pub(crate) struct BranchTableArgs {
    /// The table of branch keys, by its physical name
    #[arg(long, value_name = "NAME")]
    pub(crate) branch_keys: Option<String>,

    /// The logical name of the table of branch keys
    #[arg(long, value_name = "NAME", default_value = "branch-keys")]
    pub(crate) branch_keys_logical: String,
}

impl BranchTableArgs {
    /// The table, with what wraps its keys.
    pub(crate) fn table<P>(&self, aws: &Aws, provider: P) -> Option<BranchKeyTable<P>> {
        let name = self.branch_keys.as_ref()?;
        let table = BranchKeyTable::new(aws.dynamodb.clone(), &*self.branch_keys_logical, provider);
        Some(table.named(name))
    }
}

/// The keys that open records.
#[derive(Args, Clone, Debug)]
pub(crate) struct OpenArgs {
    /// A KMS key that opens the records, or the branch keys with --branch-keys; may be repeated
    #[arg(long, value_name = "KEY")]
    pub(crate) kms_key: Vec<String>,

    /// The pair of the encryption context that names the branch, such as tenant
    ///
    /// Without it there is one branch for the table.
    #[arg(long, value_name = "PAIR", requires = "branch_keys")]
    pub(crate) branch_pair: Option<String>,
}

impl OpenArgs {
    /// The branch keys, under the keys of --kms-key.
    pub(crate) fn branches(
        &self,
        aws: &Aws,
        table: &BranchTableArgs,
    ) -> Result<Option<Arc<Branches>>, Failure> {
        if table.branch_keys.is_none() {
            return Ok(None);
        }
        let keys = kms(aws, &self.kms_key)?;
        let limits = CacheLimits::new(MAX_AGE).max_entries(MAX_BRANCHES);
        let provider = table.table(aws, keys).map(|store| match &self.branch_pair {
            Some(pair) => HierarchicalKeyProvider::per_pair(store, pair, limits),
            None => HierarchicalKeyProvider::per_table(store, limits),
        });
        Ok(provider.map(Arc::new))
    }
}

/// The search key of a table.
#[derive(Args, Clone, Debug)]
pub(crate) struct SearchKeyArgs {
    /// The table of search keys, by its physical name
    #[arg(long, value_name = "NAME", default_value = "search-keys")]
    search_keys: String,

    /// The logical name of the table of search keys
    #[arg(long, value_name = "NAME", default_value = "search-keys")]
    search_keys_logical: String,

    /// The branch of the search key; by default the logical name of the table
    #[arg(long, value_name = "NAME")]
    search_branch: Option<String>,
}

impl SearchKeyArgs {
    /// The search keys, under the KMS key `key`.
    pub(crate) fn open(&self, aws: &Aws, key: &str) -> SearchKeys {
        let kms = KmsKeyProvider::new(aws.kms.clone(), key);
        let table = SearchKeyTable::new(aws.dynamodb.clone(), &*self.search_keys_logical, kms);
        let table = table.named(&*self.search_keys);
        match &self.search_branch {
            Some(branch) => SearchKeys::branch(table, branch),
            None => SearchKeys::per_table(table),
        }
    }
}

/// The provider of KMS keys, of which any opens a record.
pub(crate) fn kms(aws: &Aws, keys: &[String]) -> Result<KmsKeyProvider, Failure> {
    let Some((first, others)) = keys.split_first() else {
        return Err(Failure::act_now("name the KMS key with --kms-key"));
    };
    let provider = KmsKeyProvider::new(aws.kms.clone(), first);
    Ok(others.iter().fold(provider, KmsKeyProvider::also_decrypts))
}

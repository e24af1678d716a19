//! Lists branches, and the versions of a branch.

use std::collections::VecDeque;
use std::time::SystemTime;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use envelope_core::{BranchName, BranchVersion};

use crate::dynamodb::Item;
use crate::keys::branch_keys::item::Pointer;
use crate::keys::branch_keys::{BranchKeyError, BranchKeyTable, failed, item};

/// A branch; see [`BranchKeyTable::list`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    name: BranchName,
    active: Option<BranchVersion>,
}

impl Branch {
    /// The name of the branch.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The version under which records are written; `None` if the branch is being deleted, or its
    /// deletion was interrupted.
    #[must_use]
    pub const fn active(&self) -> Option<BranchVersion> {
        self.active
    }

    fn parse(item: &Item) -> Result<Self, BranchKeyError> {
        Ok(Self { name: item::parse_branch(item)?, active: Pointer::parse(item)?.active() })
    }
}

/// One version of a branch's key; see [`BranchKeyTable::versions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchKeyVersion {
    version: BranchVersion,
    created: SystemTime,
    is_active: bool,
}

impl BranchKeyVersion {
    /// The UUID of the version, which records name.
    #[must_use]
    pub const fn version(&self) -> BranchVersion {
        self.version
    }

    /// When the version was created, in seconds, by the clock of the process that created it.
    #[must_use]
    pub const fn created(&self) -> SystemTime {
        self.created
    }

    /// Whether new records are written under this version.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.is_active
    }
}

/// The branches of a table, which are read page by page; see [`BranchKeyTable::list`].
#[derive(Debug)]
pub struct Branches {
    name: String,
    scan: ScanFluentBuilder,
    page: VecDeque<Item>,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    After(Item),
    End,
}

impl Branches {
    /// Returns the next branch, in no particular order; `None` after the last one.
    ///
    /// If DynamoDB refuses a page, the next call requests this page again. An item that cannot be
    /// parsed is one error, and the other items still come.
    pub async fn next(&mut self) -> Option<Result<Branch, BranchKeyError>> {
        loop {
            if let Some(item) = self.page.pop_front() {
                return Some(Branch::parse(&item));
            }
            let start = match &self.state {
                State::Start => None,
                State::After(key) => Some(key.clone()),
                State::End => return None,
            };
            match self.scan.clone().set_exclusive_start_key(start).send().await {
                Ok(output) => {
                    self.page = output.items.unwrap_or_default().into();
                    self.state = output.last_evaluated_key.map_or(State::End, State::After);
                }
                Err(error) => return Some(Err(failed("Scan", &self.name, error))),
            }
        }
    }
}

impl<P> BranchKeyTable<P> {
    /// Lists all branches, including those whose deletion was not finished.
    ///
    /// Reads the whole table, page by page.
    pub fn list(&self) -> Branches {
        let scan = self
            .client
            .scan()
            .table_name(&self.name)
            .filter_expression("#version = :pointer")
            .expression_attribute_names("#version", item::VERSION)
            .expression_attribute_values(":pointer", item::text(item::POINTER));
        Branches { name: self.name.clone(), scan, page: VecDeque::new(), state: State::Start }
    }

    /// Lists the versions of a branch's key, the oldest first. Versions of the same second are in
    /// no particular order.
    ///
    /// # Errors
    ///
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) for a branch without a key, and
    /// [`BranchKeyError::DynamoDb`].
    pub async fn versions(&self, branch: &str) -> Result<Vec<BranchKeyVersion>, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        let active = self.pointer(&branch).await?.and_then(Pointer::active);
        let mut versions = Vec::new();
        for item in self.items(&branch).await? {
            if let Some((version, created)) = item::parse_version(&item)? {
                versions.push(BranchKeyVersion {
                    version,
                    created,
                    is_active: active == Some(version),
                });
            }
        }
        if versions.is_empty() {
            return Err(self.no_branch(&branch).into());
        }
        versions.sort_by_key(|version| version.created);
        Ok(versions)
    }

    /// Reads all items of a branch, consistently.
    pub(crate) async fn items(&self, branch: &BranchName) -> Result<Vec<Item>, BranchKeyError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#branch = :branch")
            .expression_attribute_names("#branch", item::BRANCH)
            .expression_attribute_values(":branch", item::text(branch.as_str()));
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let output = query.clone().set_exclusive_start_key(start).send().await;
            let output = output.map_err(|error| failed("Query", &self.name, error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

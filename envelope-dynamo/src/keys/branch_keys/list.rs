//! What there is: branches, and the versions of one.

use std::collections::VecDeque;
use std::time::SystemTime;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use envelope_core::{BranchName, BranchVersion};

use crate::dynamodb::Item;
use crate::keys::branch_keys::item::Pointer;
use crate::keys::branch_keys::{BranchKeyError, BranchKeyTable, failed, item};

/// A branch, as [`BranchKeyTable::list`] finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    name: BranchName,
    active: Option<BranchVersion>,
}

impl Branch {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The version under which records are written; `None` if its deletion was begun and not
    /// finished.
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
    /// Its UUID, which records carry.
    #[must_use]
    pub const fn version(&self) -> BranchVersion {
        self.version
    }

    /// When it was made, to the second, as its maker's clock had it.
    #[must_use]
    pub const fn created(&self) -> SystemTime {
        self.created
    }

    /// Whether records are written under it.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.is_active
    }
}

/// The branches of a table, read page by page; see [`BranchKeyTable::list`].
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
    /// The next branch, in no particular order; `None` after the last.
    ///
    /// After an error of DynamoDB's the same page is asked for again; an item that cannot be
    /// understood is an error of its own and does not keep the others back.
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
    /// Every branch, those included whose deletion was not finished.
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

    /// The versions of a branch's key, the oldest first.
    ///
    /// # Errors
    ///
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) for a branch that has none, and
    /// whatever DynamoDB answers.
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

    /// All items of a branch, as of now.
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

//! Reads the items of a table of keys.

use std::collections::VecDeque;
use std::time::SystemTime;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use envelope_core::{BranchName, BranchVersion};

use crate::dynamodb::Item;
use crate::error::dynamodb::DynamoDbError;
use crate::keys::key_table::error::KeyTableError;
use crate::keys::key_table::{KeyTable, item};

impl<P> KeyTable<P> {
    /// Reads an item consistently: a record that was just written may need a key that was just
    /// created.
    pub(crate) async fn item(
        &self,
        branch: &BranchName,
        version: &str,
    ) -> Result<Option<Item>, KeyTableError> {
        let get =
            self.client.get_item().table_name(&self.name).set_key(Some(item::key(branch, version)));
        let output = get.consistent_read(true).send().await;
        Ok(output.map_err(|error| self.failed("GetItem", error))?.item)
    }

    /// Reads all items of a branch, consistently.
    pub(crate) async fn items(&self, branch: &BranchName) -> Result<Vec<Item>, KeyTableError> {
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
            let output = output.map_err(|error| self.failed("Query", error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// The versions of a branch and when they were created, the oldest first.
    pub(crate) async fn versions(
        &self,
        branch: &BranchName,
    ) -> Result<Vec<(BranchVersion, SystemTime)>, KeyTableError> {
        let mut versions = Vec::new();
        for item in self.items(branch).await? {
            versions.extend(item::parse_version(&item, self.purpose)?);
        }
        versions.sort_by_key(|(_, created)| *created);
        Ok(versions)
    }

    /// The pointers of all branches.
    pub(crate) fn pointers(&self) -> Pointers {
        let scan = self
            .client
            .scan()
            .table_name(&self.name)
            .filter_expression("#version = :pointer")
            .expression_attribute_names("#version", item::VERSION)
            .expression_attribute_values(":pointer", item::text(item::POINTER));
        Pointers { name: self.name.clone(), scan, page: VecDeque::new(), state: State::Start }
    }
}

/// The pointers of a table, which are read page by page.
#[derive(Debug)]
pub(crate) struct Pointers {
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

impl Pointers {
    /// Returns the next pointer, in no particular order; `None` after the last one.
    ///
    /// If DynamoDB refuses a page, the next call requests this page again.
    pub(crate) async fn next(&mut self) -> Option<Result<Item, DynamoDbError>> {
        loop {
            if let Some(item) = self.page.pop_front() {
                return Some(Ok(item));
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
                Err(error) => return Some(Err(DynamoDbError::new("Scan", &self.name, error))),
            }
        }
    }
}

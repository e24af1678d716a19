//! Reads each item of a table, and compares it with the model.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::Outcome;
use crate::model::Model;
use crate::records::index;

/// The table is read in so many segments at a time.
const SEGMENTS: i32 = 4;

/// An item of DynamoDB.
pub type Item = HashMap<String, AttributeValue>;

/// Knows what an item must be.
pub trait Compare: Send + Sync + 'static {
    /// What is wrong with an item that exists.
    fn compare(&self, index: u64, item: Item) -> impl Future<Output = Vec<String>> + Send;
}

/// What was found.
#[derive(Debug, Default)]
pub struct Compared {
    /// The items that were compared, those included that must not exist.
    pub items: u64,
    /// What differs from the model, by item.
    pub differences: Vec<String>,
}

/// Compares all items, and finds those that are missing and those that must not exist.
///
/// # Errors
///
/// If the table cannot be read.
pub async fn compare_all(
    dynamodb: &Client,
    table: &str,
    model: &Model,
    judge: impl Compare,
) -> Outcome<Compared> {
    let (judge, mut tasks) = (Arc::new(judge), Vec::new());
    for segment in 0..SEGMENTS {
        let (dynamodb, table, judge) = (dynamodb.clone(), table.to_owned(), Arc::clone(&judge));
        tasks.push(tokio::spawn(read(dynamodb, table, segment, judge)));
    }
    let (mut found, mut seen) = (Compared::default(), vec![false; usize::try_from(model.items())?]);
    for task in tasks {
        let (differences, indices) = task.await??;
        found.differences.extend(differences);
        for index in indices {
            match seen.get_mut(usize::try_from(index)?) {
                Some(seen) if !*seen => *seen = true,
                _ => found.differences.push(format!("item {index} was read twice")),
            }
        }
    }
    for (index, seen) in (0..).zip(seen) {
        found.items += 1;
        let must = model.state(index).is_some_and(|state| state.exists);
        if must != seen {
            found.differences.push(format!("item {index}: exists {seen}, must exist {must}"));
        }
    }
    Ok(found)
}

/// Reads one segment: the differences, and the numbers of the items that exist.
async fn read(
    dynamodb: Client,
    table: String,
    segment: i32,
    judge: Arc<impl Compare>,
) -> Outcome<(Vec<String>, Vec<u64>)> {
    let scan = dynamodb.scan().table_name(table);
    let scan = scan.consistent_read(true).segment(segment).total_segments(SEGMENTS);
    let mut pages = scan.into_paginator().send();
    let (mut differences, mut seen) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        for item in page?.items.unwrap_or_default() {
            let id = item.get("id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
            match index(&id) {
                Some(index) => {
                    seen.push(index);
                    differences.extend(judge.compare(index, item).await);
                }
                None => differences.push(format!("{id} is no item of the test")),
            }
        }
    }
    Ok((differences, seen))
}

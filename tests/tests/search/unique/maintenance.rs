//! Runs over whole tables claim the values of the records that they change.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::maintain::{Counts, RunErrorKind, RunEvent, SchemaFile, StoredTable};
use envelope_tests::with;

use super::older::{Older, Searchable, older, searchable};
use super::*;

impl Bench {
    fn maintained(&self) -> StoredTable {
        let schema = SchemaFile::new().with::<User>().to_string().parse().unwrap();
        let client = self.servers.dynamodb_through(&self.faults);
        let table = StoredTable::new(client, &schema, "users").unwrap().named(&self.name);
        table.with_claims(&self.claims)
    }

    /// Changed, already and failed records, and the errors of the failed ones.
    async fn reindex(&self, keys: SearchKeys) -> ([u64; 3], Vec<Option<&'static str>>) {
        let errors = std::sync::Mutex::new(Vec::new());
        let table = self.maintained();
        let run = table.reindex(local_keys(7), local_keys(7), &keys).observed_by(|event| {
            if let RunEvent::Failed(error) = event {
                errors.lock().unwrap().push(taken(error));
            }
        });
        let Counts { changed, already, failed, .. } = run.send().await.unwrap();
        ([changed, already, failed], errors.into_inner().unwrap())
    }
}

fn rotating() -> SearchKeys {
    LocalSearchKeys::new(search_key(2)).also_previous(search_key(1)).into()
}

#[tokio::test]
async fn a_reindexed_record_keeps_its_value() {
    let bench = Bench::new().await;
    let users = bench.users();
    for number in 0..5 {
        users
            .put(&user(&format!("u_{number}"), &format!("{number}@example.com")))
            .send()
            .await
            .unwrap();
    }
    assert_eq!(bench.reindex(rotating()).await, ([5, 0, 0], vec![]));
    assert_eq!(bench.reindex(rotating()).await, ([0, 5, 0], vec![]));
    let after = bench.with_keys(only(2));
    for number in 0..5 {
        let email = format!("{number}@example.com");
        let error = after.put(&user("u_9", &email)).send().await.unwrap_err();
        assert_eq!(taken(&error), Some("email"));
        let found = after.unique(|u| u.email).get(&*email).send().await.unwrap().unwrap();
        assert_eq!(found.user_id, format!("u_{number}"));
    }
}

/// The field becomes searchable, or unique, while the table has records.
#[tokio::test]
async fn reindex_claims_the_values_of_records_of_before_and_reports_duplicates() {
    let bench = Bench::new().await;
    let of_before = bench.bare::<Searchable>().with_search_keys(only(1));
    of_before.put(&searchable("u_1", "zoe@example.com")).send().await.unwrap();
    of_before.put(&searchable("u_2", "Zoe@Example.com")).send().await.unwrap();
    bench.bare::<Older>().put(&older("u_3", "ana@example.com")).send().await.unwrap();
    bench.users().put(&user("u_4", "max@example.com")).send().await.unwrap();
    // Of the two that have one address, one gets the claim.
    let (counts, errors) = bench.reindex(only(1)).await;
    assert_eq!((counts, errors), ([2, 1, 1], vec![Some("email")]));
    for email in ["zoe@example.com", "ana@example.com", "max@example.com"] {
        let error = bench.users().put(&user("u_9", email)).send().await.unwrap_err();
        assert_eq!(taken(&error), Some("email"), "{email}");
    }
    // Somebody decides about the other one.
    let owner = bench.owner_of("zoe@example.com").await.unwrap();
    let other = if owner == "u_1" { "u_2" } else { "u_1" };
    let change = |user: &mut User| user.email = "zoe2@example.com".into();
    bench.users().update(other).modify(change).send().await.unwrap();
    assert_eq!(bench.reindex(only(1)).await, ([0, 4, 0], vec![]));
}

#[tokio::test]
async fn a_run_without_a_table_of_claims_is_refused() {
    let bench = Bench::new().await;
    bench.bare::<Older>().put(&older("u_1", "zoe@example.com")).send().await.unwrap();
    let schema = SchemaFile::new().with::<User>();
    let table = StoredTable::new(bench.servers.dynamodb().clone(), &schema, "users").unwrap();
    let table = table.named(&bench.name);
    let reindex = table.reindex(local_keys(7), local_keys(7), &only(1)).send().await.unwrap_err();
    let users = bench.bare::<User>().with_search_keys(only(1));
    for error in [reindex, users.backfill().send().await.unwrap_err()] {
        assert!(matches!(error.kind(), RunErrorKind::Refused(_)), "{error}");
        assert!(error.to_string().contains("`with_claims`"), "{error}");
    }
    assert_eq!(bench.owners().await.len(), 0);
}

#[tokio::test]
async fn a_backfill_claims_values() {
    let bench = Bench::new().await;
    bench.bare::<Older>().put(&older("u_1", "zoe@example.com")).send().await.unwrap();
    bench.bare::<Older>().put(&older("u_2", "ana@example.com")).send().await.unwrap();
    let Counts { changed, failed, .. } = bench.users().backfill().send().await.unwrap();
    assert_eq!((changed, failed), (2, 0));
    assert_eq!(bench.owners().await, ["u_1", "u_2"]);
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_1"));
}

/// A reply is lost, and the run does the record again.
#[tokio::test]
async fn a_run_goes_on_after_a_lost_reply() {
    let bench = Bench::new().await;
    bench.users().put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    bench.faults.fail_next("TransactWriteItems", Injected::LoseReply);
    assert_eq!(bench.reindex(rotating()).await, ([1, 0, 0], vec![]));
    assert_eq!(bench.owners().await, ["u_1", "u_1"]);
}

#[test]
fn the_schema_file_says_what_is_unique() {
    let file = SchemaFile::new().with::<User>();
    let unique: Vec<_> = file.records()["User"].unique.iter().map(String::as_str).collect();
    assert_eq!(unique, ["email", "phone"]);
    assert_eq!(file.to_string().parse::<SchemaFile>().unwrap(), file);
    let with = |unique: serde_json::Value| {
        let mut json: serde_json::Value = serde_json::from_str(&file.to_string()).unwrap();
        json["records"]["User"]["unique"] = unique;
        json.to_string().parse::<SchemaFile>()
    };
    let error = with(["address"].into()).unwrap_err();
    assert!(error.to_string().contains("`address`, which is no search tag"), "{error}");
    let before = with(["phone"].into()).unwrap();
    let changes = file.changes_since(&before);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(changes[0].to_string().contains("unique now"), "{}", changes[0]);
    assert_eq!(before.changes_since(&file).len(), 0);
}

/// A claim was deleted, or made somebody else's, by whoever can write the table of claims. The
/// next run gives it back to the record that has the value.
#[tokio::test]
async fn a_run_makes_claims_that_were_lost() {
    let bench = Bench::new().await;
    bench.users().put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    let claim = bench.items(&bench.claims).await.pop().unwrap();
    let delete = bench.servers.dynamodb().delete_item().table_name(&bench.claims);
    delete.key("claim", claim["claim"].clone()).send().await.unwrap();
    assert_eq!(bench.reindex(only(1)).await, ([1, 0, 0], vec![]));
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_1"));

    let nobody = HashMap::from([("user_id".to_owned(), text("u_nobody"))]);
    let forged = with(&claim, "owner", AttributeValue::M(nobody));
    bench.plant(&bench.claims, forged).await;
    assert_eq!(bench.owner_of("zoe@example.com").await, None);
    assert_eq!(bench.reindex(only(1)).await, ([1, 0, 0], vec![]));
    assert_eq!(bench.items(&bench.claims).await, [claim]);
    assert_eq!(bench.reindex(only(1)).await, ([0, 1, 0], vec![]));
}

//! Names in expressions: no string reaches DynamoDB, and typed expressions name nothing that is
//! protected.

#![allow(clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};

use aws_sdk_dynamodb::types::{
    AttributeValue, AttributeValueUpdate, ComparisonOperator, Condition as LegacyCondition,
    ConditionalOperator, ExpectedAttributeValue, KeysAndAttributes, ReturnValue, Select,
    TransactGetItem, TransactWriteItem, WriteRequest,
};
use envelope_dynamo::error::{UsageError, WriteError};
use envelope_dynamo::expression::{AttributePath, AttributeType, Condition, mark};
use envelope_dynamo::{Envelope, ErrorKind, Fault, Table, View, transact_get, transact_write};
use serde::{Deserialize, Serialize};

use crate::setup::Setup;

/// A value that no request may hold.
const SECRET: &str = "zoe@example.com";

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", index(name = "by_plan", partition_key = plan))]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(alias = "mail")]
    email: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

#[derive(Debug, View)]
#[view(of = User)]
struct Usage {
    logins: u64,
}

fn user() -> User {
    User { id: "u_1".into(), email: "other@example.com".into(), plan: "pro".into(), logins: 3 }
}

fn secret() -> AttributeValue {
    AttributeValue::S(SECRET.to_owned())
}

/// The error says that `customize` must not set `setting`, nothing of the value, and nothing was
/// sent.
fn assert_refused<T: Debug, E: Display + Debug>(
    setup: &Setup,
    outcome: Result<T, E>,
    setting: &str,
) -> E {
    let error = outcome.expect_err(setting);
    let told = error.to_string();
    assert!(told.contains(&format!("`customize` must not set `{setting}`")), "{setting}: {told}");
    assert!(!format!("{error:?}{told}").contains(SECRET), "{told}");
    assert_eq!(setup.faults.all_requests().len(), 0, "{told}");
    assert_eq!(setup.keys.generate_calls(), 0, "{told}");
    error
}

async fn users() -> (Setup, Table<User>) {
    let setup = Setup::new().await;
    let users = setup.table::<User>().await;
    setup.faults.forget_calls();
    (setup, users)
}

/// Apostrophes, comments and brackets that hid a name from a search through the text.
const ATTACKS: [&str; 9] = [
    r#""a'b" = :v AND email = :v"#,
    "/* don't */ email = :v",
    "-- don't\n email = :v",
    r#""t"['email'] = :v"#,
    "#p = :v",
    "email = :v",
    "mail = :v",
    "encrypted_payload.x <> :v",
    "logins = :v",
];

#[tokio::test]
async fn no_condition_that_is_a_string_is_sent() {
    let (setup, users) = users().await;
    let user = user();
    for attack in ATTACKS {
        let put = users.put(&user).customize(|put| {
            put.condition_expression(attack)
                .expression_attribute_names("#p", "email")
                .expression_attribute_values(":v", secret())
        });
        let error = assert_refused(&setup, put.send().await, "condition_expression");
        assert_eq!(error.fault(), Fault::Caller);
        assert_eq!(
            error.to_string(),
            "users: `customize` must not set `condition_expression`: use `.condition(..)`, which cannot name what is \
             sealed; nothing was sent"
        );
        let delete = users.delete("u_1").customize(|delete| {
            delete.condition_expression(attack).expression_attribute_values(":v", secret())
        });
        assert_refused(&setup, delete.send().await, "condition_expression");
        let update = users.update("u_1").add(|u| u.logins, 1).customize(|update| {
            update.condition_expression(attack).expression_attribute_values(":v", secret())
        });
        assert_refused(&setup, update.send().await, "condition_expression");
        let check = users.check("u_1").if_exists().customize(|check| {
            check.condition_expression(attack).expression_attribute_values(":v", secret())
        });
        assert_refused(
            &setup,
            transact_write(&setup.dynamodb).check(check).send().await,
            "condition_expression",
        );
    }
}

#[tokio::test]
async fn no_change_that_is_a_string_is_sent() {
    let (setup, users) = users().await;
    let attacks = [
        "SET#p=:v",
        "REMOVE#p",
        r#"SET "owner's" = :v SET email = :v"#,
        "SET email = :v",
        "SET plan = :v",
        "REMOVE id",
    ];
    for attack in attacks {
        for name in ["encrypted_payload", "encrypted_dek", "plan", "email", "logins"] {
            let update = || {
                users.update("u_1").customize(|update| {
                    update
                        .update_expression(attack)
                        .expression_attribute_names("#p", name)
                        .expression_attribute_values(":v", secret())
                })
            };
            assert_refused(&setup, update().send().await, "update_expression");
            assert_refused(&setup, update().returning_new().send().await, "update_expression");
            assert_refused(&setup, update().modify(|_| {}).send().await, "update_expression");
            let transaction = transact_write(&setup.dynamodb).update(update());
            assert_refused(&setup, transaction.send().await, "update_expression");
        }
    }
}

#[tokio::test]
async fn no_filter_that_is_a_string_is_sent() {
    let (setup, users) = users().await;
    let by_plan = users.index(|indexes| indexes.by_plan);
    for attack in ATTACKS {
        let scan = || {
            users.scan().customize(|scan| {
                scan.filter_expression(attack).expression_attribute_values(":v", secret())
            })
        };
        assert_refused(&setup, scan().send().await, "filter_expression");
        assert_refused(&setup, scan().count().await, "filter_expression");
        assert_refused(&setup, scan().views::<Usage>(), "filter_expression");
        let query = by_plan.query("pro").customize(|query| {
            query.filter_expression(attack).expression_attribute_values(":v", secret())
        });
        assert_refused(&setup, query.send().await, "filter_expression");
        let query = users.query("u_1").customize(|query| {
            query.key_condition_expression(attack).expression_attribute_values(":v", secret())
        });
        assert_refused(&setup, query.send().await, "key_condition_expression");
    }
}

#[tokio::test]
async fn no_projection_that_is_a_string_is_sent() {
    let (setup, users) = users().await;
    let get = users.get("u_1").customize(|get| {
        get.projection_expression("#l").expression_attribute_names("#l", "logins")
    });
    assert_refused(&setup, get.send().await, "projection_expression");
    let view = users.view::<Usage>("u_1").customize(|get| get.projection_expression("email"));
    assert_refused(&setup, view.send().await, "projection_expression");
    let query = users.query("u_1").customize(|query| query.projection_expression("logins"));
    assert_refused(&setup, query.send().await, "projection_expression");
    let scan = users.scan().customize(|scan| scan.projection_expression("logins"));
    assert_refused(&setup, scan.send().await, "projection_expression");
    let get = users.get("u_1").customize(|get| get.projection_expression("logins"));
    assert_refused(&setup, transact_get((get,)).send().await, "projection_expression");
}

#[tokio::test]
async fn no_placeholder_that_belongs_to_a_string_is_sent() {
    let (setup, users) = users().await;
    let (user, names, values) =
        (user(), "expression_attribute_names", "expression_attribute_values");
    let (name, value) = (("#e", "email"), (":e", secret()));
    assert_refused(
        &setup,
        users.put(&user).customize(|b| b.expression_attribute_names(name.0, name.1)).send().await,
        names,
    );
    let put = users.put(&user).customize(|b| b.expression_attribute_values(value.0, secret()));
    assert_refused(&setup, put.send().await, values);
    assert_refused(
        &setup,
        users
            .delete("u_1")
            .customize(|b| b.expression_attribute_names(name.0, name.1))
            .send()
            .await,
        names,
    );
    assert_refused(
        &setup,
        users
            .delete("u_1")
            .customize(|b| b.expression_attribute_values(":e", secret()))
            .send()
            .await,
        values,
    );
    assert_refused(
        &setup,
        users
            .update("u_1")
            .customize(|b| b.expression_attribute_names(name.0, name.1))
            .send()
            .await,
        names,
    );
    assert_refused(
        &setup,
        users
            .update("u_1")
            .customize(|b| b.expression_attribute_values(":e", secret()))
            .send()
            .await,
        values,
    );
    assert_refused(
        &setup,
        users.get("u_1").customize(|b| b.expression_attribute_names(name.0, name.1)).send().await,
        names,
    );
    let view =
        users.view::<Usage>("u_1").customize(|b| b.expression_attribute_names(name.0, name.1));
    assert_refused(&setup, view.send().await, names);
    assert_refused(
        &setup,
        users.query("u_1").customize(|b| b.expression_attribute_names(name.0, name.1)).send().await,
        names,
    );
    assert_refused(
        &setup,
        users
            .query("u_1")
            .customize(|b| b.expression_attribute_values(":e", secret()))
            .send()
            .await,
        values,
    );
    assert_refused(
        &setup,
        users.scan().customize(|b| b.expression_attribute_names(name.0, name.1)).send().await,
        names,
    );
    assert_refused(
        &setup,
        users.scan().customize(|b| b.expression_attribute_values(":e", secret())).send().await,
        values,
    );
    for check in [
        users.check("u_1").if_exists().customize(|b| b.expression_attribute_names(name.0, name.1)),
        users.check("u_1").if_exists().customize(|b| b.expression_attribute_values(":e", secret())),
    ] {
        let error =
            transact_write(&setup.dynamodb).check(check).send().await.expect_err("a placeholder");
        assert!(
            error.to_string().contains("`customize` must not set `expression_attribute_"),
            "{error}"
        );
    }
    assert_eq!(setup.faults.all_requests().len(), 0);
}

#[tokio::test]
async fn no_parameter_from_before_expressions_is_sent() {
    let (setup, users) = users().await;
    let user = user();
    let expected = || ExpectedAttributeValue::builder().value(secret()).build();
    let change = || AttributeValueUpdate::builder().value(secret()).build();
    let condition = || {
        let condition = LegacyCondition::builder().comparison_operator(ComparisonOperator::Eq);
        condition.attribute_value_list(secret()).build().expect("a condition")
    };
    let or = ConditionalOperator::Or;
    let put = || users.put(&user);
    assert_refused(
        &setup,
        put().customize(|b| b.expected("email", expected())).send().await,
        "expected",
    );
    assert_refused(
        &setup,
        put().customize(|b| b.conditional_operator(or.clone())).send().await,
        "conditional_operator",
    );
    let transaction =
        transact_write(&setup.dynamodb).put(put().customize(|b| b.expected("email", expected())));
    assert_refused(&setup, transaction.send().await, "expected");
    let delete = || users.delete("u_1");
    assert_refused(
        &setup,
        delete().customize(|b| b.expected("email", expected())).send().await,
        "expected",
    );
    assert_refused(
        &setup,
        delete().customize(|b| b.conditional_operator(or.clone())).send().await,
        "conditional_operator",
    );
    let update = || users.update("u_1").add(|u| u.logins, 1);
    assert_refused(
        &setup,
        update().customize(|b| b.expected("email", expected())).send().await,
        "expected",
    );
    assert_refused(
        &setup,
        update().customize(|b| b.conditional_operator(or.clone())).send().await,
        "conditional_operator",
    );
    assert_refused(
        &setup,
        update().customize(|b| b.attribute_updates("plan", change())).send().await,
        "attribute_updates",
    );
    assert_refused(
        &setup,
        users.get("u_1").customize(|b| b.attributes_to_get("plan")).send().await,
        "attributes_to_get",
    );
    let view = users.view::<Usage>("u_1").customize(|b| b.attributes_to_get("plan"));
    assert_refused(&setup, view.send().await, "attributes_to_get");
    let query = || users.query("u_1");
    assert_refused(
        &setup,
        query().customize(|b| b.key_conditions("email", condition())).send().await,
        "key_conditions",
    );
    assert_refused(
        &setup,
        query().customize(|b| b.query_filter("email", condition())).send().await,
        "query_filter",
    );
    assert_refused(
        &setup,
        query().customize(|b| b.conditional_operator(or.clone())).send().await,
        "conditional_operator",
    );
    assert_refused(
        &setup,
        query().customize(|b| b.attributes_to_get("plan")).send().await,
        "attributes_to_get",
    );
    assert_refused(&setup, query().customize(|b| b.select(Select::Count)).send().await, "select");
    assert_refused(
        &setup,
        users.scan().customize(|b| b.scan_filter("email", condition())).send().await,
        "scan_filter",
    );
    assert_refused(
        &setup,
        users.scan().customize(|b| b.conditional_operator(or)).send().await,
        "conditional_operator",
    );
    assert_refused(
        &setup,
        users.scan().customize(|b| b.attributes_to_get("plan")).send().await,
        "attributes_to_get",
    );
    assert_refused(
        &setup,
        users.scan().customize(|b| b.select(Select::SpecificAttributes)).send().await,
        "select",
    );
}

/// They would hold expressions and items of the caller's own, or vanish without a word.
#[tokio::test]
async fn a_batch_or_transaction_takes_no_actions_from_customize() {
    let (setup, users) = users().await;
    let user = user();
    let own_writes = || vec![WriteRequest::builder().build()];
    let delete =
        users.batch_delete(["u_1"]).customize(move |b| b.request_items("users", own_writes()));
    assert_refused(&setup, delete.send().await, "request_items");
    let keys =
        KeysAndAttributes::builder().set_keys(Some(Vec::new())).projection_expression("email");
    let keys = keys.build().expect("keys");
    let get = users.batch_get(["u_1"]).customize(move |b| b.request_items("users", keys.clone()));
    assert_refused(&setup, get.send().await, "request_items");
    let write = transact_write(&setup.dynamodb).delete(users.delete("u_1"));
    let write = write.customize(|b| b.transact_items(TransactWriteItem::builder().build()));
    assert_refused(&setup, write.send().await, "transact_items");
    let get = transact_get((users.get("u_1"),));
    let get = get.customize(|b| b.transact_items(TransactGetItem::builder().build()));
    assert_refused(&setup, get.send().await, "transact_items");
    let put =
        users.batch_put([user.clone()]).customize(move |b| b.request_items("users", own_writes()));
    let error = put.send().await.expect_err("request items");
    assert!(error.to_string().contains("`customize` must not set `request_items`"), "{error}");
    assert_eq!(setup.faults.all_requests().len(), 0);
}

/// The bodies of the requests of one operation, parsed.
fn sent(setup: &Setup, operation: &str) -> Vec<serde_json::Value> {
    let bodies = setup.faults.requests(operation);
    bodies.iter().map(|body| serde_json::from_slice(body).expect("a body is JSON")).collect()
}

#[tokio::test]
async fn what_customize_says_of_record_and_page_is_set_after_it() {
    let (setup, users) = users().await;
    let (user, id) = (user(), || AttributeValue::S("u_9".into()));
    let key = serde_json::json!({ "id": { "S": "u_1" } });
    let none = ReturnValue::None;

    let put = users
        .put(&user)
        .customize(|b| b.table_name("other").item("email", secret()).return_values(none.clone()));
    assert_eq!(put.returning_old().send().await.expect("a put"), None);
    let put = &sent(&setup, "PutItem")[0];
    assert_eq!((&put["TableName"], &put["ReturnValues"]), (&"users".into(), &"ALL_OLD".into()));
    assert_eq!(put["Item"].as_object().expect("an item").len(), 5);

    let update = users.update("u_1").add(|u| u.logins, 1);
    let update =
        update.customize(|b| b.table_name("other").key("id", id()).return_values(none.clone()));
    assert_eq!(update.returning_new().send().await.expect("an update").logins, 4);
    let modify = users
        .update("u_1")
        .add(|u| u.logins, 1)
        .customize(|b| b.key("id", id()).return_values(none.clone()));
    assert_eq!(
        modify
            .modify(|u| u.email.push('!'))
            .send()
            .await
            .expect("a change")
            .expect("a record")
            .logins,
        5
    );
    for update in sent(&setup, "UpdateItem") {
        assert_eq!((&update["TableName"], &update["Key"]), (&"users".into(), &key));
        assert_eq!(update["ReturnValues"], "ALL_NEW");
    }

    let get = users.get("u_1").customize(|b| b.table_name("other").key("id", id()));
    assert_eq!(get.send().await.expect("a get").expect("a record").logins, 5);
    let view = users.view::<Usage>("u_1").customize(|b| b.table_name("other").key("id", id()));
    assert_eq!(view.send().await.expect("a get").expect("a record").logins, 5);
    assert!(
        sent(&setup, "GetItem").iter().all(|get| get["TableName"] == "users" && get["Key"] == key)
    );

    let query = users.query("u_1").customize(|b| {
        b.table_name("other").index_name("by_plan").exclusive_start_key("id", id()).limit(7)
    });
    assert_eq!(query.send().await.expect("a query").len(), 1);
    let query = &sent(&setup, "Query")[0];
    assert_eq!(query["TableName"], "users");
    assert!(
        ["IndexName", "ExclusiveStartKey", "Limit"].iter().all(|name| query.get(name).is_none()),
        "{query}"
    );
    let scan = users.scan().customize(|b| {
        let b = b.table_name("other").index_name("by_plan").exclusive_start_key("id", id());
        b.limit(7).segment(1).total_segments(9)
    });
    assert_eq!(scan.send().await.expect("a scan").len(), 1);
    let scan = &sent(&setup, "Scan")[0];
    assert_eq!(scan["TableName"], "users");
    let unset = ["IndexName", "ExclusiveStartKey", "Limit", "Segment", "TotalSegments"];
    assert!(unset.iter().all(|name| scan.get(name).is_none()), "{scan}");

    let write =
        transact_write(&setup.dynamodb).check(users.check("u_1").if_exists()).client_token("ours");
    write.customize(|b| b.client_request_token("theirs")).send().await.expect("a transaction");
    assert_eq!(sent(&setup, "TransactWriteItems")[0]["ClientRequestToken"], "ours");
    let check = users.check("u_1").if_exists().customize(|b| b.table_name("other").key("id", id()));
    transact_write(&setup.dynamodb).check(check).send().await.expect("a transaction");
    let check = &sent(&setup, "TransactWriteItems")[1]["TransactItems"][0]["ConditionCheck"];
    assert_eq!((&check["TableName"], &check["Key"]), (&"users".into(), &key));

    let delete = users
        .delete("u_1")
        .customize(|b| b.table_name("other").key("id", id()).return_values(none));
    assert_eq!(delete.returning_old().send().await.expect("a delete").expect("a record").logins, 5);
    let delete = &sent(&setup, "DeleteItem")[0];
    assert_eq!((&delete["TableName"], &delete["Key"]), (&"users".into(), &key));
    assert_eq!(delete["ReturnValues"], "ALL_OLD");
    let bodies = setup.faults.all_requests();
    assert!(bodies.iter().all(|body| !String::from_utf8_lossy(body).contains(SECRET)));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    #[serde(rename = "post code")]
    post_code: String,
    floor: Option<u8>,
}

/// Readable attributes of every shape, under names that expressions cannot have without
/// placeholders.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "profiles")]
struct Profile {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    #[serde(rename = "size")]
    address: Address,
    #[plaintext]
    home: Option<Address>,
    #[plaintext]
    #[serde(rename = "the.tags")]
    tags: Vec<String>,
    #[plaintext]
    #[serde(rename = "Set of things", with = "envelope_dynamo::convert::string_set")]
    things: BTreeSet<String>,
    #[plaintext]
    settings: BTreeMap<String, u32>,
    #[plaintext]
    logins: u64,
    #[plaintext]
    limit: Option<u64>,
    #[plaintext]
    history: Vec<Vec<u64>>,
}

fn profile() -> Profile {
    let address = Address { post_code: "10115".into(), floor: Some(2) };
    Profile {
        id: "p_1".into(),
        email: "other@example.com".into(),
        address: address.clone(),
        home: Some(address),
        tags: vec!["new".into(), "trial".into()],
        things: BTreeSet::from(["cup".into()]),
        settings: BTreeMap::from([("font.size".into(), 12), ("select".into(), 7)]),
        logins: 3,
        limit: Some(5),
        history: vec![vec![1, 2], vec![3]],
    }
}

async fn profiles() -> (Setup, Table<Profile>) {
    let setup = Setup::new().await;
    let profiles = setup.table::<Profile>().await;
    profiles.put(&profile()).send().await.expect("the record is stored");
    setup.faults.forget_calls();
    (setup, profiles)
}

type Attributes = <Profile as Envelope>::Attributes;

/// Whether the stored profile fulfils a condition: by a filter, and by the condition of a write.
async fn holds(
    profiles: &Table<Profile>,
    condition: impl Fn(&Attributes) -> Condition<Profile>,
) -> bool {
    let filtered = profiles.scan().filter(&condition).send().await.expect("a filter").len() == 1;
    let written = match profiles.update("p_1").condition(&condition).send().await {
        Ok(()) => true,
        Err(error) if matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)) => {
            false
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(filtered, written);
    written
}

#[tokio::test]
async fn conditions_reach_elements_keys_and_fields() {
    let (_setup, profiles) = profiles().await;
    assert!(holds(&profiles, |p| p.tags.at(1).eq("trial").and(p.tags.at(2).not_exists())).await);
    assert!(!holds(&profiles, |p| p.tags.at(0).eq("trial")).await);
    assert!(
        holds(&profiles, |p| p
            .settings
            .key("font.size")
            .eq(12)
            .and(p.settings.key("select").lt(8)))
        .await
    );
    assert!(!holds(&profiles, |p| p.settings.key("font").exists()).await);
    assert!(holds(&profiles, |p| p.address.field::<String>("post code").begins_with("10")).await);
    assert!(holds(&profiles, |p| p.home.field::<Option<u8>>("floor").one_of([1, 2])).await);
    assert!(holds(&profiles, |p| p.history.at(0).at(1).between(2, 2)).await);
    assert!(!holds(&profiles, |p| p.history.at(1).at(1).exists()).await);
}

#[tokio::test]
async fn conditions_compare_attributes_with_each_other() {
    let (_setup, profiles) = profiles().await;
    assert!(holds(&profiles, |p| p.logins.lt(p.limit).and(p.limit.gt(p.logins))).await);
    assert!(!holds(&profiles, |p| p.logins.ge(p.limit)).await);
    assert!(holds(&profiles, |p| p.logins.eq(p.history.at(1).at(0))).await);
    assert!(holds(&profiles, |p| p.history.at(0).at(1).ne(p.logins)).await);
    assert!(holds(&profiles, |p| p.logins.between(p.history.at(0).at(0), p.limit)).await);
    assert!(
        holds(&profiles, |p| p.logins.between(1, p.limit).and(!p.logins.between(p.limit, 9))).await
    );
    let post_code = "post code";
    assert!(
        holds(&profiles, |p| p
            .home
            .field::<String>(post_code)
            .eq(p.address.field::<String>(post_code)))
        .await
    );
}

#[tokio::test]
async fn conditions_ask_for_sizes_and_types() {
    let (_setup, profiles) = profiles().await;
    assert!(holds(&profiles, |p| p.tags.size().eq(2).and(p.tags.at(0).size().le(3))).await);
    assert!(holds(&profiles, |p| p.settings.size().between(1, 2).and(p.things.size().lt(2))).await);
    assert!(
        !holds(&profiles, |p| p.tags.size().gt(2).or(p.tags.size().ne(2)).or(p.tags.size().ge(3)))
            .await
    );
    assert!(!holds(&profiles, |p| p.logins.size().gt(0)).await, "a number has no size");
    assert!(holds(&profiles, |p| p.tags.has_type(AttributeType::List)).await);
    assert!(holds(&profiles, |p| p.things.has_type(AttributeType::StringSet)).await);
    assert!(holds(&profiles, |p| p.settings.has_type(AttributeType::Map)).await);
    assert!(holds(&profiles, |p| p.settings.key("select").has_type(AttributeType::Number)).await);
    assert!(holds(&profiles, |p| p.id.has_type(AttributeType::String)).await);
    assert!(holds(&profiles, |p| !p.home.has_type(AttributeType::Null)).await);
    profiles.update("p_1").set(|p| p.home, None).send().await.expect("an update");
    assert!(holds(&profiles, |p| p.home.has_type(AttributeType::Null)).await);
}

#[tokio::test]
async fn updates_reach_elements_keys_and_fields() {
    let (_setup, profiles) = profiles().await;
    let update = profiles
        .update("p_1")
        .set(|p| p.tags.at(0), "old")
        .set(|p| p.settings.key("a new. key"), 1)
        .add(|p| p.settings.key("select"), -2)
        .set_if_absent(|p| p.settings.key("font.size"), 99)
        .set(|p| p.home.field::<String>("post code"), "20095")
        .remove(|p| p.home.field::<Option<u8>>("floor"))
        .remove(|p| p.tags.at(1))
        .append(|p| p.history.at(0), vec![9])
        .prepend(|p| p.history.at(1), vec![8])
        .add_elements(|p| p.things, BTreeSet::from(["pen".into()]))
        .set_from(|p| p.limit, |p| p.logins);
    let changed = update.returning_new().send().await.expect("an update");
    let settings = [("a new. key", 1), ("font.size", 12), ("select", 5)]
        .map(|(key, value)| (key.to_owned(), value));
    let expected = Profile {
        tags: vec!["old".into()],
        settings: BTreeMap::from(settings),
        home: Some(Address { post_code: "20095".into(), floor: None }),
        history: vec![vec![1, 2, 9], vec![8, 3]],
        things: BTreeSet::from(["cup".into(), "pen".into()]),
        limit: Some(3),
        ..profile()
    };
    assert_eq!(changed, expected);
    let update = profiles
        .update("p_1")
        .prepend(|p| p.tags, vec!["first".into()])
        .add(|p| p.settings.key("none"), 4);
    let changed = update
        .remove(|p| p.settings.key("select"))
        .returning_new()
        .send()
        .await
        .expect("an update");
    assert_eq!(changed.tags, ["first", "old"]);
    assert_eq!((changed.settings.get("none"), changed.settings.get("select")), (Some(&4), None));
}

#[tokio::test]
async fn a_required_field_within_an_attribute_cannot_be_removed() {
    let (setup, profiles) = profiles().await;
    let error = profiles.update("p_1").remove(|p| p.home.field::<String>("post code")).send().await;
    let told = error.expect_err("a required field").to_string();
    assert!(
        told.contains("`home.post code` is required: a record without it could not be read"),
        "{told}"
    );
    assert_eq!(setup.faults.all_requests().len(), 0);
}

fn named(name: &str) -> AttributePath<Profile, String, mark::Plaintext> {
    Profile::attribute::<String>(name.to_owned())
}

#[tokio::test]
async fn attributes_that_the_struct_does_not_have_can_be_named() {
    let (setup, profiles) = profiles().await;
    let update = profiles
        .update("p_1")
        .set(|_| named("a. b"), "x")
        .add(|_| Profile::attribute::<u32>("count"), 2);
    update.condition(|_| named("a. b").not_exists()).send().await.expect("an update");
    assert!(
        holds(&profiles, |_| named("a. b").eq("x").and(Profile::attribute::<u32>("count").eq(2)))
            .await
    );
    assert!(holds(&profiles, |p| Profile::attribute::<u64>("count").lt(p.logins)).await);
    let list = || Profile::attribute::<Vec<String>>("list");
    profiles
        .update("p_1")
        .append(|_| list(), vec!["y".to_owned()])
        .send()
        .await
        .expect("an update");
    profiles
        .update("p_1")
        .set(|_| list().at(0), "z")
        .remove(|_| named("a. b"))
        .send()
        .await
        .expect("an update");
    assert!(holds(&profiles, |_| list().at(0).eq("z").and(named("a. b").not_exists())).await);
    let read = profiles.get("p_1").send().await.expect("the record opens");
    assert_eq!(read, Some(profile()));
    assert!(setup.faults.calls("UpdateItem") > 3);
}

/// Names of the struct's fields and aliases, of the library's attributes, and of groups.
const TAKEN: [(&str, &str); 9] = [
    ("email", "an encrypted field"),
    ("mail", "an encrypted field"),
    ("encrypted_payload", "reserved for encrypted data"),
    ("encrypted_dek", "reserved for encrypted data"),
    ("encrypted_payload_clinic", "reserved for encrypted data"),
    ("encrypted_dek_clinic", "reserved for encrypted data"),
    ("plan", "a field of the struct"),
    ("id", "a field of the struct"),
    ("logins", "a field of the struct"),
];

#[tokio::test]
async fn a_name_that_is_taken_is_refused_wherever_it_is_named() {
    let (setup, users) = users().await;
    let user = user();
    let refused = |outcome: Result<(), envelope_dynamo::Error>, name: &str, reason: &str| {
        let error = outcome.expect_err(name);
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute, .. }) if attribute == name),
            "{error}"
        );
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!format!("{error:?}{error}").contains(SECRET), "{error}");
        assert_eq!(error.fault(), Fault::Caller);
        assert_eq!(setup.faults.all_requests().len(), 0);
    };
    for (name, reason) in TAKEN {
        let attribute = || User::attribute::<String>(name);
        let condition = |_: &_| attribute().eq(SECRET);
        refused(users.put(&user).condition(condition).send().await, name, reason);
        refused(users.delete("u_1").condition(condition).send().await, name, reason);
        refused(users.update("u_1").condition(condition).send().await, name, reason);
        refused(users.update("u_1").set(|_| attribute(), SECRET).send().await, name, reason);
        refused(
            users.update("u_1").set_if_absent(|_| attribute(), SECRET).send().await,
            name,
            reason,
        );
        refused(users.update("u_1").remove(|_| attribute()).send().await, name, reason);
        refused(
            users.update("u_1").add(|_| User::attribute::<u8>(name), 1).send().await,
            name,
            reason,
        );
        let inner = || User::attribute::<Vec<String>>(name);
        refused(
            users.update("u_1").append(|_| inner(), vec![SECRET.to_owned()]).send().await,
            name,
            reason,
        );
        refused(
            users.update("u_1").condition(|_| inner().at(0).eq(SECRET)).send().await,
            name,
            reason,
        );
        refused(users.update("u_1").condition(|_| inner().size().lt(7)).send().await, name, reason);
        refused(
            users.update("u_1").condition(|u| u.plan.eq(attribute())).send().await,
            name,
            reason,
        );
        refused(
            users.update("u_1").condition(|_| !attribute().exists()).send().await,
            name,
            reason,
        );
        if name != "id" {
            refused(users.query("u_1").filter(condition).send().await.map(|_| ()), name, reason);
        }
        refused(users.scan().filter(condition).send().await.map(|_| ()), name, reason);
        refused(users.scan().filter(condition).count().await.map(|_| ()), name, reason);
        let check = users.check("u_1").condition(condition);
        let error = transact_write(&setup.dynamodb).check(check).send().await.expect_err(name);
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(setup.faults.all_requests().len(), 0);
    }
    // The names within an element, and the other side, are looked at as well.
    let inner = users.update("u_1").set(|_| User::attribute::<Vec<String>>("mail").at(0), SECRET);
    let error = inner.send().await.expect_err("an alias");
    assert_eq!(
        error.to_string(),
        "users[id=u_1]: `mail` is the name of an encrypted field: DynamoDB cannot evaluate it, and the value would \
         be sent in plaintext; nothing was sent"
    );
    refused(
        users.update("u_1").condition(|_| User::attribute::<String>("").eq(SECRET)).send().await,
        "",
        "empty",
    );
}

#[tokio::test]
async fn modify_refuses_a_taken_name_before_it_writes() {
    let setup = Setup::new().await;
    let users = setup.table::<User>().await;
    users.put(&user()).send().await.expect("the record is stored");
    setup.faults.forget_calls();
    for (name, reason) in TAKEN {
        let modify = users
            .update("u_1")
            .set(|_| User::attribute::<String>(name), SECRET)
            .modify(|u| u.email.push('!'));
        let error = modify.send().await.expect_err(name);
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(setup.faults.calls("UpdateItem"), 0);
    let bodies = setup.faults.all_requests();
    assert!(bodies.iter().all(|body| !String::from_utf8_lossy(body).contains(SECRET)));
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
struct Customer {
    #[key]
    user_id: String,
    #[encrypted]
    phone: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "ORDER#{order_id}")]
struct Order {
    #[key]
    order_id: String,
    #[encrypted]
    #[serde(alias = "pan")]
    card: String,
    #[plaintext]
    state: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Shop {
    Customer(Customer),
    Order(Order),
}

#[tokio::test]
async fn in_a_table_of_an_enum_the_names_of_every_kind_are_taken() {
    let setup = Setup::new().await;
    setup.table::<Customer>().await;
    let shop = Table::<Shop>::new(setup.dynamodb.clone(), setup.keys.clone());
    setup.faults.forget_calls();
    for name in ["card", "pan", "state", "pk", "phone", "order_id"] {
        let filter = |_: &_| Customer::attribute::<String>(name).eq(SECRET);
        shop.scan().filter(filter).send().await.expect_err(name);
        let customers = shop.of::<Customer>();
        customers.delete("u_1").condition(filter).send().await.expect_err(name);
        customers
            .update("u_1")
            .set(|_| Customer::attribute::<String>(name), SECRET)
            .send()
            .await
            .expect_err(name);
        customers
            .update("u_1")
            .condition(filter)
            .modify(|_| {})
            .send()
            .await
            .expect("no record to change");
    }
    let bodies = setup.faults.all_requests();
    assert!(bodies.iter().all(|body| !String::from_utf8_lossy(body).contains(SECRET)));
    assert_eq!(
        shop.scan()
            .filter(|_| Customer::attribute::<String>("free").eq("x"))
            .send()
            .await
            .expect("a scan"),
        []
    );
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "strict")]
#[serde(deny_unknown_fields)]
struct Strict {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    note: Option<String>,
}

#[tokio::test]
async fn a_struct_that_denies_unknown_fields_is_given_none() {
    let setup = Setup::new().await;
    let table = setup.table::<Strict>().await;
    let record = Strict { id: "s".into(), email: "e".into(), note: None };
    table.put(&record).send().await.expect("the record is stored");
    let other = || Strict::attribute::<String>("other");
    let error = table.update("s").set(|_| other(), "x").send().await.expect_err("an unknown field");
    assert!(
        error
            .to_string()
            .contains("`other` is not a field of the struct, which has `deny_unknown_fields`"),
        "{error}"
    );
    table
        .update("s")
        .set(|s| s.note, "n")
        .remove(|_| other())
        .condition(|_| other().not_exists())
        .send()
        .await
        .expect("an update");
    assert_eq!(
        table.get("s").send().await.expect("the record opens"),
        Some(Strict { note: Some("n".into()), ..record })
    );
}

#[tokio::test]
async fn a_number_within_an_attribute_stays_in_the_range_of_its_type() {
    let (setup, profiles) = profiles().await;
    for (amount, reason) in
        [(-8_i64, "cannot take this addition"), (u32::MAX.into(), "cannot take this addition")]
    {
        let error = profiles
            .update("p_1")
            .add(|p| p.settings.key("select"), amount)
            .send()
            .await
            .expect_err("a limit");
        assert!(error.to_string().contains(&format!("`settings[_]` {reason}")), "{error}");
    }
    profiles.update("p_1").add(|p| p.settings.key("select"), -7).send().await.expect("an update");
    profiles.update("p_1").add(|p| p.history.at(0).at(1), 40).send().await.expect("an update");
    let read = profiles.get("p_1").send().await.expect("the record opens").expect("a record");
    assert_eq!((read.settings["select"], read.history[0][1]), (0, 42));
    assert_eq!(setup.faults.calls("UpdateItem"), 4);
}

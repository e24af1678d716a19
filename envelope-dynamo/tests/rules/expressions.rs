//! Strings in which an expression could name what is sealed: none reaches DynamoDB, whatever it says.

use std::fmt::{Debug, Display};

use aws_sdk_dynamodb::types::{
    AttributeValue, AttributeValueUpdate, ComparisonOperator, Condition as LegacyCondition, ConditionalOperator,
    ExpectedAttributeValue, KeysAndAttributes, ReturnValue, Select, TransactGetItem, TransactWriteItem, WriteRequest,
};
use envelope_dynamo::{Envelope, Fault, Table, View, transact_get, transact_write};

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

/// The error says that `customize` must not set `setting`, nothing of the value, and nothing was sent.
fn assert_refused<T: Debug, E: Display + Debug>(setup: &Setup, outcome: Result<T, E>, setting: &str) -> E {
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
        let delete = users
            .delete("u_1")
            .customize(|delete| delete.condition_expression(attack).expression_attribute_values(":v", secret()));
        assert_refused(&setup, delete.send().await, "condition_expression");
        let update = users
            .update("u_1")
            .add(|u| u.logins, 1)
            .customize(|update| update.condition_expression(attack).expression_attribute_values(":v", secret()));
        assert_refused(&setup, update.send().await, "condition_expression");
        let check = users
            .check("u_1")
            .if_exists()
            .customize(|check| check.condition_expression(attack).expression_attribute_values(":v", secret()));
        assert_refused(&setup, transact_write(&setup.dynamodb).check(check).send().await, "condition_expression");
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
            users.scan().customize(|scan| scan.filter_expression(attack).expression_attribute_values(":v", secret()))
        };
        assert_refused(&setup, scan().send().await, "filter_expression");
        assert_refused(&setup, scan().count().await, "filter_expression");
        assert_refused(&setup, scan().views::<Usage>(), "filter_expression");
        let query = by_plan
            .query("pro")
            .customize(|query| query.filter_expression(attack).expression_attribute_values(":v", secret()));
        assert_refused(&setup, query.send().await, "filter_expression");
        let query = users
            .query("u_1")
            .customize(|query| query.key_condition_expression(attack).expression_attribute_values(":v", secret()));
        assert_refused(&setup, query.send().await, "key_condition_expression");
    }
}

#[tokio::test]
async fn no_projection_that_is_a_string_is_sent() {
    let (setup, users) = users().await;
    let get =
        users.get("u_1").customize(|get| get.projection_expression("#l").expression_attribute_names("#l", "logins"));
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
    let (user, names, values) = (user(), "expression_attribute_names", "expression_attribute_values");
    let (name, value) = (("#e", "email"), (":e", secret()));
    assert_refused(&setup, users.put(&user).customize(|b| b.expression_attribute_names(name.0, name.1)).await, names);
    let put = users.put(&user).customize(|b| b.expression_attribute_values(value.0, secret()));
    assert_refused(&setup, put.await, values);
    assert_refused(
        &setup,
        users.delete("u_1").customize(|b| b.expression_attribute_names(name.0, name.1)).await,
        names,
    );
    assert_refused(
        &setup,
        users.delete("u_1").customize(|b| b.expression_attribute_values(":e", secret())).await,
        values,
    );
    assert_refused(
        &setup,
        users.update("u_1").customize(|b| b.expression_attribute_names(name.0, name.1)).await,
        names,
    );
    assert_refused(
        &setup,
        users.update("u_1").customize(|b| b.expression_attribute_values(":e", secret())).await,
        values,
    );
    assert_refused(&setup, users.get("u_1").customize(|b| b.expression_attribute_names(name.0, name.1)).await, names);
    let view = users.view::<Usage>("u_1").customize(|b| b.expression_attribute_names(name.0, name.1));
    assert_refused(&setup, view.await, names);
    assert_refused(&setup, users.query("u_1").customize(|b| b.expression_attribute_names(name.0, name.1)).await, names);
    assert_refused(
        &setup,
        users.query("u_1").customize(|b| b.expression_attribute_values(":e", secret())).await,
        values,
    );
    assert_refused(&setup, users.scan().customize(|b| b.expression_attribute_names(name.0, name.1)).await, names);
    assert_refused(&setup, users.scan().customize(|b| b.expression_attribute_values(":e", secret())).await, values);
    for check in [
        users.check("u_1").if_exists().customize(|b| b.expression_attribute_names(name.0, name.1)),
        users.check("u_1").if_exists().customize(|b| b.expression_attribute_values(":e", secret())),
    ] {
        let error = transact_write(&setup.dynamodb).check(check).send().await.expect_err("a placeholder");
        assert!(error.to_string().contains("`customize` must not set `expression_attribute_"), "{error}");
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
    assert_refused(&setup, put().customize(|b| b.expected("email", expected())).await, "expected");
    assert_refused(&setup, put().customize(|b| b.conditional_operator(or.clone())).await, "conditional_operator");
    let transaction = transact_write(&setup.dynamodb).put(put().customize(|b| b.expected("email", expected())));
    assert_refused(&setup, transaction.send().await, "expected");
    let delete = || users.delete("u_1");
    assert_refused(&setup, delete().customize(|b| b.expected("email", expected())).await, "expected");
    assert_refused(&setup, delete().customize(|b| b.conditional_operator(or.clone())).await, "conditional_operator");
    let update = || users.update("u_1").add(|u| u.logins, 1);
    assert_refused(&setup, update().customize(|b| b.expected("email", expected())).await, "expected");
    assert_refused(&setup, update().customize(|b| b.conditional_operator(or.clone())).await, "conditional_operator");
    assert_refused(&setup, update().customize(|b| b.attribute_updates("plan", change())).await, "attribute_updates");
    assert_refused(&setup, users.get("u_1").customize(|b| b.attributes_to_get("plan")).await, "attributes_to_get");
    let view = users.view::<Usage>("u_1").customize(|b| b.attributes_to_get("plan"));
    assert_refused(&setup, view.await, "attributes_to_get");
    let query = || users.query("u_1");
    assert_refused(&setup, query().customize(|b| b.key_conditions("email", condition())).await, "key_conditions");
    assert_refused(&setup, query().customize(|b| b.query_filter("email", condition())).await, "query_filter");
    assert_refused(&setup, query().customize(|b| b.conditional_operator(or.clone())).await, "conditional_operator");
    assert_refused(&setup, query().customize(|b| b.attributes_to_get("plan")).await, "attributes_to_get");
    assert_refused(&setup, query().customize(|b| b.select(Select::Count)).await, "select");
    assert_refused(&setup, users.scan().customize(|b| b.scan_filter("email", condition())).await, "scan_filter");
    assert_refused(&setup, users.scan().customize(|b| b.conditional_operator(or)).await, "conditional_operator");
    assert_refused(&setup, users.scan().customize(|b| b.attributes_to_get("plan")).await, "attributes_to_get");
    assert_refused(&setup, users.scan().customize(|b| b.select(Select::SpecificAttributes)).await, "select");
}

/// They would hold expressions and items of the caller's own, or vanish without a word.
#[tokio::test]
async fn a_batch_or_transaction_takes_no_actions_from_customize() {
    let (setup, users) = users().await;
    let user = user();
    let own_writes = || vec![WriteRequest::builder().build()];
    let delete = users.batch_delete(["u_1"]).customize(move |b| b.request_items("users", own_writes()));
    assert_refused(&setup, delete.send().await, "request_items");
    let keys = KeysAndAttributes::builder().set_keys(Some(Vec::new())).projection_expression("email");
    let keys = keys.build().expect("keys");
    let get = users.batch_get(["u_1"]).customize(move |b| b.request_items("users", keys.clone()));
    assert_refused(&setup, get.send().await, "request_items");
    let write = transact_write(&setup.dynamodb).delete(users.delete("u_1"));
    let write = write.customize(|b| b.transact_items(TransactWriteItem::builder().build()));
    assert_refused(&setup, write.send().await, "transact_items");
    let get = transact_get((users.get("u_1"),));
    let get = get.customize(|b| b.transact_items(TransactGetItem::builder().build()));
    assert_refused(&setup, get.send().await, "transact_items");
    let put = users.batch_put([user.clone()]).customize(move |b| b.request_items("users", own_writes()));
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

    let put = users.put(&user).customize(|b| b.table_name("other").item("email", secret()).return_values(none.clone()));
    assert_eq!(put.returning_old().await.expect("a put"), None);
    let put = &sent(&setup, "PutItem")[0];
    assert_eq!((&put["TableName"], &put["ReturnValues"]), (&"users".into(), &"ALL_OLD".into()));
    assert_eq!(put["Item"].as_object().expect("an item").len(), 5);

    let update = users.update("u_1").add(|u| u.logins, 1);
    let update = update.customize(|b| b.table_name("other").key("id", id()).return_values(none.clone()));
    assert_eq!(update.returning_new().await.expect("an update").logins, 4);
    let modify = users.update("u_1").add(|u| u.logins, 1).customize(|b| b.key("id", id()).return_values(none.clone()));
    assert_eq!(modify.modify(|u| u.email.push('!')).await.expect("a change").expect("a record").logins, 5);
    for update in sent(&setup, "UpdateItem") {
        assert_eq!((&update["TableName"], &update["Key"]), (&"users".into(), &key));
        assert_eq!(update["ReturnValues"], "ALL_NEW");
    }

    let get = users.get("u_1").customize(|b| b.table_name("other").key("id", id()));
    assert_eq!(get.await.expect("a get").expect("a record").logins, 5);
    let view = users.view::<Usage>("u_1").customize(|b| b.table_name("other").key("id", id()));
    assert_eq!(view.await.expect("a get").expect("a record").logins, 5);
    assert!(sent(&setup, "GetItem").iter().all(|get| get["TableName"] == "users" && get["Key"] == key));

    let query = users
        .query("u_1")
        .customize(|b| b.table_name("other").index_name("by_plan").exclusive_start_key("id", id()).limit(7));
    assert_eq!(query.await.expect("a query").len(), 1);
    let query = &sent(&setup, "Query")[0];
    assert_eq!(query["TableName"], "users");
    assert!(["IndexName", "ExclusiveStartKey", "Limit"].iter().all(|name| query.get(name).is_none()), "{query}");
    let scan = users.scan().customize(|b| {
        let b = b.table_name("other").index_name("by_plan").exclusive_start_key("id", id());
        b.limit(7).segment(1).total_segments(9)
    });
    assert_eq!(scan.await.expect("a scan").len(), 1);
    let scan = &sent(&setup, "Scan")[0];
    assert_eq!(scan["TableName"], "users");
    let unset = ["IndexName", "ExclusiveStartKey", "Limit", "Segment", "TotalSegments"];
    assert!(unset.iter().all(|name| scan.get(name).is_none()), "{scan}");

    let write = transact_write(&setup.dynamodb).check(users.check("u_1").if_exists()).client_token("ours");
    write.customize(|b| b.client_request_token("theirs")).await.expect("a transaction");
    assert_eq!(sent(&setup, "TransactWriteItems")[0]["ClientRequestToken"], "ours");
    let check = users.check("u_1").if_exists().customize(|b| b.table_name("other").key("id", id()));
    transact_write(&setup.dynamodb).check(check).await.expect("a transaction");
    let check = &sent(&setup, "TransactWriteItems")[1]["TransactItems"][0]["ConditionCheck"];
    assert_eq!((&check["TableName"], &check["Key"]), (&"users".into(), &key));

    let delete = users.delete("u_1").customize(|b| b.table_name("other").key("id", id()).return_values(none));
    assert_eq!(delete.returning_old().await.expect("a delete").expect("a record").logins, 5);
    let delete = &sent(&setup, "DeleteItem")[0];
    assert_eq!((&delete["TableName"], &delete["Key"]), (&"users".into(), &key));
    assert_eq!(delete["ReturnValues"], "ALL_OLD");
    let bodies = setup.faults.all_requests();
    assert!(bodies.iter().all(|body| !String::from_utf8_lossy(body).contains(SECRET)));
}

//! The calls for unique values: of a service that writes them, of one that reads by them, and of
//! the runs that claim those of stored records.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::WriteError;
use envelope_dynamo::keys::{SearchKeyTable, SearchKeys};
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::{Envelope, ErrorKind, KmsKeyProvider, Table};
use envelope_examples::servers::unique_name;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::calls::{Calls, in_account, policy, table_arn};
use crate::process::file;

#[derive(Debug, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase), unique)]
    email: String,
}

/// A user as the struct was before the address became unique.
mod before {
    use envelope_dynamo::Envelope;

    #[derive(Debug, Envelope)]
    #[envelope(table = "users", index(name = "by-email", partition_key = email))]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted]
        #[searchable(normalize(trim, ascii_lowercase))]
        pub(super) email: String,
    }
}

/// A service, and the tables that it uses.
struct Users<'b> {
    bench: &'b Bench,
    calls: &'b Calls,
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
    name: String,
    claims: String,
    schema: String,
}

impl<'b> Users<'b> {
    async fn new(bench: &'b Bench, calls: &'b Calls) -> Self {
        let key = ["create", "--branch", "users", "--kms-key", &bench.new];
        for arguments in [&["create-table"][..], &key] {
            let ended = bench.search_keys(arguments);
            assert_eq!(ended.code, 0, "{ended:?}");
        }
        let (dynamodb, kms) = bench.clients().await;
        let schema = SchemaFile::new().with::<User>().to_string();
        let schema = file("unique-users.schema.json", &schema);
        let (name, claims) = (unique_name("users"), unique_name("user-claims"));
        let this = Self { bench, calls, dynamodb, kms, name, claims, schema };
        this.table::<User>().create_table().send().await.unwrap();
        this.table::<User>().create_claims_table().await.unwrap();
        this.calls.requests();
        this
    }

    fn table<T: Envelope>(&self) -> Table<T> {
        let kms = |key: &str| KmsKeyProvider::new(self.kms.clone(), key);
        let dynamodb = || self.dynamodb.clone();
        let store = SearchKeyTable::new(dynamodb(), "search-keys", kms(&self.bench.new));
        let keys = SearchKeys::per_table(store.named(&self.bench.searches));
        let table = Table::new(dynamodb(), kms(&self.bench.old)).named(&*self.name);
        table.with_search_keys(keys).with_claims(&*self.claims)
    }

    /// Deletes a record as a time to live does: its claim is left.
    async fn expire(&self, user_id: &str) {
        let delete = self.bench.servers.dynamodb().delete_item().table_name(&self.name);
        let key = AttributeValue::S(user_id.to_owned());
        delete.key("user_id", key).send().await.unwrap();
    }

    /// The calls since the last time, with the policies of these roles together.
    fn role(&self, roles: &[&str]) -> Value {
        let (old, new) = (in_account(&self.bench.old), in_account(&self.bench.new));
        let (table, claims) = (table_arn(&self.name), table_arn(&self.claims));
        let searches = table_arn(&self.bench.searches);
        let facts = [
            "--table-arn",
            &table,
            "--claims",
            &claims,
            "--kms-key",
            &old,
            "--search-keys",
            &searches,
            "--search-kms-key",
            &new,
        ];
        let requests = self.calls.requests();
        let requests: Vec<Value> =
            requests.iter().map(|request| serde_json::from_str(request).unwrap()).collect();
        let policies: Vec<_> =
            roles.iter().map(|role| policy(&self.schema, role, &facts)).collect();
        json!({
            "role": format!("{} of unique values", roles.join(" and ")),
            "policy": policies, "requests": requests,
        })
    }

    /// The actions on one table among the requests of a role.
    fn actions(role: &Value, table: &str) -> BTreeSet<String> {
        let requests = role["requests"].as_array().unwrap().iter();
        let on_table = requests.filter(|it| it["resource"] == table_arn(table));
        let action = |it: &Value| it["action"].as_str().unwrap().replace("dynamodb:", "");
        on_table.map(action).collect()
    }
}

fn user(user_id: &str, email: &str) -> User {
    User { user_id: user_id.to_owned(), email: email.to_owned() }
}

fn set<const N: usize>(actions: [&str; N]) -> BTreeSet<String> {
    actions.map(str::to_owned).into()
}

/// The roles, each with its policy and what it asked. Each is also compared with what its policy
/// allows on the table of claims, so that no role has more than it uses.
pub(super) async fn roles() -> Vec<Value> {
    let calls = Calls::default();
    let bench = Bench::watched(0, calls.clone()).await;
    let users = Users::new(&bench, &calls).await;
    let table = users.table::<User>();

    table.put(&user("u_1", "zoe@example.com")).if_not_exists().send().await.unwrap();
    let taken = table.put(&user("u_2", "Zoe@example.com")).send().await.unwrap_err();
    assert!(
        matches!(taken.kind(), ErrorKind::Write(WriteError::Taken { field: "email" })),
        "{taken}"
    );
    // A put with another value releases the former one.
    table.put(&user("u_1", "zoe@example.org")).send().await.unwrap();
    users.expire("u_1").await;
    table.put(&user("u_2", "zoe@example.org")).send().await.unwrap();
    table.delete("u_2").send().await.unwrap();
    let writer = users.role(&["writer"]);
    assert_eq!(Users::actions(&writer, &users.claims), set(["DeleteItem", "GetItem", "PutItem"]));
    assert_eq!(
        Users::actions(&writer, &users.name),
        set(["ConditionCheckItem", "DeleteItem", "GetItem", "PutItem"])
    );

    table.put(&user("u_3", "max@example.com")).send().await.unwrap();
    calls.requests();
    let change = |user: &mut User| user.email = "max@example.org".to_owned();
    table.update("u_3").modify(change).send().await.unwrap();
    let changes = users.role(&["writer", "reader"]);
    assert_eq!(Users::actions(&changes, &users.claims), set(["DeleteItem", "PutItem"]));

    let table = users.table::<User>();
    let found = table.unique(|u| u.email).get("Max@example.org").send().await.unwrap();
    assert_eq!(found.unwrap().user_id, "u_3");
    let reader = users.role(&["reader"]);
    assert_eq!(Users::actions(&reader, &users.claims), set(["GetItem"]));
    assert_eq!(Users::actions(&reader, &users.name), set(["GetItem"]));

    vec![writer, changes, reader, reindexer(&users).await, backfill(&users).await]
}

/// Claims the value of a stored record, which a record that is gone has left.
async fn reindexer(users: &Users<'_>) -> Value {
    let bench = users.bench;
    users.expire("u_3").await;
    let before = before::User { user_id: "u_4".to_owned(), email: "max@example.org".to_owned() };
    users.table::<before::User>().put(&before).send().await.unwrap();
    users.calls.requests();
    let table = ["reindex", "--table", &users.name, "--schema", &users.schema];
    let keys = ["--kms-key", &bench.old, "--claims", &users.claims];
    let search = ["--search-keys", &bench.searches, "--search-kms-key", &bench.new];
    let ended = bench.run(&[&table[..], &keys, &search].concat());
    assert!(ended.stdout.starts_with("reindexed 1   already 0"), "{ended:?}");
    let role = users.role(&["reindexer"]);
    assert_eq!(Users::actions(&role, &users.claims), set(["GetItem", "PutItem"]));
    let on_records = Users::actions(&role, &users.name);
    for action in ["ConditionCheckItem", "GetItem", "UpdateItem"] {
        assert!(on_records.contains(action), "{action}: {on_records:?}");
    }
    role
}

/// Seals a plain item whose value a record that is gone has left.
async fn backfill(users: &Users<'_>) -> Value {
    users.expire("u_4").await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = users.bench.servers.dynamodb().put_item().table_name(&users.name);
    let put = put.item("user_id", text("u_5")).item("email", text("max@example.org"));
    put.send().await.unwrap();
    let table = users.table::<User>();
    users.calls.requests();
    let counts = table.backfill().send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    let role = users.role(&["backfill"]);
    assert_eq!(Users::actions(&role, &users.claims), set(["GetItem", "PutItem"]));
    role
}

//! A field that was renamed: its value may stand under another name than the tag's.

use envelope_dynamo::maintain::{SchemaFile, StoredTable};

use super::*;

/// The program of before: it wrote records without an address, which name the field all the same.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct Before {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// A program that has the address under another name, and does not know the first one.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct Renamed {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mail: Option<String>,
}

/// Today's program, which reads both names.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", index(name = "by-email", partition_key = email))]
struct Today {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable]
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "mail")]
    email: Option<String>,
}

#[tokio::test]
async fn a_value_under_an_alias_is_found_beside_the_name_without_a_value() {
    let bench = Bench::with(&[]).await;
    let before = Before { user_id: "u_1".to_owned(), email: None };
    bench.without_keys().put(&before).send().await.unwrap();
    let renamed = bench.without_keys::<Renamed>();
    let change = |user: &mut Renamed| user.mail = Some("zoe@example.com".to_owned());
    renamed.update("u_1").modify(change).send().await.unwrap();
    let today = bench.table::<Today>(only(1));
    let zoe = Today { user_id: "u_1".to_owned(), email: Some("zoe@example.com".to_owned()) };
    assert_eq!(today.get("u_1").send().await.unwrap().as_ref(), Some(&zoe));

    let schema = SchemaFile::new().with::<Today>();
    let table = StoredTable::new(bench.servers.dynamodb().clone(), &schema, "users").unwrap();
    let table = table.named(&bench.name);
    let counts = table.reindex(bench.keys.clone(), bench.keys.clone(), &only(1)).send().await;
    assert_eq!(counts.unwrap().changed, 1);
    let (read, errors, passed_over) =
        results(today.index(|i| i.by_email).query("zoe@example.com").stream().unwrap()).await;
    assert_eq!((read, errors.len(), passed_over), (vec![zoe], 0, 0));
}

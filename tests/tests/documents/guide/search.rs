//! The code of docs/guide/search.md.

use envelope_dynamo::error::WriteError;
use envelope_dynamo::keys::{LocalSearchKeys, SearchKey, SearchKeyTable, SearchKeys};
use envelope_dynamo::{Envelope, Error, ErrorKind, KmsKeyProvider, Table};
use envelope_examples::servers::unique_name;
use envelope_tests::{Item, local_keys, servers, stored, text};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", index(name = "by-email", partition_key = email))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
}

#[tokio::test]
async fn the_guide_writes_search_tags_and_searches() -> Result<(), Box<dyn std::error::Error>> {
    let servers = servers().await;
    let (dynamodb, search_kms) = (
        servers.dynamodb().clone(),
        KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id()),
    );
    let (name, physical_keys) = (unique_name("users"), unique_name("search-keys"));
    let users = Table::<User>::new(dynamodb.clone(), local_keys(1)).named(&name);
    users.create_table().send().await?;
    let user = User { user_id: "u_1".to_owned(), email: " Zoe@example.com".to_owned() };

    let keys = SearchKeyTable::new(dynamodb.clone(), "search-keys", search_kms);
    let keys = keys.named(physical_keys); // each test has its own
    keys.create_table().await?; // once, by the operator
    keys.create("users").await?; // once for the table `users`

    let users = users.with_search_keys(SearchKeys::per_table(keys));
    users.put(&user).send().await?;
    let key = Item::from([("user_id".to_owned(), text("u_1"))]);
    let item = stored(&servers, &name, key).await.ok_or("no such item")?;
    assert!(item.contains_key("blind_email"));

    let new_user = User { user_id: "u_2".to_owned(), ..user.clone() };
    let provider = local_keys(1);
    let ingest = Table::<User>::new(dynamodb, provider).named(&name).without_search_tags();
    ingest.put(&new_user).send().await?;

    let by_email = users.index(|i| i.by_email);
    let found: Option<User> = by_email.query("ZOE@example.com ").one().await?;
    let all: Vec<User> = by_email.query("zoe@example.com").limit(20).send().await?;
    assert_eq!((found.as_ref(), all.as_slice()), (Some(&user), &[user.clone()][..]));
    Ok(())
}

mod unique {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    struct User {
        #[partition_key]
        user_id: String,
        #[encrypted]
        #[searchable(normalize(trim, ascii_lowercase), unique)]
        email: String,
    }

    #[tokio::test]
    async fn the_guide_keeps_values_unique() -> Result<(), Box<dyn std::error::Error>> {
        let servers = servers().await;
        let users = Table::new(servers.dynamodb().clone(), local_keys(1));
        let users = users.named(unique_name("users"));
        users.create_table().send().await?;
        let user = User { user_id: "u_1".to_owned(), email: "zoe@example.com".to_owned() };
        let keys = LocalSearchKeys::new(SearchKey::generate()?).into();
        sign_up_and_log_in(users, user, keys).await?;
        Ok(())
    }

    async fn sign_up_and_log_in(
        users: Table<User>,
        user: User,
        keys: SearchKeys,
    ) -> Result<(), Error> {
        let users = users.with_search_keys(keys).with_claims("user-claims");
        let users = users.with_claims(unique_name("user-claims")); // each test has its own
        users.create_claims_table().await?; // once, by the operator: partition key `claim`, of type B

        match users.put(&user).if_not_exists().send().await {
            Ok(()) => println!("welcome"),
            Err(error) => match error.kind() {
                ErrorKind::Write(WriteError::Taken { field }) => println!("{field} is in use"),
                _ => return Err(error),
            },
        }
        let user: Option<User> = users.unique(|u| u.email).get("Zoe@Example.com ").send().await?;
        assert_eq!(user.map(|user| user.user_id).as_deref(), Some("u_1"));
        Ok(())
    }
}

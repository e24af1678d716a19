//! Moves a table that AWS's Database Encryption SDK wrote, while it is in use. README.md says how to
//! run it; docs/guide/from-others.md goes through it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use aws_db_esdk::item_encryptor::client::Client as Esdk;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::item::{Item, is_sealed};
use envelope_dynamo::maintain::Converted;
use envelope_dynamo::{LocalKeyProvider, RootKey, Table, from_item};
use envelope_peers::{Failure, User, open_by_peer, peer, seal_by_peer, user};

const USERS: usize = 200;

/// The application's way to the table while both forms are in it.
struct Users {
    table: Table<User>,
    keys: LocalKeyProvider,
    esdk: Arc<Esdk>,
}

impl Users {
    /// Reads both forms.
    async fn get(&self, id: &str) -> Result<Option<User>, Failure> {
        let get = self.table.client().get_item().table_name(self.table.name());
        let get = get.key("user_id", AttributeValue::S(id.to_owned())).consistent_read(true);
        match get.send().await?.item {
            None => Ok(None),
            Some(item) if is_sealed(&item) => Ok(Some(from_item(item, &self.keys).await?)),
            Some(item) => open_by_peer(&self.esdk, item).await.map(Some),
        }
    }

    /// Build A: writes the old form, but seals where a sealed record stands.
    async fn put_old(&self, user: &User) -> Result<(), Failure> {
        let put = self.table.client().put_item().table_name(self.table.name());
        let put = put.set_item(Some(seal_by_peer(&self.esdk, user).await?));
        match put.condition_expression("attribute_not_exists(encrypted_payload)").send().await {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(self.table.put(user).send().await?)
            }
            answer => Ok(answer.map(drop)?),
        }
    }
}

fn numbered(number: usize) -> User {
    User { user_id: format!("u_{number}"), ..user() }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL_DYNAMODB")?;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "key", None, None, "made up"))
        .endpoint_url(endpoint);
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    let keys = || Ok::<_, Failure>(LocalKeyProvider::new(RootKey::from_bytes(&[9; 32])?));
    let esdk = Arc::new(peer().await?);
    let table = Table::<User>::new(client, keys()?);
    let users = Users { table: table.clone(), keys: keys()?, esdk: Arc::clone(&esdk) };
    table.create_table().send().await?;
    for number in 0..USERS {
        users.put_old(&numbered(number)).await?;
    }

    // Build B seals what it writes. Build A, which runs beside it for a while, leaves it sealed.
    table.put(&numbered(0)).send().await?;
    table.put(&numbered(1)).send().await?;
    users.put_old(&numbered(1)).await?;
    for number in 0..USERS {
        assert_eq!(users.get(&numbered(number).user_id).await?, Some(numbered(number)));
    }
    println!("builds A and B read {USERS} users in both forms");

    // Seals the rest.
    let read = move |item: Item| {
        let esdk = Arc::clone(&esdk);
        async move {
            if !item.contains_key("aws_dbe_head") {
                return Ok(None);
            }
            let converted = Converted::new(open_by_peer(&esdk, item).await?);
            let converted = converted.remove("aws_dbe_head").remove("aws_dbe_foot");
            Ok::<_, Failure>(Some(converted))
        }
    };
    let start = Instant::now();
    let counts = table.backfill_from(read).send().await?;
    let (changed, already, failed) = (counts.changed, counts.already, counts.failed);
    println!("backfill: {changed} sealed, {already} were sealed, {failed} failed");
    println!("in {:.1} s", start.elapsed().as_secs_f64());

    // Build C: `Table` alone.
    let mut names = BTreeSet::new();
    for item in table.client().scan().table_name(table.name()).send().await?.items() {
        names.extend(item.keys().cloned());
    }
    println!("attributes of all items: {names:?}");
    for number in 0..USERS {
        assert_eq!(table.get(&numbered(number).user_id).send().await?, Some(numbered(number)));
    }
    println!("build C reads {USERS} users, all as before");

    // Somebody who can write the table puts an old item back, changes one, or moves one.
    let old = seal_by_peer(&users.esdk, &numbered(7)).await?;
    let with = |name: &str, value: &str| {
        let mut item = old.clone();
        item.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
        item
    };
    let attacks = [
        ("put back", "u_7", old.clone()),
        ("changed", "u_7", with("plan", "enterprise")),
        ("moved", "u_8", with("user_id", "u_8")),
    ];
    for (what, id, item) in attacks {
        let put = table.client().put_item().table_name(table.name());
        put.set_item(Some(item)).send().await?;
        let believed = users.get(id).await.is_ok();
        let refused = table.get(id).send().await.is_err();
        println!("an old item is {what}: build B believes it: {believed}; build C refuses it: {refused}");
    }
    table.client().delete_table().table_name(table.name()).send().await?;
    Ok(())
}

//! Stores 300 users with sealed fields, reads them back, and shows that moved and changed records
//! do not open.
//!
//! ```text
//! # everything embedded in this process
//! cargo run --example quickstart
//! # against emulators (KMS_KEY_ID names a key there)
//! DYNAMODB_ENDPOINT=http://localhost:8000 KMS_ENDPOINT=http://localhost:4566 \
//! cargo run --example quickstart
//! # against AWS, with your credentials; costs a few cents
//! KMS_KEY_ID=alias/users cargo run --example quickstart -- --aws
//! ```

use std::collections::{BTreeMap, HashMap};
use std::error::Error;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table, from_item};
use envelope_examples::Clients;
use envelope_examples::servers::{create_kms_key, create_table, disable_kms_key, unique_name};
use serde::{Deserialize, Serialize};

/// A user. All fields that identify the person are sealed.
#[derive(Clone, Debug, PartialEq, Deserialize, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,

    #[encrypted]
    email: String,
    #[encrypted]
    full_name: String,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[encrypted]
    #[serde(default)]
    phone: Option<String>,
    #[encrypted]
    #[serde(default)]
    ssn: Option<String>,
    #[encrypted]
    #[serde(default)]
    date_of_birth: Option<String>,
    #[encrypted]
    #[serde(default)]
    address: Option<Address>,
    #[encrypted]
    emergency_contacts: Vec<Contact>,
    #[encrypted]
    preferences: BTreeMap<String, serde_json::Value>,

    /// Readable in the table, so that it can be queried. The record does not open if it was
    /// changed, so nobody can upgrade themselves.
    #[authenticated]
    plan: Plan,
    #[authenticated]
    created: u64,
    /// Readable, and can be counted up in place.
    #[plaintext]
    logins: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plan {
    Free,
    Pro,
    Enterprise,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    lines: Vec<String>,
    city: String,
    postal_code: String,
    country: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Contact {
    name: String,
    relation: String,
    phone: Option<String>,
}

type Item = HashMap<String, AttributeValue>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let servers = match std::env::args().nth(1).as_deref() {
        None => Clients::from_env().await?,
        Some("--aws") => Clients::of_aws().await?,
        Some(other) => {
            return Err(format!("unknown argument `{other}`: the only one is --aws").into());
        }
    };
    println!("Using {}.", servers.describe());

    let physical = unique_name("quickstart-users");
    create_table(servers.dynamodb(), &physical, ("user_id", ScalarAttributeType::S), None).await?;
    let outcome = demonstrate(&servers, &physical).await;
    servers.dynamodb().delete_table().table_name(&physical).send().await?;
    outcome
}

async fn demonstrate(servers: &Clients, physical: &str) -> Result<(), Box<dyn Error>> {
    let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let users = Table::<User>::new(servers.dynamodb().clone(), provider).named(physical);

    let people: Vec<User> = serde_json::from_str(include_str!("../data/users.json"))?;
    for user in &people {
        users.put(user).send().await?;
    }
    println!("Stored {} users in {physical}.", people.len());

    for user in &people {
        let stored = users.get(&user.user_id).send().await?;
        assert_eq!(
            stored.as_ref(),
            Some(user),
            "the user that was read is the one that was stored"
        );
    }
    println!("Read all of them back: each is equal to the stored one.\n");

    let [alice, bob, ..] = people.as_slice() else {
        return Err("the data file has fewer than two users".into());
    };
    let item = stored_item(servers, physical, alice).await?;
    println!("DynamoDB stores {} as:", alice.user_id);
    print_item(&item);

    println!("\nAn attacker who can write the table tries to");
    let other = stored_item(servers, physical, bob).await?;

    let mut swapped = item.clone();
    for name in ["encrypted_payload", "encrypted_dek"] {
        swapped
            .extend(other.get_key_value(name).map(|(name, value)| (name.clone(), value.clone())));
    }
    try_to("copy another user's sealed fields into this record", servers, &users, swapped).await?;

    let mut upgraded = item.clone();
    upgraded.insert(
        "plan".into(),
        AttributeValue::S(if alice.plan == Plan::Free { "pro" } else { "free" }.into()),
    );
    try_to("change the authenticated `plan`", servers, &users, upgraded).await?;

    let mut flipped = item.clone();
    flip_a_bit(&mut flipped, "encrypted_payload");
    try_to("flip one bit of the payload", servers, &users, flipped).await?;

    println!("\nThe operator disables the KMS key of a record:");
    disable_a_key(servers, alice).await
}

/// Writes a forged item with the plain SDK, and reads it as the service does.
async fn try_to(
    what: &str,
    servers: &Clients,
    users: &Table<User>,
    item: Item,
) -> Result<(), Box<dyn Error>> {
    let Some(AttributeValue::S(user_id)) = item.get("user_id").cloned() else {
        return Err("no user_id".into());
    };
    servers.dynamodb().put_item().table_name(users.name()).set_item(Some(item)).send().await?;
    match users.get(&user_id).send().await {
        Err(error) => println!("- {what}:\n    {error}"),
        Ok(_) => return Err(format!("the record opened after an attempt to {what}").into()),
    }
    Ok(())
}

/// Seals a record under a new KMS key, and disables that key; your own key may be in use.
async fn disable_a_key(servers: &Clients, user: &User) -> Result<(), Box<dyn Error>> {
    let key = create_kms_key(servers.kms()).await?;
    let provider = KmsKeyProvider::new(servers.kms().clone(), &key);
    let item = envelope_dynamo::to_item(user, &provider).await?;
    disable_kms_key(servers.kms(), &key).await?;
    let outcome = from_item::<User>(item, &provider).await;
    servers.kms().schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await?;
    match outcome {
        Err(error) => println!("    {error}"),
        Ok(_) => return Err("the record opened although its key is disabled".into()),
    }
    Ok(())
}

async fn stored_item(servers: &Clients, table: &str, user: &User) -> Result<Item, Box<dyn Error>> {
    let key = AttributeValue::S(user.user_id.clone());
    let output = servers.dynamodb().get_item().table_name(table).key("user_id", key).send().await?;
    Ok(output.item.ok_or("the record is gone")?)
}

fn flip_a_bit(item: &mut Item, name: &str) {
    if let Some(AttributeValue::B(blob)) = item.get_mut(name) {
        let mut bytes = std::mem::replace(blob, Blob::new([])).into_inner();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        *blob = Blob::new(bytes);
    }
}

fn print_item(item: &Item) {
    let sorted: BTreeMap<_, _> = item.iter().collect();
    for (name, value) in sorted {
        match value {
            AttributeValue::S(text) => println!("  {name:<18} S  {text:?}"),
            AttributeValue::N(number) => println!("  {name:<18} N  {number}"),
            AttributeValue::B(blob) => {
                let start: String =
                    blob.as_ref().iter().take(24).map(|byte| format!("{byte:02x}")).collect();
                println!("  {name:<18} B  {start}.. ({} bytes)", blob.as_ref().len());
            }
            other => println!("  {name:<18}    {other:?}"),
        }
    }
}

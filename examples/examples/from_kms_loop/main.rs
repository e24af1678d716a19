//! Moves a table that a hand-written loop encrypted, while it is in use: a data key of KMS for each
//! item, and AES-GCM for each field.
//!
//! `cargo run --example from_kms_loop`. docs/guide/from-others.md goes through it.

mod old;

use std::error::Error;
use std::fmt::Write as _;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType::S};
use envelope_dynamo::item::{Item, is_sealed};
use envelope_dynamo::maintain::Converted;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table, from_item};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};

use crate::old::{old_item, old_user};

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    phone: String,
}

/// The application's way to the table while both forms are in it.
struct Users {
    table: Table<User>,
    keys: KmsKeyProvider,
    kms: aws_sdk_kms::Client,
}

impl Users {
    /// Reads both forms.
    async fn get(&self, id: &str) -> Result<Option<User>, Failure> {
        let get = self.table.client().get_item().table_name(self.table.name());
        let get = get.key("user_id", AttributeValue::S(id.to_owned())).consistent_read(true);
        match get.send().await?.item {
            None => Ok(None),
            Some(item) if is_sealed(&item) => Ok(Some(from_item(item, &self.keys).await?)),
            Some(item) => old_user(&item, &self.kms).await.map(Some),
        }
    }

    /// Build A: writes the old form, but seals over a sealed record.
    async fn put_old(&self, user: &User, kms_key: &str) -> Result<(), Failure> {
        let put = self.table.client().put_item().table_name(self.table.name());
        let put = put.set_item(Some(old_item(user, &self.kms, kms_key).await?));
        match put.condition_expression("attribute_not_exists(encrypted_payload)").send().await {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(self.table.put(user).send().await?)
            }
            answer => Ok(answer.map(drop)?),
        }
    }
}

async fn take_in(servers: &Servers, table: &str, out: &mut String) -> Result<(), Failure> {
    let (kms, kms_key) = (servers.kms().clone(), servers.kms_key_id());
    let keys = || KmsKeyProvider::new(servers.kms().clone(), kms_key);
    let table = Table::<User>::new(servers.dynamodb().clone(), keys()).named(table);
    let users = Users { table: table.clone(), keys: keys(), kms: kms.clone() };
    let user = |number: u32| User {
        user_id: format!("u_{number}"),
        email: format!("{number}@example.com"),
        phone: format!("+41 31 {number}"),
    };
    for number in 0..20 {
        users.put_old(&user(number), kms_key).await?;
    }

    // Build B seals what it writes. Build A, which runs beside it for a while, leaves it sealed.
    table.put(&user(0)).send().await?;
    table.put(&user(1)).send().await?;
    users.put_old(&user(1), kms_key).await?;
    for number in 0..20 {
        assert_eq!(users.get(&user(number).user_id).await?, Some(user(number)));
    }
    writeln!(out, "builds A and B read 20 users in both forms")?;

    // Seals the rest.
    let read = move |item: Item| {
        let kms = kms.clone();
        async move {
            let converted = Converted::new(old_user(&item, &kms).await?);
            let converted = converted.remove("email_ciphertext").remove("email_nonce");
            Ok::<_, Failure>(Some(converted.remove("phone_ciphertext").remove("phone_nonce")))
        }
    };
    let counts = table.backfill_from(read).send().await?;
    let (changed, already, failed) = (counts.changed, counts.already, counts.failed);
    writeln!(out, "backfill: {changed} sealed, {already} were sealed, {failed} failed")?;

    // Build C: `Table` alone.
    for number in 0..20 {
        assert_eq!(table.get(&user(number).user_id).send().await?, Some(user(number)));
    }
    writeln!(out, "build C reads 20 users, all as before")?;

    // Somebody who can write the table puts an old item back.
    let back = table.client().put_item().table_name(table.name());
    back.set_item(Some(old_item(&user(7), &users.kms, kms_key).await?)).send().await?;
    assert_eq!(users.get("u_7").await?, Some(user(7)));
    let error = table.get("u_7").send().await.expect_err("build C reads sealed records only");
    writeln!(out, "an old item that is put back: build B believes it. Build C says:\n  {error}")?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    print!("{}", run().await?);
    Ok(())
}

/// Returns what is printed.
async fn run() -> Result<String, Failure> {
    let (servers, table) = (Servers::from_env().await?, unique_name("users"));
    create_table(servers.dynamodb(), &table, ("user_id", S), None).await?;
    let mut out = String::new();
    take_in(&servers, &table, &mut out).await?;
    servers.dynamodb().delete_table().table_name(&table).send().await?;
    Ok(out)
}

#[tokio::test]
async fn the_chapter_shows_what_is_printed() {
    let chapter = include_str!("../../../docs/guide/from-others.md");
    let printed = run().await.expect("the example runs");
    assert!(chapter.contains(&format!("```text\n{printed}```")), "{printed}");
}

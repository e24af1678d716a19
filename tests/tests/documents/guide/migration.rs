//! The code of docs/guide/migration.md.

use envelope_dynamo::item::{PlaintextItems, to_plaintext_item};
use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
use envelope_examples::Servers;

#[derive(Envelope)]
#[envelope(table = "users")]
#[allow(dead_code)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[allow(dead_code)]
mod backfill {
    mod my_service {
        use envelope_dynamo::Envelope;

        #[derive(Envelope)]
        #[envelope(table = "shop")]
        #[partition_key(name = "pk", format = "USER#{id}")]
        pub(super) struct User {
            #[key]
            id: u64,
            #[encrypted]
            secret: String,
        }

        #[derive(Envelope)]
        #[envelope(table = "shop")]
        #[partition_key(name = "pk", format = "ORDER#{id}")]
        pub(super) struct Order {
            #[key]
            id: u64,
            #[encrypted]
            secret: String,
        }
    }

    use my_service::{Order, User};

    fn main() -> std::process::ExitCode {
        envelope_cli::main_with::<(User, Order)>()
    }
}

#[allow(dead_code, clippy::let_and_return)] // as the chapter has it
fn watched(dynamodb: aws_sdk_dynamodb::Client, provider: LocalKeyProvider) -> Table<User> {
    let users = Table::<User>::new(dynamodb, provider)
        .plaintext_items(PlaintextItems::Read)
        .observe_plaintext(|event, record| println!("{event:?} {}", record.table()));
    users
}

#[allow(dead_code)]
mod of_another_program {
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_kms::Client;
    use envelope_dynamo::item::Item;
    use envelope_dynamo::maintain::Converted;

    use super::User;

    type OldError = std::io::Error;

    fn text(item: &Item, name: &str) -> Result<String, OldError> {
        let value = item.get(name).and_then(|value| value.as_s().ok()).cloned();
        value.ok_or_else(|| OldError::other("no text"))
    }

    async fn old_decrypt(_: &Client, _: &Item, _: &AttributeValue) -> Result<String, OldError> {
        Err(OldError::other("not written"))
    }

    #[rustfmt::skip] // as the chapter has it
    async fn read(kms: Client, item: Item) -> Result<Option<Converted<User>>, OldError> {
        let Some(ciphertext) = item.get("email_ciphertext") else { return Ok(None) };    // none of theirs
        let email = old_decrypt(&kms, &item, ciphertext).await?;
        let user = User { user_id: text(&item, "user_id")?, email };
        Ok(Some(Converted::new(user).remove("email_ciphertext").remove("email_nonce")))
    }

    fn main() -> std::process::ExitCode {
        envelope_cli::Command::new()
            .records::<(User,)>()
            .convert(|aws| {
                let kms = Client::new(aws);
                move |item| read(kms.clone(), item)
            })
            .main()
    }
}

async fn taken_out(users: &Table<User>) -> Result<(), Box<dyn std::error::Error>> {
    let mut records = users.scan().stream()?;
    while let Some(user) = records.next().await {
        let item = to_plaintext_item(&user?)?;
        let put = users.client().put_item().table_name("users-plain");
        put.set_item(Some(item)).send().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_table_is_taken_out() {
    let servers = Servers::embedded().await.unwrap();
    let keys = || LocalKeyProvider::new(RootKey::from_bytes(&[7; 32]).unwrap());
    let users = Table::<User>::new(servers.dynamodb().clone(), keys());
    let plain = users.clone().named("users-plain").plaintext_items(PlaintextItems::Read);
    for table in [&users, &plain] {
        table.create_table().send().await.unwrap();
    }
    let stored = ["u_1", "u_2"]
        .map(|id| User { user_id: id.to_owned(), email: format!("{id}@example.com") });
    users.batch_put(&stored).send().await.unwrap();
    taken_out(&users).await.unwrap();
    for user in stored {
        let item = plain.get(user.user_id.as_str()).send().await.unwrap().unwrap();
        assert_eq!(item.email, user.email);
    }
}

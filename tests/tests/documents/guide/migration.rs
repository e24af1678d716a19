//! The code of docs/guide/migration.md.

use envelope_dynamo::item::PlaintextItems;
use envelope_dynamo::{Envelope, LocalKeyProvider, Table};

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

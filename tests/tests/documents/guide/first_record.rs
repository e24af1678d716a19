//! The code of docs/guide/first-record.md: its library, its test and its program. The test runs.
#![allow(unreachable_pub, clippy::module_inception)] // its library is a crate of its own

mod first_record {
    //! Users, and their first record.

    use envelope_dynamo::{Envelope, Error, KmsKeyProvider, Table};

    #[derive(Envelope)]
    #[envelope(table = "users")]
    pub struct User {
        #[partition_key]
        pub user_id: String,
        #[encrypted]
        pub email: String,
        #[plaintext]
        pub logins: u64,
    }

    /// The table of users. KMS wraps the data keys by the key that `alias/users` names.
    pub fn users(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) -> Table<User> {
        Table::new(dynamodb, KmsKeyProvider::new(kms, "alias/users"))
    }

    /// Stores a user, counts a log-in, and reads the user back.
    pub async fn first_record(users: &Table<User>) -> Result<Option<User>, Error> {
        let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into(), logins: 0 };
        users.put(&zoe).send().await?;
        users.update("u_1").add(|user| user.logins, 1).send().await?;
        users.get("u_1").send().await
    }
}

mod its_test {
    use super::first_record;

    use aws_sdk_dynamodb::types::AttributeValue;
    use envelope_testing::Aws;
    use first_record::{User, first_record, users};

    #[tokio::test]
    async fn the_table_does_not_show_the_address() -> Result<(), Box<dyn std::error::Error>> {
        let aws = Aws::embedded().await?;
        aws.create_table::<User>("users").await?;
        aws.create_alias("alias/users").await?;
        let users = users(aws.dynamodb().clone(), aws.kms().clone());

        let user = first_record(&users).await?.ok_or("the user was not stored")?;
        assert_eq!((user.email.as_str(), user.logins), ("zoe@example.com", 1));

        // What DynamoDB has, read without the library:
        let get = aws.dynamodb().get_item().table_name("users");
        let get = get.key("user_id", AttributeValue::S("u_1".into()));
        let item = get.send().await?.item.ok_or("there is no item")?;
        let mut names: Vec<_> = item.keys().map(String::as_str).collect();
        names.sort_unstable();
        println!("{names:?}");
        assert_eq!(names, ["encrypted_dek", "encrypted_payload", "logins", "user_id"]);
        Ok(())
    }
}

mod its_program {
    use super::first_record;

    use first_record::{first_record, users};

    #[tokio::main]
    async fn main() -> Result<(), Box<dyn std::error::Error>> {
        let config = aws_config::load_from_env().await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let users = users(dynamodb, aws_sdk_kms::Client::new(&config));
        users.create_table().send().await?; // an operator does this once
        let user = first_record(&users).await?.ok_or("the user was not stored")?;
        println!("{} has logged in {} times", user.user_id, user.logins);
        Ok(())
    }
}

//! The code of docs/guide/operations.md.

use envelope_dynamo::{Envelope, KmsKeyWrapper, Table};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

fn write_only(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) {
    let users = Table::<User, _>::write_only(dynamodb, KmsKeyWrapper::new(kms, "alias/users"));
    drop(users);
}

//! The calls of `Table`, one record at a time.
//!
//! Each test has its own tables and keys, so that tests can share servers.

mod create;
mod kms_keys;
mod refusals;
mod round_trips;
mod sizes;

use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::keys::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, DataKey, GeneratedKey,
    KeyFuture, KeyKind, WrappedKey,
};
use envelope_dynamo::message::EncryptionContext;
use envelope_dynamo::record::IntoKey;
use envelope_dynamo::{
    Envelope, Error, ErrorKind, Fault, HierarchicalKeyProvider, KmsKeyProvider, KmsKeyWrapper,
    Table, WrapKey, from_item, to_item,
};
use envelope_examples::Servers;
use envelope_examples::servers::{create_kms_key, create_table, disable_kms_key, unique_name};
use envelope_tests::{Item, TestTable, text};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", context(purpose = "pii"))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    notes: Vec<String>,
    #[authenticated]
    plan: String,
    #[authenticated]
    #[encryption_context]
    tenant: String,
    #[plaintext]
    logins: u64,
}

fn user(id: &str) -> User {
    User {
        user_id: id.into(),
        email: format!("{id}-s3cr3t@example.com"),
        notes: vec!["s3cr3t".into(), String::new(), "тайна 秘密 🤫".into()],
        plan: "pro".into(),
        tenant: "t1".into(),
        logins: 3,
    }
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "orders", kms_context = "hashed")]
struct Order {
    #[partition_key]
    customer: String,
    #[sort_key]
    placed: u64,
    #[encrypted]
    card: String,
    #[plaintext]
    state: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "blobs", kms_context = "table")]
struct Document {
    #[partition_key]
    #[serde(with = "bytes")]
    digest: Vec<u8>,
    #[encrypted]
    #[serde(with = "bytes")]
    body: Vec<u8>,
}

/// Stores a `Vec<u8>` as B, as `serde_bytes` does.
mod bytes {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

use ScalarAttributeType::{B, N, S};

async fn users() -> TestTable<User> {
    TestTable::new().await
}

fn user_key(id: &str) -> Item {
    Item::from([("user_id".to_owned(), text(id))])
}

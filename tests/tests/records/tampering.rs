//! Every change to a stored record, one at a time, with each kind of key provider.

mod bits;
mod exchange;
mod lengths;
mod planted;
mod replay;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::keys::{CacheLimits, EncryptedDek, MultiKeyProvider, RsaRecipient};
use envelope_dynamo::{
    BranchKeyTable, CachedKeyProvider, Envelope, Error, HierarchicalKeyProvider, KmsKeyProvider,
    LocalKeyProvider, RootKey, Table, UnwrapKey, WrapKey, from_item, to_item,
};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use envelope_tests::{
    Item, binary, bytes_of, local_keys, rsa_private_key, rsa_public_key, text, with,
};

/// A record with every kind of authenticated attribute.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault", kms_context = "table")]
struct Secret {
    #[partition_key]
    owner: String,
    #[sort_key]
    at: u64,
    #[encrypted]
    text: String,
    #[authenticated]
    plan: String,
    #[authenticated]
    #[serde(with = "envelope_dynamo::convert::string_set")]
    tags: BTreeSet<String>,
    #[authenticated]
    terms: BTreeMap<String, Vec<u32>>,
    #[authenticated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen: Option<bool>,
    #[plaintext]
    views: u64,
}

/// The protected names, including the absent one.
const PROTECTED: [&str; 6] = ["owner", "at", "plan", "tags", "terms", "frozen"];
const SEALED: [&str; 2] = ["encrypted_payload", "encrypted_dek"];

fn secret(owner: &str, text: &str) -> Secret {
    Secret {
        owner: owner.into(),
        at: 1_700_000_000,
        text: text.into(),
        plan: "pro".into(),
        tags: ["a", "bc"].map(str::to_owned).into(),
        terms: [("late".to_owned(), vec![1, 20])].into(),
        frozen: None,
        views: 3,
    }
}

/// A party that wraps data keys and unwraps them.
struct Keys {
    name: &'static str,
    wrap: Box<dyn WrapKey>,
    unwrap: Box<dyn UnwrapKey>,
}

impl Keys {
    async fn write<T: Envelope>(&self, record: &T) -> Item {
        to_item(record, &self.wrap).await.unwrap()
    }

    async fn read<T: Envelope>(&self, item: &Item) -> Result<T, Error> {
        from_item(item.clone(), &self.unwrap).await
    }

    /// With a cache, for tests in which the wrapped key stays the same.
    fn remembering(self) -> Self {
        let cached =
            CachedKeyProvider::new(self.unwrap, CacheLimits::new(Duration::from_secs(600)));
        Self { unwrap: Box::new(cached), ..self }
    }
}

fn local(name: &'static str, byte: u8) -> Keys {
    let provider = || local_keys(byte);
    Keys { name, wrap: Box::new(provider()), unwrap: Box::new(provider()) }
}

fn rsa() -> Keys {
    let wrap = RsaRecipient::new(rsa_public_key()).unwrap();
    Keys { name: "rsa", wrap: Box::new(wrap), unwrap: Box::new(rsa_private_key()) }
}

fn kms(servers: &Servers) -> Keys {
    let provider = || KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    Keys { name: "kms", wrap: Box::new(provider()), unwrap: Box::new(provider()) }
}

async fn hierarchical(servers: &Servers) -> Keys {
    let table = unique_name("branch-keys");
    let provider = || {
        let kms = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
        BranchKeyTable::new(servers.dynamodb().clone(), "branch-keys", kms).named(&table)
    };
    provider().create_table().await.unwrap();
    for branch in ["vault", "safe"] {
        provider().create(branch).await.unwrap();
    }
    let limits = CacheLimits::new(Duration::from_secs(600));
    let provider = || HierarchicalKeyProvider::per_table(provider(), limits);
    Keys { name: "hierarchical", wrap: Box::new(provider()), unwrap: Box::new(provider()) }
}

/// Two parties, each of which can read.
fn both() -> Keys {
    let provider = || MultiKeyProvider::new(local_keys(3)).with(local_keys(4));
    Keys { name: "two parties", wrap: Box::new(provider()), unwrap: Box::new(provider()) }
}

/// One party of each kind, and a second local one.
async fn everybody(servers: &Servers) -> Vec<Keys> {
    let hierarchical = hierarchical(servers).await;
    vec![local("local", 1), local("another local", 2), rsa(), kms(servers), hierarchical, both()]
}

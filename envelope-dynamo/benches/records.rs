//! Sealing and opening whole records, each beside what it is measured against, in one run: see
//! `benches/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

#[path = "../../benches/harness.rs"]
mod harness;

use std::collections::HashMap;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::keys::{
    DataKey, GeneratedKey, KeyFuture, KeyKind, LocalSearchKeys, SearchKey, WrappedKey,
};
use envelope_dynamo::message::{Context, EncryptionContext, open, seal};
use envelope_dynamo::{
    Envelope, KeyProvider, LocalKeyProvider, RootKey, UnwrapKey, WrapKey, from_item, to_item,
    to_item_with,
};
use harness::{contest, heading, repeated, with_inputs};
use serde::{Deserialize, Serialize};

/// Five fields; `notes` brings the record to its size.
#[derive(Clone, Serialize, Deserialize, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    ssn: Option<String>,
    #[encrypted]
    notes: String,
    #[plaintext]
    plan: String,
}

fn user(notes: usize) -> User {
    User {
        user_id: "u_12345".into(),
        email: "zoe.quinn@example.com".into(),
        ssn: Some("000-12-3456".into()),
        notes: "n".repeat(notes),
        plan: "pro".into(),
    }
}

/// The same record, found by its e-mail address.
#[derive(Clone, Envelope)]
#[envelope(table = "users", index(name = "by-email", partition_key = email))]
struct Searched {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
    #[encrypted]
    ssn: Option<String>,
    #[encrypted]
    notes: String,
    #[plaintext]
    plan: String,
}

/// What a record holds beside its notes.
const FIXED_BYTES: usize = 110;
const SIZES: [(&str, usize); 5] = [
    ("250 B", 250),
    ("1 KiB", 1 << 10),
    ("4 KiB", 4 << 10),
    ("64 KiB", 64 << 10),
    ("390 KiB", 390 << 10),
];

type Item = HashMap<String, AttributeValue>;

/// The same item in memory of its own, as it comes from the SDK: a cloned `Blob` shares its bytes.
fn copy(item: &Item) -> Item {
    let copied = |value: &AttributeValue| match value {
        AttributeValue::B(bytes) => AttributeValue::B(Blob::new(bytes.as_ref())),
        other => other.clone(),
    };
    item.iter().map(|(name, value)| (name.clone(), copied(value))).collect()
}

/// Has one data key at hand: what is measured is sealing alone.
#[derive(Debug)]
struct AtHand(DataKey);

impl WrapKey for AtHand {
    fn generate<'a>(&'a self, _context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async {
            let wrapped =
                vec![WrappedKey::new(KeyKind::private(200).unwrap(), *b"hint", [7; 184]).unwrap()];
            Ok(GeneratedKey { data_key: self.0.share(), wrapped })
        })
    }
}

impl UnwrapKey for AtHand {
    fn unwrap_key<'a>(
        &'a self,
        _: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async { Ok(self.0.share()) })
    }
}

/// Neither provider waits, so one poll is the whole operation.
fn now<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) else {
        unreachable!("nothing waits")
    };
    output
}

fn main() {
    println!("medians in microseconds, and ratios to them");
    measure("data key at hand", &AtHand(DataKey::generate().unwrap()));
    measure("data key wrapped locally", &LocalKeyProvider::new(RootKey::generate().unwrap()));
    measure_search_tag("data key at hand", &AtHand(DataKey::generate().unwrap()));
}

/// What a search tag adds to sealing.
fn measure_search_tag(keys: &str, provider: &dyn KeyProvider) {
    let search_keys = LocalSearchKeys::new(SearchKey::generate().unwrap()).into();
    heading(&format!("seal, {keys}"), &["to_item", "with a search tag"]);
    for (name, bytes) in SIZES {
        let without = user(bytes - FIXED_BYTES);
        let User { user_id, email, ssn, notes, plan } = without.clone();
        let with = Searched { user_id, email, ssn, notes, plan };
        contest(
            name,
            [
                &mut repeated(|| now(to_item(black_box(&without), provider)).unwrap()),
                &mut repeated(|| {
                    now(to_item_with(black_box(&with), provider, &search_keys)).unwrap()
                }),
            ],
        );
    }
}

fn measure(keys: &str, provider: &dyn KeyProvider) {
    let context = Context::new("users").pair("partition", "u_12345").unwrap();
    heading(&format!("seal, {keys}"), &["to_item", "serde_dynamo", "seal"]);
    for (name, bytes) in SIZES {
        let (user, plaintext) = (user(bytes - FIXED_BYTES), vec![7; bytes]);
        contest(
            &format!("seal {name}"),
            [
                &mut repeated(|| now(to_item(black_box(&user), provider)).unwrap()),
                &mut repeated(|| serde_dynamo::to_item::<_, Item>(black_box(&user)).unwrap()),
                &mut repeated(|| now(seal(black_box(&plaintext), &context, provider)).unwrap()),
            ],
        );
    }
    heading(&format!("open, {keys}"), &["from_item", "serde_dynamo", "open", "to_item"]);
    for (name, bytes) in SIZES {
        let (user, plaintext) = (user(bytes - FIXED_BYTES), vec![7; bytes]);
        let item: Item = now(to_item(&user, provider)).unwrap();
        let plain: Item = serde_dynamo::to_item(&user).unwrap();
        let sealed = now(seal(&plaintext, &context, provider)).unwrap();
        contest(
            &format!("open {name}"),
            [
                &mut with_inputs(
                    || copy(&item),
                    |item| now(from_item::<User>(item, provider)).unwrap(),
                ),
                &mut with_inputs(
                    || plain.clone(),
                    |item| serde_dynamo::from_item::<_, User>(item).unwrap(),
                ),
                &mut repeated(|| now(open(black_box(&sealed), &context, provider)).unwrap()),
                &mut repeated(|| now(to_item(black_box(&user), provider)).unwrap()),
            ],
        );
    }
}

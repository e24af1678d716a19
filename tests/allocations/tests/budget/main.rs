//! How often sealing and opening a record allocate, without the allocations of the item or the
//! struct itself.
#![allow(missing_docs, unreachable_pub)]

mod counting;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::keys::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, DataKey, KeyFuture,
    LocalSearchKeys, SearchKey, SearchKeys,
};
use envelope_dynamo::{
    CachedKeyProvider, Envelope, HierarchicalKeyProvider, KeyProvider, LocalKeyProvider, RootKey,
    from_item, to_item, to_item_with,
};

use counting::{Allocated, allocated};

#[derive(Clone, Debug, PartialEq, Envelope)]
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

type Item = HashMap<String, AttributeValue>;

/// No provider here waits, so one poll is the whole operation.
fn now<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("nothing waits")
    };
    output
}

/// The allocations of sealing, without those of the item.
fn sealing(user: &User, provider: &dyn KeyProvider) -> (Allocated, Item) {
    let (sealing, item) = allocated(|| now(to_item(user, provider)).unwrap());
    let (own, _copy) = allocated(|| copy(&item));
    (beyond(sealing, own), item)
}

/// A copy of the item.
fn copy(item: &Item) -> Item {
    let mut copy = Item::with_capacity(item.len());
    for (name, value) in item {
        let value = match value {
            AttributeValue::B(bytes) => AttributeValue::B(Blob::new(bytes.as_ref())),
            other => other.clone(),
        };
        copy.insert(name.clone(), value);
    }
    copy
}

/// The allocations of opening, without those of the struct.
fn opening(item: Item, provider: &dyn KeyProvider) -> (Allocated, User) {
    let (opening, user) = allocated(|| now(from_item::<User>(item, provider)).unwrap());
    let (own, _copy) = allocated(|| user.clone());
    (beyond(opening, own), user)
}

fn beyond(all: Allocated, own: Allocated) -> Allocated {
    Allocated { times: all.times - own.times, bytes: all.bytes.saturating_sub(own.bytes) }
}

fn local() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::generate().unwrap())
}

#[test]
fn the_allocator_counts() {
    let (none, ()) = allocated(|| ());
    assert_eq!(none, Allocated { times: 0, bytes: 0 });
    let (one, mut bytes) = allocated(|| vec![0_u8; 100]);
    assert_eq!(one, Allocated { times: 1, bytes: 100 });
    let (growth, ()) = allocated(|| bytes.reserve_exact(200));
    assert_eq!(growth, Allocated { times: 1, bytes: 300 });
}

#[test]
fn a_record_of_five_fields_is_sealed_within_its_budget() {
    let (beyond_item, _) = sealing(&user(140), &local());
    assert!(beyond_item.times <= 11, "{beyond_item:?}");
}

#[test]
fn a_record_of_five_fields_is_opened_within_its_budget() {
    let provider = local();
    let (_, item) = sealing(&user(140), &provider);
    let (beyond_struct, opened) = opening(item, &provider);
    assert_eq!(opened, user(140));
    assert!(beyond_struct.times <= 14, "{beyond_struct:?}");
}

#[derive(Clone, Debug, PartialEq, Envelope)]
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

/// The value, its normalized copy, its canonical bytes, and the lists of the one value.
#[test]
fn a_search_tag_is_computed_within_its_budget() {
    let (provider, User { user_id, email, ssn, notes, plan }) = (local(), user(140));
    let keys = SearchKeys::from(LocalSearchKeys::new(SearchKey::generate().unwrap()));
    let searched = Searched { user_id, email, ssn, notes, plan };
    now(to_item_with(&searched, &provider, &keys)).unwrap(); // derives the key of the tag
    let (sealing, item) = allocated(|| now(to_item_with(&searched, &provider, &keys)).unwrap());
    let (own, _copy) = allocated(|| copy(&item));
    let beyond_item = beyond(sealing, own);
    assert!(beyond_item.times <= 12 + 6, "{beyond_item:?}");
}

/// Values are copied only into the payload, and from the plaintext into the struct.
#[test]
fn a_large_record_is_copied_once() {
    const SMALL_CHANGE: u64 = 4096;
    let provider = local();
    let (beyond_item, item) = sealing(&user(390 << 10), &provider);
    assert!(beyond_item.bytes <= SMALL_CHANGE, "{beyond_item:?}");
    let (beyond_struct, _) = opening(item, &provider);
    assert!(beyond_struct.bytes <= SMALL_CHANGE, "{beyond_struct:?}");
}

fn limits() -> CacheLimits {
    CacheLimits::new(Duration::from_secs(3_600))
}

#[test]
fn a_data_key_from_the_cache_costs_few_allocations() {
    let provider = CachedKeyProvider::new(local(), limits());
    let (_, item) = sealing(&user(140), &provider);
    let (missed, _) = opening(item.clone(), &provider);
    let (hit, _) = opening(item, &provider);
    assert!(hit.times < missed.times, "{hit:?} {missed:?}");
    assert!(hit.times <= 13, "{hit:?}");
}

#[derive(Debug)]
struct OneBranch(BranchVersion, DataKey);

impl BranchKeyStore for OneBranch {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(self.0) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move { Ok(BranchKey::new(branch.clone(), version, self.1.share())) })
    }
}

#[test]
fn a_data_key_of_a_cached_branch_key_costs_few_allocations() {
    let store = OneBranch(BranchVersion::from_bytes([7; 16]), DataKey::generate().unwrap());
    let provider = Arc::new(HierarchicalKeyProvider::per_table(store, limits()));
    let (_, item) = sealing(&user(140), &provider);
    let (beyond_item, _) = sealing(&user(140), &provider);
    assert!(beyond_item.times <= 12, "{beyond_item:?}");
    let (beyond_struct, _) = opening(item, &provider);
    assert!(beyond_struct.times <= 16, "{beyond_struct:?}");
}

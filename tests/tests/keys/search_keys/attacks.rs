//! An attacker who can write the table of search keys.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::BranchKeyTable;
use envelope_dynamo::keys::{BranchKeyStore, BranchName};

use super::*;

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

impl Bench {
    async fn pointer(&self, branch: &str) -> Item {
        self.stored(branch, "active").await
    }

    /// Stores a pointer with these attributes changed, `None` for removed.
    async fn repoint<const N: usize>(&self, changes: [(&str, Option<AttributeValue>); N]) {
        let mut pointer = self.pointer("users").await;
        for (name, value) in changes {
            pointer.remove(name);
            pointer.extend(value.map(|value| (name.to_owned(), value)));
        }
        self.store(pointer).await;
    }

    async fn written(&self, branch: &str) -> BranchVersion {
        self.keys().branch(branch).await.unwrap().write()
    }
}

#[tokio::test]
async fn a_key_that_was_copied_to_another_branch_or_version_does_not_unwrap() {
    let bench = Bench::with(&["users", "mallory"]).await;
    let foreign = bench.written("mallory").await;
    let own = bench.pointer("users").await;

    bench.repoint([("write", Some(text(foreign)))]).await;
    let error = bench.fetched().await.unwrap_err();
    assert_eq!((error.kind(), bench.kms_calls()), (KeyErrorKind::KeyNotFound, 0));

    let mut copied = bench.stored("mallory", foreign).await;
    copied.insert("branch".into(), text("users"));
    bench.store(copied.clone()).await;
    let error = bench.fetched().await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
    assert!(error.to_string().contains("put there from elsewhere"), "{error}");

    let version = own["write"].clone();
    let mut copied = bench.stored("users", version.as_s().unwrap()).await;
    bench.store(own).await;
    bench.fetched().await.unwrap();
    let rotated = bench.keys().rotate("users").await.unwrap();
    copied.insert("version".into(), text(rotated.write()));
    bench.store(copied).await;
    let error = bench.fetched().await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch, "of another version");
}

/// The same key is in the caches of one process for one branch alone.
#[tokio::test]
async fn a_known_key_of_another_branch_is_not_used() {
    let bench = Bench::with(&["users", "mallory"]).await;
    let keys = bench.process();
    keys.prefetch("mallory").await.unwrap();
    bench.repoint([("write", Some(text(bench.written("mallory").await)))]).await;
    let error = keys.prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::KeyNotFound);
}

#[tokio::test]
async fn a_key_of_another_table_does_not_unwrap() {
    let bench = Bench::with(&["users"]).await;
    let keys = SearchKeys::per_table(bench.keys_of("staging-keys"));
    let error = keys.prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
}

/// Both tables have the same logical name here: the purpose alone separates them.
#[tokio::test]
async fn branch_keys_and_search_keys_do_not_serve_for_each_other() {
    let bench = Bench::with(&["users"]).await;
    let name = unique_name("branch-keys");
    let kms = || kms_keys(&bench.servers, &bench.faults);
    let branches =
        BranchKeyTable::new(bench.servers.dynamodb().clone(), "search-keys", kms()).named(&name);
    branches.create_table().await.unwrap();
    let branch_version = branches.create("users").await.unwrap();
    let key = [("branch".into(), text("users")), ("version".into(), text(branch_version))];
    let branch_key = stored(&bench.servers, &name, Item::from(key)).await.unwrap();

    // A branch key as search key: whoever may search would hold a key that opens records.
    bench.store(branch_key).await;
    let search_version = bench.written("users").await;
    bench.repoint([("write", Some(text(branch_version)))]).await;
    let error = bench.fetched().await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);

    // A search key as branch key: records would be sealed under a key that others hold.
    plant(&bench.servers, &name, bench.stored("users", search_version).await).await;
    let users = BranchName::new("users").unwrap();
    let error = branches.branch_key(&users, search_version).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
    branches.branch_key(&users, branch_version).await.unwrap();

    // And neither reads the other's pointer.
    let swapped = SearchKeys::per_table(bench.keys().named(&name));
    let error = swapped.prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::InvalidResponse);
    let error = branches.named(&bench.table).rotate("users").await.unwrap_err();
    assert!(error.to_string().contains("`active_version` is absent"), "{error}");
}

/// Not prevented; the threat model says so: searches miss what is written under the newer key.
#[tokio::test]
async fn a_pointer_that_was_turned_back_makes_an_older_key_the_written_one() {
    let bench = Bench::with(&["users"]).await;
    let before = bench.pointer("users").await;
    bench.keys().rotate("users").await.unwrap();
    bench.store(before.clone()).await;
    bench.fetched().await.unwrap();
    assert_eq!(text(bench.written("users").await), before["write"]);
}

#[tokio::test]
async fn a_pointer_that_no_rotation_writes_is_refused() {
    let bench = Bench::with(&["users"]).await;
    let rotated = bench.keys().rotate("users").await.unwrap();
    let whole = bench.pointer("users").await;
    let (write, other) = (text(rotated.write()), text(rotated.also_search().unwrap()));
    let now = seconds(bench.now());
    let third = text(BranchVersion::generate().unwrap());
    let list =
        |items: &[&AttributeValue]| AttributeValue::L(items.iter().copied().cloned().collect());
    for (name, value) in [
        // Three versions, or one twice.
        ("also_search", Some(list(&[&other, &third]))),
        ("also_search", Some(AttributeValue::Ss(vec![other.as_s().unwrap().clone()]))),
        ("also_search", Some(write.clone())),
        ("also_search", Some(text("active"))),
        ("also_search", None),
        ("write", Some(other.clone())),
        ("write", Some(list(&[&write]))),
        ("write", Some(text(write.as_s().unwrap().to_uppercase()))),
        ("write", None),
        // A rotation that is put off for ever.
        ("write_from", Some(number(now + 4_000_000))),
        ("write_from", Some(number(now + 300 + 3600 + 60))),
        ("write_from", Some(number(u64::MAX))),
        ("write_from", Some(number(i64::MAX))),
        ("write_from", Some(number(253_402_300_800_u64))),
        ("write_from", Some(number(-1))),
        ("write_from", Some(number("1e400"))),
        ("write_from", Some(number("1.5"))),
        ("write_from", Some(text(now))),
        ("write_from", None),
        ("cancelled", Some(number(now))),
        ("max_age", Some(number(86_401))),
        ("max_age", Some(number(u64::MAX))),
        ("max_age", Some(number("9".repeat(38)))),
        ("max_age", Some(number(0))),
        ("max_age", Some(text(300))),
        ("max_age", None),
    ] {
        let shown = format!("{name}: {value:?}");
        // DynamoDB refuses numbers beyond its range itself.
        if shown.contains("1e400") {
            continue;
        }
        bench.repoint([(name, value)]).await;
        bench.faults.forget_calls();
        let error = bench.fetched().await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::InvalidResponse, "{shown}");
        assert!(error.to_string().contains("was changed"), "{shown}: {error}");
        assert_eq!(bench.kms_calls(), 0, "{shown}");
        // The operator's calls refuse too, or give an answer, and never panic.
        let _ = bench.keys().list().next().await;
        let _ = bench.keys().branch("users").await.map(|branch| branch.retire_from());
        let _ = bench.keys().cancel("users").await.map_err(|error| error.to_string());
        let _ = bench.keys().retire("users").await.map_err(|error| error.to_string());
        bench.store(whole.clone()).await;
    }
    bench.repoint([("write_from", None), ("cancelled", Some(number(now + 4_000)))]).await;
    assert_eq!(bench.fetched().await.unwrap_err().kind(), KeyErrorKind::InvalidResponse);
    bench.store(whole).await;
    bench.fetched().await.unwrap();
}

/// A rotation of years ago that was never finished is no mistake.
#[tokio::test]
async fn times_in_the_past_are_taken() {
    let bench = Bench::with(&["users"]).await;
    let rotated = bench.keys().rotate("users").await.unwrap();
    for attribute in ["write_from", "cancelled"] {
        bench.repoint([("write_from", None), (attribute, Some(number(0)))]).await;
        bench.fetched().await.unwrap();
        let branch = bench.keys().branch("users").await.unwrap();
        assert_eq!(branch.written_at(bench.now()), rotated.write());
    }
    assert_eq!(bench.keys().retire("users").await.unwrap(), rotated.also_search());
}

#[tokio::test]
async fn a_wrapped_key_that_was_changed_does_not_unwrap() {
    let bench = Bench::with(&["users"]).await;
    let version = bench.written("users").await;
    let item = bench.stored("users", version).await;
    let wrapped = item["encrypted_dek"].as_b().unwrap().as_ref().to_vec();
    for (bytes, expected) in [
        (Vec::new(), KeyErrorKind::InvalidResponse),
        (wrapped[..10].to_vec(), KeyErrorKind::InvalidResponse),
        (
            wrapped
                .iter()
                .copied()
                .take(wrapped.len() - 1)
                .chain([!wrapped[wrapped.len() - 1]])
                .collect(),
            KeyErrorKind::ContextMismatch,
        ),
    ] {
        let mut changed = item.clone();
        changed.insert("encrypted_dek".into(), envelope_tests::binary(bytes));
        bench.store(changed).await;
        assert_eq!(bench.fetched().await.unwrap_err().kind(), expected);
    }
}

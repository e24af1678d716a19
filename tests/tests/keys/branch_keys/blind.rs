//! An operator who creates and rotates branches, and whom KMS shows no key.

use envelope_dynamo::keys::{
    CachedKeyProvider, GroupKeyProvider, MultiKeyWrapper, ObservedKeyProvider, SharedKeyProvider,
    SharingLimits,
};
use envelope_dynamo::{KmsKeyWrapper, WrapKey};
use envelope_tests::base64;
use serde_json::json;

use super::*;

/// What an operator must not need.
const WITH_PLAINTEXT: [&str; 4] = ["GenerateDataKey", "Decrypt", "Encrypt", "ReEncrypt"];

/// KMS for an operator whose policy allows `kms:GenerateDataKeyWithoutPlaintext` alone.
fn blind() -> Faults {
    let faults = Faults::new();
    for operation in WITH_PLAINTEXT {
        faults.fail_always(operation, Fault::error("AccessDeniedException"));
    }
    faults
}

fn wrapper(bench: &Bench, kms: &Faults) -> KmsKeyWrapper {
    KmsKeyWrapper::new(bench.servers.kms_through(kms), bench.servers.kms_key_id())
}

fn operator<P: WrapKey>(bench: &Bench, provider: P) -> BranchKeyTable<P> {
    BranchKeyTable::new(bench.servers.dynamodb().clone(), "branch-keys", provider)
        .named(&bench.table)
}

/// Creates and rotates `branch`, and checks that its keys serve a service.
async fn assert_serves(bench: &Bench, branch: &str, provider: impl WrapKey) {
    let operator = operator(bench, provider);
    let first = operator.create(branch).await.unwrap();
    let old = write(branch, &bench.provider(TTL)).await;
    let second = operator.rotate(branch).await.unwrap();
    let new = write(branch, &bench.provider(TTL)).await;
    assert_eq!([version(&old), version(&new)], [first, second], "{branch}");
    for item in [old, new] {
        assert_eq!(read(&item, &bench.provider(TTL)).await, Ok(visit(1, branch)), "{branch}");
    }
}

#[tokio::test]
async fn an_operator_without_any_right_to_plaintext_creates_and_rotates() {
    let bench = Bench::with(&[]).await;
    let kms = blind();
    assert_serves(&bench, "alice", wrapper(&bench, &kms)).await;
    assert_eq!(kms.calls("GenerateDataKeyWithoutPlaintext"), 2);
    assert_eq!(WITH_PLAINTEXT.map(|operation| kms.calls(operation)), [0; 4]);
    assert_eq!(kms.all_requests().len(), 2, "nothing else is asked of KMS");
}

#[tokio::test]
async fn the_branch_key_stays_in_kms_behind_every_provider_that_passes_calls_on() {
    let bench = Bench::with(&[]).await;
    let kms = blind();
    let provider = || kms_keys(&bench.servers, &kms);
    let sharing = SharingLimits::new(MINUTE, 1_000);
    assert_serves(&bench, "provider", provider()).await;
    assert_serves(&bench, "reference", &provider()).await;
    assert_serves(&bench, "box", Box::new(provider()) as Box<dyn WrapKey>).await;
    assert_serves(&bench, "arc", Arc::new(provider())).await;
    let observed = ObservedKeyProvider::new(provider(), bench.counters.clone());
    assert_serves(&bench, "observed", observed).await;
    let cached = CachedKeyProvider::new(provider(), TTL).keeping_generated();
    assert_serves(&bench, "cached", cached).await;
    assert_serves(&bench, "shared", SharedKeyProvider::new(provider(), sharing)).await;
    assert_serves(&bench, "groups", GroupKeyProvider::new(provider())).await;
    assert_eq!(kms.calls("GenerateDataKeyWithoutPlaintext"), 16);
    assert_eq!(WITH_PLAINTEXT.map(|operation| kms.calls(operation)), [0; 4]);
}

/// The second party wraps in this process what KMS made for the first.
#[tokio::test]
async fn a_branch_key_for_several_parties_passes_through_the_operator() {
    let bench = Bench::with(&[]).await;
    let kms = Faults::new();
    let both = MultiKeyWrapper::new(wrapper(&bench, &kms)).with(wrapper(&bench, &kms));
    assert_serves(&bench, "alice", both).await;
    let calls = ["GenerateDataKey", "Encrypt", "GenerateDataKeyWithoutPlaintext"];
    assert_eq!(calls.map(|operation| kms.calls(operation)), [2, 2, 0]);

    let kms = blind();
    let both = MultiKeyWrapper::new(wrapper(&bench, &kms)).with(wrapper(&bench, &kms));
    let error = operator(&bench, both).create("bob").await.unwrap_err();
    assert_eq!(branch_kind(&error), KeyErrorKind::AccessDenied, "{error}");
}

/// Somebody answers in the place of KMS.
#[tokio::test]
async fn a_wrong_answer_creates_and_rotates_nothing() {
    let bench = Bench::with(&["alice"]).await;
    let key = bench.servers.kms_key_id();
    let arn = |key: &str| format!("arn:aws:kms:eu-central-1:111122223333:key/{key}");
    let other = arn("99999999-aaaa-bbbb-cccc-dddddddddddd");
    for (key, blob) in [(json!(other), "BwcH"), (json!(key), ""), (json!(null), "BwcH")] {
        let body = json!({ "KeyId": key, "CiphertextBlob": blob }).to_string();
        bench.faults.fail_always(
            "GenerateDataKeyWithoutPlaintext",
            Fault::Reply { status: 200, body: body.clone() },
        );
        for error in [
            bench.keys().create("bob").await.unwrap_err(),
            bench.keys().rotate("alice").await.unwrap_err(),
        ] {
            assert_eq!(branch_kind(&error), KeyErrorKind::InvalidResponse, "{body}: {error}");
        }
    }
    assert_eq!(bench.faults.calls("TransactWriteItems"), 0);
    assert_eq!(bench.keys().versions("alice").await.unwrap().len(), 1);
}

/// Nothing tries the new key before it becomes active. A writer has to unwrap it first, so no
/// record is ever sealed under a key that does not unwrap.
#[tokio::test]
async fn a_new_key_that_does_not_unwrap_stops_writers_and_loses_nothing() {
    let bench = Bench::with(&["alice"]).await;
    let old = write("alice", &bench.provider(TTL)).await;
    let item = bench.stored("alice", version(&old)).await;
    let answered = wrapped_keys(&item).keys()[0].clone();
    let arn = bench.servers.kms().describe_key().key_id(bench.servers.kms_key_id());
    let arn = arn.send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    // The blob of another version, as KMS would never answer.
    let body = json!({ "KeyId": arn, "CiphertextBlob": base64(answered.bytes()) }).to_string();
    bench.faults.fail_next("GenerateDataKeyWithoutPlaintext", Fault::Reply { status: 200, body });
    bench.keys().rotate("alice").await.unwrap();
    let error = to_item(&visit(1, "alice"), &bench.provider(TTL)).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::ContextMismatch, "{error}");
    assert_eq!(read(&old, &bench.provider(TTL)).await, Ok(visit(1, "alice")));

    let repaired = bench.keys().rotate("alice").await.unwrap();
    let new = write("alice", &bench.provider(TTL)).await;
    assert_eq!(version(&new), repaired);
    assert_eq!(read(&new, &bench.provider(TTL)).await, Ok(visit(1, "alice")));
}

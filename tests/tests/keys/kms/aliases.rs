//! An alias is resolved once, by the first answer.

use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::{KmsKeyProvider, from_item, to_item};
use envelope_examples::Fault as Injected;
use envelope_examples::servers::create_kms_key;
use serde_json::json;

use super::{ANOTHER_ARN, Bench, User, base64, json, key_error, user};

fn keys_asked_for(bench: &Bench, operation: &str) -> Vec<String> {
    let requests = bench.faults.requests(operation);
    requests.iter().map(|request| json(request)["KeyId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn requests_name_the_alias_until_it_is_resolved_then_its_key() {
    let bench = Bench::new().await;
    let alias = bench.alias(&bench.key).await;
    let writer = bench.provider(&alias);
    let item = to_item(&user("alice"), &writer).await.unwrap();
    to_item(&user("bob"), &writer).await.unwrap();
    assert_eq!(keys_asked_for(&bench, "GenerateDataKey"), [alias.as_str(), &bench.key]);
    let reader = bench.provider(&alias);
    for _ in 0..2 {
        from_item::<User>(item.clone(), &reader).await.unwrap();
    }
    assert_eq!(keys_asked_for(&bench, "Decrypt"), [alias.as_str(), &bench.key]);
}

/// Two calls in flight at once, both before any answer.
async fn both_in_flight<T>(bench: &Bench, operation: &str, calls: impl Future<Output = T>) -> T {
    bench.faults.forget_calls();
    bench.faults.hold(operation);
    let release = async {
        bench.called(operation, 2).await;
        bench.faults.release(operation);
    };
    tokio::join!(calls, release).0
}

#[tokio::test]
async fn concurrent_calls_that_resolve_an_alias_agree() {
    let bench = Bench::new().await;
    let alias = bench.alias(&bench.key).await;
    let (alice, bob) = (user("alice"), user("bob"));
    for (one, two) in [
        // First one shared provider, then one provider each.
        {
            let shared = std::sync::Arc::new(bench.provider(&alias));
            (std::sync::Arc::clone(&shared), shared)
        },
        (bench.provider(&alias).into(), bench.provider(&alias).into()),
    ] {
        let both = async { tokio::join!(to_item(&alice, &one), to_item(&bob, &two)) };
        let (a, b) = both_in_flight(&bench, "GenerateDataKey", both).await;
        assert_eq!(keys_asked_for(&bench, "GenerateDataKey"), [alias.as_str(), &alias]);
        for (item, user) in [(a.unwrap(), &alice), (b.unwrap(), &bob)] {
            for provider in [&one, &two] {
                assert_eq!(from_item::<User>(item.clone(), provider).await.unwrap(), *user);
            }
        }
        assert!(keys_asked_for(&bench, "Decrypt").iter().all(|key| *key == bench.key));
    }
}

#[tokio::test]
async fn concurrent_readers_that_resolve_an_alias_agree() {
    let bench = Bench::new().await;
    let alias = bench.alias(&bench.key).await;
    let item = to_item(&user("alice"), &bench.provider(&bench.key)).await.unwrap();
    let provider = bench.provider(&alias);
    let read = || from_item::<User>(item.clone(), &provider);
    let (a, b) = both_in_flight(&bench, "Decrypt", async { tokio::join!(read(), read()) }).await;
    assert_eq!((a.unwrap(), b.unwrap()), (user("alice"), user("alice")));
    assert_eq!(keys_asked_for(&bench, "Decrypt"), [alias.as_str(), &alias]);
}

/// The alias moves during the first two calls: one key is kept, and the other answer is not used.
#[tokio::test]
async fn an_alias_that_moves_between_two_calls_resolves_to_one_key() {
    let bench = Bench::new().await;
    let alias = bench.alias(&bench.key).await;
    let provider = bench.provider(&alias);
    for arn in [bench.key.as_str(), ANOTHER_ARN] {
        let body = json!({ "KeyId": arn, "Plaintext": base64(&[7; 32]), "CiphertextBlob": base64(&[7; 184]) });
        bench
            .faults
            .fail_next("GenerateDataKey", Injected::Reply { status: 200, body: body.to_string() });
    }
    let (alice, bob) = (user("alice"), user("bob"));
    let both = async { tokio::join!(to_item(&alice, &provider), to_item(&bob, &provider)) };
    let (a, b) = both_in_flight(&bench, "GenerateDataKey", both).await;
    let ((Ok(_), Err(error)) | (Err(error), Ok(_))) = (a, b) else {
        panic!("exactly one succeeds")
    };
    assert_eq!(key_error(&error).kind(), KeyErrorKind::InvalidResponse, "{}", key_error(&error));
    bench.faults.forget_calls();
    bench.faults.fail_always("GenerateDataKey", Injected::error("DisabledException"));
    to_item(&user("carol"), &provider).await.unwrap_err();
    let [kept] = keys_asked_for(&bench, "GenerateDataKey").try_into().unwrap();
    assert!(kept == bench.key || kept == ANOTHER_ARN, "{kept}");
    assert!(key_error(&error).to_string().contains(if kept == bench.key {
        ANOTHER_ARN
    } else {
        &bench.key
    }));
}

/// An alias ARN names region and account. An answer from elsewhere is refused, even while no key is
/// known.
#[tokio::test]
async fn an_alias_arn_is_resolved_to_keys_of_its_own_account_and_region_alone() {
    let bench = Bench::new().await;
    let alias = bench.alias(&bench.key).await;
    let (place, _) = bench.key.split_once(":key/").unwrap();
    let provider = bench.provider(&format!("{place}:{alias}"));
    let answer = |arn: &str| {
        let body = json!({ "KeyId": arn, "Plaintext": base64(&[7; 32]), "CiphertextBlob": base64(&[7; 184]) });
        Injected::Reply { status: 200, body: body.to_string() }
    };
    bench.faults.fail_next("GenerateDataKey", answer(ANOTHER_ARN));
    let error = to_item(&user("alice"), &provider).await.unwrap_err();
    assert_eq!(key_error(&error).kind(), KeyErrorKind::InvalidResponse);
    to_item(&user("alice"), &provider).await.unwrap();
}

/// A refused answer resolves nothing.
#[tokio::test]
async fn an_alias_is_not_resolved_by_an_answer_without_a_data_key() {
    let bench = Bench::new().await;
    let alias = bench.alias(&bench.key).await;
    let provider: KmsKeyProvider = bench.provider(&alias);
    let body = json!({ "KeyId": ANOTHER_ARN, "Plaintext": base64(&[7; 31]), "CiphertextBlob": base64(&[7; 184]) });
    bench
        .faults
        .fail_next("GenerateDataKey", Injected::Reply { status: 200, body: body.to_string() });
    to_item(&user("alice"), &provider).await.unwrap_err();
    to_item(&user("alice"), &provider).await.unwrap();
    assert_eq!(keys_asked_for(&bench, "GenerateDataKey"), [alias.as_str(), &alias]);
}

#[tokio::test]
async fn keys_that_are_also_read_are_never_written_with() {
    let bench = Bench::new().await;
    let old = create_kms_key(bench.servers.kms()).await.unwrap();
    let provider = bench.provider(&bench.key).also_decrypts(&old);
    to_item(&user("alice"), &provider).await.unwrap();
    let item = to_item(&user("bob"), &bench.provider(&old)).await.unwrap();
    bench.faults.forget_calls();
    from_item::<User>(item, &provider).await.unwrap();
    to_item(&user("bob"), &provider).await.unwrap();
    assert_eq!(keys_asked_for(&bench, "Decrypt"), [old.as_str()]);
    assert_eq!(keys_asked_for(&bench, "GenerateDataKey"), [bench.key.as_str()]);
}

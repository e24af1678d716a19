//! Answers that KMS never gives, but a proxy, a bug or an attacker could.

use envelope_dynamo::error::{DataError, KeyErrorKind};
use envelope_dynamo::{Error, ErrorKind, Fault, from_item, to_item};
use envelope_examples::Fault as Injected;
use envelope_tests::{Secret, all_it_says};
use serde_json::{Value, json};

use super::{ANOTHER_ARN, Bench, User, base64, key_error, user, wrapped_keys};

/// The data key in the answers of these tests.
const DATA_KEY: [u8; 32] = *b"\xd1\xf6\x0b\x99\x5c\xe3\x42\xa7\x18\x7e\xbd\x04\xc9\x63\x2f\x80\
                              \x9a\x51\xee\x36\x77\xfb\xc2\x1d\x0d\xb8\x94\x4e\xa3\x6a\xf5\x29";

/// A correct answer to GenerateDataKey.
fn answer(bench: &Bench) -> Value {
    json!({ "KeyId": bench.key, "Plaintext": base64(&DATA_KEY), "CiphertextBlob": base64(&[7; 184]) })
}

fn with(mut answer: Value, name: &str, value: Value) -> String {
    answer[name] = value;
    answer.to_string()
}

fn without(mut answer: Value, name: &str) -> String {
    answer.as_object_mut().unwrap().remove(name);
    answer.to_string()
}

/// Answers for another key or no key, or without a data key of 32 bytes: wrong for both operations.
fn wrong_answers(bench: &Bench) -> Vec<String> {
    let good = || answer(bench);
    let [arn, aws, kms, _, account, resource] = bench.key.split(':').collect::<Vec<_>>()[..] else {
        panic!("not an ARN: {}", bench.key)
    };
    let (place, id) = bench.key.split_once(":key/").unwrap();
    let names = [
        ANOTHER_ARN.to_owned(),
        format!("{place}:key/{id}0"),
        format!("{place}:alias/{id}"),
        [arn, aws, kms, "mars-north-1", account, resource].join(":"),
        id.to_owned(),
        "arn:aws:kms".to_owned(),
        "not an arn".to_owned(),
        String::new(),
    ];
    let lengths = [0, 1, 16, 31, 33, 64];
    let names = names.iter().map(|name| with(good(), "KeyId", json!(name)));
    let keys = lengths
        .iter()
        .map(|length| with(good(), "Plaintext", json!(base64(&DATA_KEY.repeat(2)[..*length]))));
    names
        .chain(keys)
        .chain(["KeyId", "Plaintext"].map(|name| without(good(), name)))
        .chain(["KeyId", "Plaintext"].map(|name| with(good(), name, Value::Null)))
        .chain(["{}".to_owned()])
        .collect()
}

/// Answers whose blob is missing or does not fit into a record: wrong for GenerateDataKey.
fn wrong_blobs(bench: &Bench) -> Vec<String> {
    let good = || answer(bench);
    vec![
        without(good(), "CiphertextBlob"),
        with(good(), "CiphertextBlob", Value::Null),
        with(good(), "CiphertextBlob", json!("")),
        with(good(), "CiphertextBlob", json!(base64(&[7; 6145]))),
    ]
}

#[track_caller]
fn assert_refused(bench: &Bench, operation: &str, answer: &str, error: &Error) {
    let key = key_error(error);
    assert_eq!(key.kind(), KeyErrorKind::InvalidResponse, "{answer}: {key}");
    assert_eq!((error.fault(), error.is_retryable()), (Fault::Operator, false), "{answer}");
    assert_eq!(bench.faults.calls(operation), 1, "{answer}");
    assert!(key.request_id().is_some(), "{answer}: {key}");
    let told = all_it_says(error);
    assert_eq!(Secret::new(DATA_KEY).found_in(&told), None, "{answer}: {told}");
}

#[tokio::test]
async fn a_wrong_answer_to_generate_data_key_is_refused_and_nothing_is_written() {
    let bench = Bench::new().await;
    for body in wrong_answers(&bench).into_iter().chain(wrong_blobs(&bench)) {
        bench.faults.forget_calls();
        bench
            .faults
            .fail_next("GenerateDataKey", Injected::Reply { status: 200, body: body.clone() });
        let error = bench.table.put(&user("alice")).send().await.unwrap_err();
        assert_refused(&bench, "GenerateDataKey", &body, &error);
        assert_eq!(bench.faults.calls("PutItem"), 0, "{body}");
    }
    assert_eq!(bench.stored("alice").await, None);
}

#[tokio::test]
async fn a_wrong_answer_to_decrypt_is_refused() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    for body in wrong_answers(&bench) {
        bench.faults.forget_calls();
        bench.faults.fail_next("Decrypt", Injected::Reply { status: 200, body: body.clone() });
        let error = bench.table.get("alice").send().await.unwrap_err();
        assert_refused(&bench, "Decrypt", &body, &error);
    }
}

#[tokio::test]
async fn the_unchanged_answer_is_accepted() {
    let bench = Bench::new().await;
    let provider = bench.provider(&bench.key);
    let longest = with(answer(&bench), "CiphertextBlob", json!(base64(&[7; 6144])));
    for (body, bytes) in [(answer(&bench).to_string(), 184), (longest, 6144)] {
        bench
            .faults
            .fail_next("GenerateDataKey", Injected::Reply { status: 200, body: body.clone() });
        let item = to_item(&user("alice"), &provider).await.unwrap();
        assert_eq!(wrapped_keys(&item).keys()[0].bytes(), vec![7; bytes]);
        bench.faults.fail_next("Decrypt", Injected::Reply { status: 200, body });
        assert_eq!(from_item::<User>(item, &provider).await.unwrap(), user("alice"));
    }
}

#[tokio::test]
async fn a_wrong_data_key_of_the_right_length_fails_like_any_other() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    bench
        .faults
        .fail_next("Decrypt", Injected::Reply { status: 200, body: answer(&bench).to_string() });
    let error = bench.table.get("alice").send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
    assert_eq!(Secret::new(DATA_KEY).found_in(&all_it_says(&error)), None);
}

/// The SDK keeps an answer that it cannot parse, and would print it with the error.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_printed() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    let good = answer(&bench).to_string();
    let cut: String = good.chars().take(good.len() - 2).collect();
    let key = base64(&DATA_KEY);
    let unreadable = [
        cut,
        format!("{good}{good}"),
        with(answer(&bench), "KeyId", json!([key])),
        with(answer(&bench), "KeyId", json!({ "Plaintext": key })),
        with(answer(&bench), "CiphertextBlob", json!(format!("!{key}"))),
        with(answer(&bench), "Plaintext", json!(format!("{key}!"))),
        format!("Plaintext={key}"),
        format!(r#"{{"Plaintext":"{key}","{key}":\u12"#),
        format!(r#"{{"Plaintext":{key}}}"#),
    ];
    for body in unreadable {
        for status in [200, 400, 500] {
            for operation in ["GenerateDataKey", "Decrypt"] {
                bench.faults.fail_always(operation, Injected::Reply { status, body: body.clone() });
            }
            let wrote = bench.table.put(&user("bob")).send().await.unwrap_err();
            let read = bench.table.get("alice").send().await.unwrap_err();
            for error in [wrote, read] {
                let told = all_it_says(&error);
                assert_eq!(Secret::new(DATA_KEY).found_in(&told), None, "{status} {body}: {told}");
            }
        }
    }
}

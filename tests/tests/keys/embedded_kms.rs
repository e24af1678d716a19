//! The embedded KMS of `envelope-testing`, call by call: it answers as AWS documents, and
//! LocalStack's KMS answers the same but for the listed calls.

mod calls;

use std::collections::BTreeMap;

use envelope_examples::Servers;

use self::calls::answers;

/// What LocalStack 2026.3 answers otherwise, and what it answers.
const LOCALSTACK: [(&str, &str); 23] = [
    // It names no key material, and makes data keys of 32 bytes whatever it is asked.
    ("GenerateDataKey", "wrong"),
    ("GenerateDataKey AES_128", "wrong"),
    ("GenerateDataKey after the rotation", "wrong"),
    ("GenerateDataKey of 64 bytes", "wrong"),
    // It does not check members.
    ("Decrypt by RSA", "ok"),
    ("Decrypt with a grant token", "ok"),
    ("Encrypt by RSA", "ok"),
    ("Encrypt nothing", "ok"),
    ("GenerateDataKey of 1,025 bytes", "ok"),
    ("GenerateDataKey of a spec and a size", "ok"),
    ("GenerateDataKey without a size", "ok"),
    ("GenerateDataKey, dry run", "ok"),
    ("an empty ciphertext", "InvalidCiphertextException"),
    // It joins the names and values of a context without their lengths.
    ("{a: bc, d: e} read as {ab: c, d: e}", "ok"),
    ("{a: bcde} read as {a: bc, d: e}", "ok"),
    // It looks for the key that a ciphertext names before anything else.
    ("Decrypt in a region without a replica", "NotFoundException"),
    ("Decrypt what another region made", "NotFoundException"),
    ("ReEncrypt without the source key", "InternalError"),
    ("a ciphertext of noise", "NotFoundException"),
    ("CancelKeyDeletion twice", "DisabledException"),
    ("CreateAlias of an alias", "ok"),
    ("CreateAlias under alias/aws/", "ok"),
    ("GetPublicKey", "ok"),
];

#[tokio::test]
async fn the_embedded_kms_answers_as_aws_does() {
    let servers = Servers::embedded().await.unwrap();
    let answers = answers(servers.kms()).await;
    assert_eq!(answers.len(), 96);
    let wrong: Vec<_> = answers.iter().filter(|answer| answer.given != answer.of_aws).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The calls for which LocalStack differs are those that are listed: no more, and no fewer.
#[tokio::test]
#[ignore = "needs the servers of tests/real-servers.sh"]
async fn the_kms_of_localstack_gives_the_same_answers_but_for_those_listed() {
    assert!(
        std::env::var("KMS_ENDPOINT").is_ok_and(|url| !url.is_empty()),
        "run this by tests/real-servers.sh"
    );
    let servers = Servers::from_env().await.unwrap();
    let answers = answers(servers.kms()).await;
    let differ: BTreeMap<_, _> = answers
        .iter()
        .filter(|answer| answer.given != answer.of_aws)
        .map(|answer| (answer.call, answer.given.as_str()))
        .collect();
    assert_eq!(differ, LOCALSTACK.into());
}

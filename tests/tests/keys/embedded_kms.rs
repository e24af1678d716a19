//! The embedded KMS of `envelope-testing`, call by call: it answers as AWS documents, and
//! LocalStack's KMS answers the same but for the listed calls.

mod calls;

use std::collections::BTreeMap;

use envelope_examples::Servers;

use self::calls::answers;

/// What LocalStack 2026.3 answers otherwise, and what it answers.
const LOCALSTACK: [(&str, &str); 0] = [];

#[tokio::test]
async fn the_embedded_kms_answers_as_aws_does() {
    let servers = Servers::embedded().await.unwrap();
    let answers = answers(servers.kms()).await;
    assert!(answers.len() > 75, "{}", answers.len());
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

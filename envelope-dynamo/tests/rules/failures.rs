//! Errors: which record they are about, whether a retry makes sense, and who has to act.

use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_dynamodb::config::IdentityCache;
use aws_sdk_dynamodb::error::ConnectorError;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use envelope_dynamo::{Envelope, Error, Fault, Table, WriteOutcome, transact_write};
use envelope_examples::Fault as Injected;

use crate::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "letters")]
#[partition_key(name = "pk", format = "FROM#{from}")]
#[sort_key(name = "sk", format = "LETTER#{number}")]
struct Letter {
    #[key]
    from: String,
    #[key]
    number: u32,
    #[encrypted]
    text: String,
    #[plaintext]
    read: bool,
}

fn letter() -> Letter {
    Letter { from: "zoe".into(), number: 1, text: "hello".into(), read: false }
}

#[tokio::test]
async fn an_error_gives_the_key_attributes_of_its_record() {
    let setup = Setup::new().await;
    let letters = setup.table::<Letter>().await;
    let error = letters.update(("zoe", 1)).set(|l| l.read, true).send().await.expect_err("none");
    let keys: Vec<_> = error.record().keys().collect();
    assert_eq!(keys, [("pk", "FROM#zoe"), ("sk", "LETTER#1")]);
}

#[tokio::test]
async fn a_part_that_no_key_can_have_is_told_by_a_query() {
    let setup = Setup::new().await;
    let letters = setup.table::<Letter>().await;
    setup.faults.forget_calls();
    let error = letters.query("zoe#1").send().await.expect_err("it contains a separator");
    assert!(error.to_string().contains("contains a separator"), "{error}");
    assert!(setup.faults.all_requests().is_empty());
}

#[tokio::test]
async fn a_cancelled_transaction_is_retryable_if_its_reason_passes() {
    let setup = Setup::new().await;
    let letters = setup.table::<Letter>().await;
    for (code, passes) in [
        ("TransactionConflict", true),
        ("ThrottlingError", true),
        ("ProvisionedThroughputExceeded", true),
        ("ValidationError", false),
        ("DuplicateItem", false),
    ] {
        let body = serde_json::json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "cancelled",
            "CancellationReasons": [{ "Code": code, "Message": "a reason" }],
        });
        let cancelled = Injected::Reply { status: 400, body: body.to_string() };
        setup.faults.fail_always("TransactWriteItems", cancelled);
        let letter = letter();
        let transaction = transact_write(&setup.dynamodb).put(letters.put(&letter));
        let error = transaction.send().await.expect_err("it is cancelled");
        let reason = error.reasons().first().expect("a reason").error();
        assert_eq!(reason.is_retryable(), passes, "{code}: {reason}");
    }
}

/// A table whose credentials come from `chain`, through the cache that the SDK uses by default.
fn with_credentials(setup: &Setup, chain: Chain) -> Table<Letter> {
    let cache = IdentityCache::lazy().load_timeout(Duration::from_secs(5)).build();
    let config = setup.dynamodb.config().to_builder().credentials_provider(chain);
    let client = aws_sdk_dynamodb::Client::from_conf(config.identity_cache(cache).build());
    Table::new(client, setup.keys.clone())
}

/// Credentials that never come, or an error in their place.
#[derive(Debug)]
enum Chain {
    Silent,
    TimedOutCall,
    Refused,
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error = |told: &'static str| {
            future::ProvideCredentials::ready(Err(CredentialsError::provider_error(told)))
        };
        match self {
            Self::Silent => future::ProvideCredentials::new(std::future::pending()),
            Self::TimedOutCall => error("request has timed out"), // as `SdkError` of STS says it
            Self::Refused => error("request has been refused"),
        }
    }
}

fn says(error: &Error) -> (WriteOutcome, bool, Fault) {
    (error.write_outcome(), error.is_retryable(), error.fault())
}

#[tokio::test]
async fn time_limits_of_credentials_are_an_outage() {
    let setup = Setup::new().await;
    setup.table::<Letter>().await;
    tokio::time::pause();
    for (chain, passes) in
        [(Chain::Silent, true), (Chain::TimedOutCall, true), (Chain::Refused, false)]
    {
        let told = format!("{chain:?}");
        let letters = with_credentials(&setup, chain);
        let error = letters.put(&letter()).send().await.expect_err("there are no credentials");
        assert_eq!(
            says(&error),
            (WriteOutcome::NotWritten, passes, Fault::Operator),
            "{told}: {error}"
        );
    }
}

/// An HTTP client that cannot send the request, like one without TLS for an `https` address.
#[derive(Debug)]
struct Unable;

impl HttpConnector for Unable {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::user("no such scheme".into())))
    }
}

#[tokio::test]
async fn a_client_that_cannot_send_is_no_outage() {
    let setup = Setup::new().await;
    let http = http_client_fn(|_, _| SharedHttpConnector::new(Unable));
    let config = setup.dynamodb.config().to_builder().http_client(http).build();
    let client = aws_sdk_dynamodb::Client::from_conf(config);
    let letters = Table::<Letter>::new(client, setup.keys.clone());
    let error = letters.get(("zoe", 1)).send().await.expect_err("nothing can be sent");
    assert!(!error.is_retryable(), "{error}");
    assert!(error.to_string().contains("the SDK could not send it"), "{error}");
}

//! Outages, and requests that were certainly not sent: connections that were not made, and
//! credentials.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use WriteOutcome::{NotWritten, Unknown};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as CredentialsResult, future};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Credentials, IdentityCache};
use aws_smithy_http_client::tls;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use envelope_dynamo::error::{KeyError, KeyErrorKind};
use envelope_dynamo::keys::CacheLimits;
use envelope_dynamo::testing::{TestClock, TestKeyProvider};
use envelope_dynamo::{
    BranchKeyTable, CachedKeyProvider, Envelope, Error, Fault, KmsKeyProvider, Table, WriteOutcome,
    to_item,
};
use envelope_examples::{Faults, Servers};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "accounts")]
struct Account {
    #[partition_key]
    id: String,
    #[encrypted]
    secret: String,
    #[plaintext]
    logins: u64,
}

fn account() -> Account {
    Account { id: "a".to_owned(), secret: "s".to_owned(), logins: 3 }
}

/// The table behind another HTTP client and endpoint.
fn table(
    setup: &Setup,
    http: SharedHttpClient,
    endpoint: &str,
    timeouts: TimeoutConfig,
) -> Table<Account> {
    let config = setup
        .dynamodb
        .config()
        .to_builder()
        .http_client(http)
        .endpoint_url(endpoint)
        .timeout_config(timeouts);
    Table::new(aws_sdk_dynamodb::Client::from_conf(config.build()), TestKeyProvider::default())
}

const TLS: tls::Provider = tls::Provider::Rustls(CryptoMode::AwsLc);

/// The HTTP client that the SDK uses by default.
fn hyper() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(TLS).build_https()
}

fn hyper_with(resolver: Resolver) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(TLS).build_with_resolver(resolver)
}

/// The errors of each kind of write.
async fn errors(accounts: &Table<Account>) -> Vec<Error> {
    vec![
        accounts.put(&account()).if_not_exists().send().await.expect_err("nobody answers"),
        accounts.update("a").add(|a| a.logins, 1).send().await.expect_err("nobody answers"),
        accounts.delete("a").returning_old().send().await.expect_err("nobody answers"),
    ]
}

fn says(error: &Error) -> (WriteOutcome, bool) {
    (error.write_outcome(), error.is_retryable())
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    (listener, address)
}

#[tokio::test]
async fn a_connection_that_is_refused_leaves_no_doubt() {
    let setup = Setup::new().await;
    let (listener, address) = listener().await;
    drop(listener);
    let accounts = table(&setup, hyper(), &format!("http://{address}"), TimeoutConfig::disabled());
    for error in errors(&accounts).await {
        assert_eq!(says(&error), (NotWritten, true), "{error:?}");
    }
}

#[tokio::test]
async fn a_tls_connection_that_is_not_made_leaves_no_doubt() {
    let setup = Setup::new().await;
    let (listener, address) = listener().await;
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let accounts = table(&setup, hyper(), &format!("https://{address}"), TimeoutConfig::disabled());
    for error in errors(&accounts).await {
        assert_eq!(says(&error), (NotWritten, true), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_doubt() {
    let setup = Setup::new().await;
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            connection.read_exact(&mut [0; 16]).await.expect("the request begins");
        }
    });
    let accounts = table(&setup, hyper(), &format!("http://{address}"), TimeoutConfig::disabled());
    for error in errors(&accounts).await {
        assert_eq!(says(&error), (Unknown, false), "{error:?}");
    }
}

/// A resolver that knows no name, or never answers.
#[derive(Clone, Debug)]
struct Resolver {
    answers: bool,
}

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        match self.answers {
            true => DnsFuture::ready(Err(ResolveDnsError::new("no such name"))),
            false => DnsFuture::new(std::future::pending()),
        }
    }
}

#[tokio::test]
async fn a_name_that_is_not_found_leaves_no_doubt() {
    let setup = Setup::new().await;
    let http = hyper_with(Resolver { answers: true });
    let accounts = table(&setup, http, "https://dynamodb.example.com", TimeoutConfig::disabled());
    for error in errors(&accounts).await {
        assert_eq!(says(&error), (NotWritten, true), "{error:?}");
    }
}

/// A limit on connecting says that nothing was sent; a limit on the whole try does not say how far
/// it came.
#[tokio::test]
async fn a_time_limit_leaves_doubt_unless_it_is_that_of_connecting() {
    let setup = Setup::new().await;
    tokio::time::pause();
    let limit = Duration::from_secs(1);
    for (timeouts, says_now) in [
        (TimeoutConfig::builder().connect_timeout(limit), (NotWritten, true)),
        (TimeoutConfig::builder().operation_attempt_timeout(limit), (Unknown, false)),
        (TimeoutConfig::builder().operation_timeout(limit), (Unknown, false)),
    ] {
        let http = hyper_with(Resolver { answers: false });
        let accounts = table(&setup, http, "https://dynamodb.example.com", timeouts.build());
        for error in errors(&accounts).await {
            assert_eq!(says(&error), says_now, "{error:?}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Credentials,
    NotLoaded,
    Misconfigured,
    Refused,
    MissingFile,
    Unreachable,
    TooLate,
    Never,
}

/// Whoever gives credentials, and what it answers now.
#[derive(Clone, Debug)]
struct Chain(Arc<Mutex<Answer>>);

impl Chain {
    fn new(answer: Answer) -> Self {
        Self(Arc::new(Mutex::new(answer)))
    }

    fn answer(&self) -> Option<CredentialsResult> {
        let io = |kind, what| CredentialsError::provider_error(io::Error::new(kind, what));
        Some(Err(match *self.0.lock().expect("not poisoned") {
            Answer::Never => return None,
            Answer::Credentials => {
                return Some(Ok(Credentials::new("key", "secret", None, None, "test")));
            }
            Answer::NotLoaded => CredentialsError::not_loaded("no environment, no profile"),
            Answer::Misconfigured => {
                CredentialsError::invalid_configuration("a role that assumes itself")
            }
            Answer::Refused => {
                CredentialsError::provider_error("not authorized to perform: sts:AssumeRole")
            }
            Answer::MissingFile => io(io::ErrorKind::NotFound, "no such file"),
            Answer::Unreachable => io(io::ErrorKind::ConnectionReset, "connection reset"),
            Answer::TooLate => CredentialsError::provider_timed_out(Duration::from_secs(5)),
        }))
    }
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        match self.answer() {
            Some(answer) => future::ProvideCredentials::ready(answer),
            None => future::ProvideCredentials::new(std::future::pending()),
        }
    }
}

fn dynamodb_with(setup: &Setup, chain: &Chain) -> aws_sdk_dynamodb::Client {
    let config = setup.dynamodb.config().to_builder().credentials_provider(chain.clone());
    aws_sdk_dynamodb::Client::from_conf(config.identity_cache(IdentityCache::no_cache()).build())
}

const ANSWERS: [(Answer, bool, Fault, KeyErrorKind); 6] = [
    (Answer::NotLoaded, false, Fault::Caller, KeyErrorKind::Configuration),
    (Answer::Misconfigured, false, Fault::Caller, KeyErrorKind::Configuration),
    (Answer::Refused, false, Fault::Operator, KeyErrorKind::Other),
    (Answer::MissingFile, false, Fault::Operator, KeyErrorKind::Other),
    (Answer::Unreachable, true, Fault::Operator, KeyErrorKind::Unreachable),
    (Answer::TooLate, true, Fault::Operator, KeyErrorKind::Unreachable),
];

#[tokio::test]
async fn a_write_without_credentials_was_not_sent_and_only_an_outage_passes() {
    let setup = Setup::new().await;
    for (answer, is_retryable, fault, _) in ANSWERS {
        let accounts = Table::new(dynamodb_with(&setup, &Chain::new(answer)), setup.keys.clone());
        for error in errors(&accounts).await {
            assert_eq!(
                (says(&error), error.fault()),
                ((NotWritten, is_retryable), fault),
                "{answer:?}: {error}"
            );
        }
    }
    let accounts = Table::<Account>::new(
        dynamodb_with(&setup, &Chain::new(Answer::NotLoaded)),
        setup.keys.clone(),
    );
    let error = accounts.get("a").send().await.expect_err("there are no credentials");
    assert_eq!(
        error.to_string(),
        "accounts[id=a]: GetItem on the table accounts was not sent: no credentials were found, or their configuration cannot be used (environment, profile, role)"
    );
}

#[tokio::test]
async fn credentials_that_never_come_leave_no_doubt() {
    let setup = Setup::new().await;
    tokio::time::pause();
    let config = dynamodb_with(&setup, &Chain::new(Answer::Never)).config().to_builder();
    let limit = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(1)).build();
    let client = aws_sdk_dynamodb::Client::from_conf(config.timeout_config(limit).build());
    for error in errors(&Table::new(client, setup.keys.clone())).await {
        assert_eq!(says(&error), (NotWritten, true), "{error:?}");
    }
}

#[tokio::test]
async fn keys_without_credentials_are_configuration_and_only_an_outage_is_unreachable() {
    let setup = Setup::new().await;
    let kms =
        Servers::embedded().await.expect("the embedded servers start").kms_through(&Faults::new());
    for (answer, is_retryable, fault, kind) in ANSWERS {
        let config = kms.config().to_builder().credentials_provider(Chain::new(answer));
        let kms = aws_sdk_kms::Client::from_conf(
            config.identity_cache(IdentityCache::no_cache()).build(),
        );
        let error = to_item(&account(), &KmsKeyProvider::new(kms, "alias/x"))
            .await
            .expect_err("no credentials");
        let key_error = error.key_error().expect("KMS was not asked");
        assert_eq!(
            (key_error.kind(), error.is_retryable(), error.fault()),
            (kind, is_retryable, fault),
            "{answer:?}"
        );

        // The table of branch keys is part of a key provider.
        let store = BranchKeyTable::new(
            dynamodb_with(&setup, &Chain::new(answer)),
            "keys",
            setup.keys.clone(),
        );
        let error = KeyError::from(store.versions("alice").await.expect_err("no credentials"));
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (kind, is_retryable),
            "{answer:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_cache_serves_through_an_outage_and_not_through_a_refusal() {
    let setup = Setup::new().await;
    let (chain, clock) = (Chain::new(Answer::Credentials), Arc::new(TestClock::default()));
    let servers = Servers::embedded().await.expect("the embedded servers start");
    let config = servers
        .kms_through(&Faults::new())
        .config()
        .to_builder()
        .credentials_provider(chain.clone());
    let kms =
        aws_sdk_kms::Client::from_conf(config.identity_cache(IdentityCache::no_cache()).build());
    let limits =
        CacheLimits::new(Duration::from_secs(60)).while_unreachable(Duration::from_secs(3600));
    let provider = KmsKeyProvider::new(kms, servers.kms_key_id());
    let provider = CachedKeyProvider::new(provider, limits).with_clock(clock.clone());
    let accounts = Table::<Account>::new(setup.dynamodb.clone(), provider);
    setup.table::<Account>().await;
    accounts.put(&account()).send().await.expect("stored");
    accounts.get("a").send().await.expect("opened, and the key is cached");
    clock.advance(Duration::from_secs(32 * 60));

    for (answer, opens) in
        [(Answer::Unreachable, true), (Answer::TooLate, true), (Answer::Refused, false)]
    {
        *chain.0.lock().expect("not poisoned") = answer;
        clock.advance(Duration::from_secs(60));
        assert_eq!(accounts.get("a").send().await.is_ok(), opens, "{answer:?}");
    }
}

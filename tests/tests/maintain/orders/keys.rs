//! Data keys and answers of KMS that are asked for once, and used again in every order.
//!
//! Orders differ in the requests to DynamoDB alone, so nothing is lost; within one order, no two
//! data keys and no two answers are the same.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use aws_sdk_kms::Client;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use envelope_core::EncryptionContext;
use envelope_dynamo::KeyProvider;
use envelope_dynamo::keys::{DataKey, GeneratedKey, KeyFuture, UnwrapKey, WrapKey, WrappedKey};

/// The answers to equal questions: the n-th of an order is the n-th of every order.
struct Answers<Q, A>(Mutex<HashMap<Q, (usize, Vec<A>)>>);

impl<Q: Hash + Eq, A> Answers<Q, A> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn start_again(&self) {
        self.0.lock().unwrap().values_mut().for_each(|(at, _)| *at = 0);
    }

    /// The next answer, if an order before has asked for it.
    fn next<T>(&self, question: &Q, take: impl FnOnce(&A) -> T) -> Option<T> {
        let mut all = self.0.lock().unwrap();
        let (at, answers) = all.get_mut(question)?;
        let answer = answers.get(*at)?;
        *at += 1;
        Some(take(answer))
    }

    fn remember(&self, question: Q, answer: A) {
        let mut all = self.0.lock().unwrap();
        let (at, answers) = all.entry(question).or_default();
        answers.push(answer);
        *at += 1;
    }
}

/// Asks another provider once for each data key.
pub(super) struct RememberedKeys {
    inner: Arc<dyn KeyProvider>,
    generated: Answers<EncryptionContext, GeneratedKey>,
    unwrapped: Mutex<HashMap<(Vec<u8>, EncryptionContext), DataKey>>,
}

impl RememberedKeys {
    pub(super) fn new(inner: Arc<dyn KeyProvider>) -> Self {
        Self { inner, generated: Answers::new(), unwrapped: Mutex::default() }
    }

    pub(super) fn start_again(&self) {
        self.generated.start_again();
    }
}

impl fmt::Debug for RememberedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RememberedKeys")
    }
}

impl WrapKey for RememberedKeys {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        let copy = |key: &GeneratedKey| GeneratedKey {
            data_key: key.data_key.share(),
            wrapped: key.wrapped.clone(),
        };
        Box::pin(async move {
            if let Some(known) = self.generated.next(context, copy) {
                return Ok(known);
            }
            let key = self.inner.generate(context).await?;
            self.generated.remember(context.clone(), copy(&key));
            Ok(key)
        })
    }
}

impl UnwrapKey for RememberedKeys {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            let [entry] = wrapped else { return self.inner.unwrap_key(wrapped, context).await };
            let question = (entry.bytes().to_vec(), context.clone());
            if let Some(key) = self.unwrapped.lock().unwrap().get(&question) {
                return Ok(key.share());
            }
            let key = self.inner.unwrap_key(wrapped, context).await?;
            self.unwrapped.lock().unwrap().insert(question, key.share());
            Ok(key)
        })
    }
}

/// Asks another KMS once for each answer.
#[derive(Clone)]
pub(super) struct RememberedKms {
    inner: SharedHttpClient,
    answers: Arc<Answers<String, (u16, Vec<u8>)>>,
}

impl RememberedKms {
    /// The KMS of `client`, and a client that remembers.
    pub(super) fn new(client: &Client) -> (Self, Client) {
        let inner = client.config().http_client().unwrap();
        let kms = Self { inner, answers: Arc::new(Answers::new()) };
        let config = client.config().to_builder().http_client(SharedHttpClient::new(kms.clone()));
        (kms, Client::from_conf(config.build()))
    }

    pub(super) fn start_again(&self) {
        self.answers.start_again();
    }
}

impl fmt::Debug for RememberedKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RememberedKms")
    }
}

impl HttpClient for RememberedKms {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(RememberedConnector { inner, answers: self.answers.clone() })
    }
}

#[derive(Clone)]
struct RememberedConnector {
    inner: SharedHttpConnector,
    answers: Arc<Answers<String, (u16, Vec<u8>)>>,
}

impl fmt::Debug for RememberedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RememberedConnector")
    }
}

impl HttpConnector for RememberedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { inner, answers } = self.clone();
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            // The pairs of the context are in another order each time; those of the value are not.
            let asked = envelope_tests::json(request.body().bytes().unwrap());
            let question = format!("{target} {asked}");
            let response = |(status, body): &(u16, Vec<u8>)| {
                HttpResponse::new((*status).try_into().unwrap(), body.clone().into())
            };
            if let Some(known) = answers.next(&question, response) {
                return Ok(known);
            }
            let answered = inner.call(request).await?;
            let body = answered.body().bytes().unwrap().to_vec();
            let answer = (answered.status().as_u16(), body);
            let answered = response(&answer);
            answers.remember(question, answer);
            Ok(answered)
        })
    }
}

//! Injects faults: records the calls of an SDK client, and makes chosen ones fail.

mod unprocessed;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::http::{operation, response};

/// A fault of a call.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use envelope_dynamo::{Envelope, WriteOutcome};
/// use envelope_testing::{Aws, Fault, Faults};
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// let faults = Faults::new();
/// let aws = Aws::embedded().await?.with_faults(&faults);
/// let users = aws.create_table::<User>("users").await?;
/// let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
///
/// faults.fail_next("GenerateDataKey", Fault::error("AccessDeniedException"));
/// let error = users.put(&zoe).send().await.unwrap_err();
/// assert_eq!(error.write_outcome(), WriteOutcome::NotWritten);
///
/// faults.fail_next("PutItem", Fault::LoseReply);
/// users.put(&zoe).if_not_exists().send().await?; // the SDK tried again, and found its own record
/// assert_eq!(faults.calls("PutItem"), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The client gets this reply; the server does not see the request.
    Reply {
        /// The HTTP status.
        status: u16,
        /// The JSON document.
        body: String,
    },
    /// The connection breaks before the request is sent.
    Io,
    /// No answer comes within the time allowed; the server does not see the request.
    Timeout,
    /// The server carries out the request, and its reply is lost.
    LoseReply,
    /// The server processes the first reads or writes of a batch; the others come back as
    /// unprocessed.
    Unprocessed {
        /// The number of reads or writes that the server sees.
        processed: usize,
    },
}

impl Fault {
    /// A refusal by the service, with an error code such as `AccessDeniedException`.
    #[must_use]
    pub fn error(code: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": "a fault that was asked for" });
        Self::Reply { status: 400, body: body.to_string() }
    }
}

/// A plan of faults and a record of calls, shared by its clones and by every client behind it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aws_sdk_kms::types::DataKeySpec;
/// use envelope_testing::{Aws, Fault, Faults};
///
/// let aws = Aws::embedded().await?;
/// let faults = Faults::new();
/// let kms = aws.kms_through(&faults);
///
/// faults.fail_next("GenerateDataKey", Fault::error("ThrottlingException"));
/// let call = kms.generate_data_key().key_id(aws.kms_key_id());
/// call.key_spec(DataKeySpec::Aes256).send().await?;
/// assert_eq!(faults.calls("GenerateDataKey"), 2); // refused once, then tried again by the SDK
/// assert!(faults.all_used());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    once: HashMap<String, VecDeque<Fault>>,
    always: HashMap<String, Fault>,
    random: Option<RandomFaults>,
    /// Wakes the calls of an operation that is held.
    held: HashMap<String, Vec<Waker>>,
    requests: Vec<(String, Vec<u8>)>,
}

impl Faults {
    /// A plan without faults, and a record without calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An HTTP client that sends every request to `inner` that no fault stops.
    #[must_use]
    pub fn in_front_of(&self, inner: &SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(FaultyClient { inner: inner.clone(), faults: self.clone() })
    }

    /// The same for a connection to a server.
    #[cfg(feature = "loopback")]
    pub(crate) fn in_front_of_server(&self, inner: &SharedHttpConnector) -> SharedHttpConnector {
        let (inner, faults) = (inner.clone(), self.clone());
        SharedHttpConnector::new(FaultyConnector { inner, faults })
    }

    /// Makes the next call of `operation` fail. Several faults happen in the order of the calls to
    /// this function.
    ///
    /// The operation is named as in the API: `PutItem`, `GenerateDataKey`.
    pub fn fail_next(&self, operation: &str, fault: Fault) {
        self.state().once.entry(operation.to_owned()).or_default().push_back(fault);
    }

    /// Makes every call of `operation` fail until [`recover`](Self::recover).
    pub fn fail_always(&self, operation: &str, fault: Fault) {
        self.state().always.insert(operation.to_owned(), fault);
    }

    /// Makes about `per_mille` of a thousand calls fail, of any operation and in every way. The
    /// same `seed` chooses the same calls and faults.
    pub fn fail_randomly(&self, per_mille: u64, seed: u64) {
        self.state().random = Some(RandomFaults { per_mille, state: seed | 1 });
    }

    /// Ends [`fail_randomly`](Self::fail_randomly).
    pub fn stop_failing_randomly(&self) {
        self.state().random = None;
    }

    /// Forgets the faults planned for `operation`.
    pub fn recover(&self, operation: &str) {
        let mut state = self.state();
        state.once.remove(operation);
        state.always.remove(operation);
    }

    /// Holds every call of `operation` until [`release`](Self::release): recorded, but not sent.
    ///
    /// If its caller drops a call meanwhile, the call never reaches the server.
    pub fn hold(&self, operation: &str) {
        self.state().held.entry(operation.to_owned()).or_default();
    }

    /// Lets the calls of `operation` continue that [`hold`](Self::hold) stopped, each to its fault
    /// or to the server.
    pub fn release(&self, operation: &str) {
        let waiting = self.state().held.remove(operation);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    /// Whether every fault of [`fail_next`](Self::fail_next) has happened.
    #[must_use]
    pub fn all_used(&self) -> bool {
        self.state().once.values().all(VecDeque::is_empty)
    }

    /// The number of tries of `operation`, including the SDK's own retries and failed tries.
    #[must_use]
    pub fn calls(&self, operation: &str) -> usize {
        self.state().requests.iter().filter(|(name, _)| name == operation).count()
    }

    /// The bodies of all requests for `operation`, in the order in which they were sent, as JSON.
    ///
    /// Byte values are in base64.
    #[must_use]
    pub fn requests(&self, operation: &str) -> Vec<Vec<u8>> {
        let state = self.state();
        state
            .requests
            .iter()
            .filter(|(name, _)| name == operation)
            .map(|(_, body)| body.clone())
            .collect()
    }

    /// The bodies of all requests of all operations, as an eavesdropper would see them.
    #[must_use]
    pub fn all_requests(&self) -> Vec<Vec<u8>> {
        self.state().requests.iter().map(|(_, body)| body.clone()).collect()
    }

    /// Forgets the calls recorded so far; planned faults stay.
    pub fn forget_calls(&self) {
        self.state().requests.clear();
    }

    /// Records a request and returns its fault.
    fn meet(&self, request: &HttpRequest) -> Option<Fault> {
        let operation = operation(request);
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let mut state = self.state();
        state.requests.push((operation.to_owned(), body));
        let once = state.once.get_mut(operation).and_then(VecDeque::pop_front);
        let planned = once.or_else(|| state.always.get(operation).cloned());
        planned.or_else(|| state.random.as_mut()?.draw())
    }

    /// Waits while `operation` is held.
    async fn released(&self, operation: &str) {
        poll_fn(|context| match self.state().held.get_mut(operation) {
            Some(waiting) => {
                waiting.push(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await;
    }

    /// A test that panicked reports that itself; the record stays readable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A xorshift generator: the same seed gives the same faults.
struct RandomFaults {
    per_mille: u64,
    state: u64,
}

impl RandomFaults {
    fn draw(&mut self) -> Option<Fault> {
        if self.next() % 1_000 >= self.per_mille {
            return None;
        }
        Some(match self.next() % 5 {
            0 => Fault::error("ThrottlingException"),
            1 => Fault::Reply { status: 503, body: String::new() },
            2 => Fault::Io,
            3 => Fault::Timeout,
            _ => Fault::LoseReply,
        })
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

/// Prints only the number of requests, because requests may hold secrets.
impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Faults")
            .field("once", &state.once)
            .field("always", &state.always)
            .field("held", &state.held.keys())
            .field("requests", &state.requests.len())
            .finish()
    }
}

#[derive(Debug)]
struct FaultyClient {
    inner: SharedHttpClient,
    faults: Faults,
}

impl HttpClient for FaultyClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(FaultyConnector { inner, faults: self.faults.clone() })
    }
}

#[derive(Debug)]
struct FaultyConnector {
    inner: SharedHttpConnector,
    faults: Faults,
}

impl HttpConnector for FaultyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (faults, inner) = (self.faults.clone(), self.inner.clone());
        let fault = faults.meet(&request);
        HttpConnectorFuture::new(async move {
            faults.released(operation(&request)).await;
            match fault {
                None => inner.call(request).await,
                Some(Fault::Reply { status, body }) => reply(status, body),
                Some(Fault::Io) => Err(ConnectorError::io("connection reset".into())),
                Some(Fault::Timeout) => Err(ConnectorError::timeout("no answer".into())),
                Some(Fault::LoseReply) => {
                    drop(inner.call(request).await);
                    Err(ConnectorError::io("connection reset before the reply".into()))
                }
                Some(Fault::Unprocessed { processed }) => {
                    unprocessed::process_some(inner, request, processed).await
                }
            }
        })
    }
}

fn reply(status: u16, body: String) -> Result<HttpResponse, ConnectorError> {
    response(status, body.into_bytes(), "application/x-amz-json-1.0")
}

#[cfg(test)]
mod tests;

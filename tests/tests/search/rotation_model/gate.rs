//! Where every request of every process waits until it is its turn.

use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::oneshot;

use super::clocks::Time;
use super::{INDEX, KEYS, USERS};

/// What waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A process is about to do something.
    Begin,
    Read,
    /// Records are written.
    Write,
    /// The table of search keys is written.
    WriteKeys,
}

/// A step that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) process: usize,
    pub(super) step: Step,
    /// When it arrived.
    pub(super) since: u64,
    number: u64,
    turn: oneshot::Sender<()>,
}

impl Waiting {
    pub(super) fn pass(self) {
        let _ = self.turn.send(());
    }
}

#[derive(Clone, Debug)]
pub(super) struct Gate {
    time: Time,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Waiting>,
    arrived: u64,
    is_open: bool,
}

impl Gate {
    pub(super) fn new(time: &Time) -> Self {
        Self { time: time.clone(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on, nothing waits.
    pub(super) fn open(&self) {
        self.state().is_open = true;
    }

    /// Waits for a turn.
    pub(super) async fn wait(&self, process: usize, step: Step) {
        let turn = {
            let mut state = self.state();
            if state.is_open {
                return;
            }
            state.arrived += 1;
            let ((turn, receiver), number) = (oneshot::channel(), state.arrived);
            state.waiting.push(Waiting { process, step, since: self.time.now(), number, turn });
            receiver
        };
        let _ = turn.await;
    }

    /// Takes a step out that waits: the one of those in `steps` that `choose` chooses. First a
    /// process is chosen, so that one with many requests gets no more turns.
    pub(super) fn take(
        &self,
        is_wanted: impl Fn(&Waiting) -> bool,
        mut choose: impl FnMut(usize) -> usize,
    ) -> Option<Waiting> {
        let mut state = self.state();
        // Whoever waited has gone away: a stream that was dropped.
        state.waiting.retain(|waiting| !waiting.turn.is_closed());
        let mut processes: Vec<_> =
            state.waiting.iter().filter(|it| is_wanted(it)).map(|it| it.process).collect();
        processes.sort_unstable();
        processes.dedup();
        if processes.is_empty() {
            return None;
        }
        let process = processes[choose(processes.len())];
        let mut own: Vec<_> = (0..state.waiting.len())
            .filter(|at| state.waiting[*at].process == process && is_wanted(&state.waiting[*at]))
            .collect();
        own.sort_unstable_by_key(|at| state.waiting[*at].number);
        let chosen = own[choose(own.len())];
        Some(state.waiting.remove(chosen))
    }

    /// The client of a process.
    pub(super) fn client(&self, process: usize, client: &Client) -> Client {
        let inner = client.config().http_client().unwrap();
        let gated = Gated { inner, gate: self.clone(), process };
        let config = client.config().to_builder();
        let config = config.http_client(SharedHttpClient::new(gated));
        // Requests wait for long, by the clock of the runtime.
        let config = config.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Client::from_conf(config.build())
    }
}

#[derive(Clone)]
struct Gated<I> {
    inner: I,
    gate: Gate,
    process: usize,
}

impl<I> std::fmt::Debug for Gated<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gated")
    }
}

impl HttpClient for Gated<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Gated { inner, gate: self.gate.clone(), process: self.process })
    }
}

impl HttpConnector for Gated<SharedHttpConnector> {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let Self { inner, gate, process } = self.clone();
        HttpConnectorFuture::new(async move {
            if let Some(step) = step(&mut request) {
                gate.wait(process, step).await;
            }
            inner.call(request).await
        })
    }
}

/// Which step a request is. Queries are sent to the table whose index lags behind.
fn step(request: &mut HttpRequest) -> Option<Step> {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit_once('.').map_or(target, |(_, operation)| operation).to_owned();
    let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
    let table = |name| format!(r#""TableName":"{name}""#);
    Some(match &*operation {
        "DescribeTable" | "DescribeContinuousBackups" => return None,
        "Query" => {
            // Both names have the same length, and so have both bodies.
            assert!(body.contains(&table(USERS)), "{body}");
            *request.body_mut() = body.replace(&table(USERS), &table(INDEX)).into_bytes().into();
            Step::Read
        }
        "GetItem" | "BatchGetItem" | "Scan" => Step::Read,
        _ if body.contains(&table(KEYS)) => Step::WriteKeys,
        _ => Step::Write,
    })
}

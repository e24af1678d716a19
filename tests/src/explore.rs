//! Runs actors request by request, in every order.
//!
//! The requests of each actor wait at a [`Gate`] below the SDK, and [`run`] lets one after the
//! other through. [`Orders`] chooses whose turn it is.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::json;

/// Every order of the steps of a set of actors, one after the other: depth first.
#[derive(Default)]
pub struct Orders {
    /// The choices of this order: which actor, of how many.
    choices: Vec<(usize, usize)>,
    at: usize,
    /// The number of orders that were tried.
    pub count: usize,
}

impl Orders {
    fn choose(&mut self, of: usize) -> usize {
        if self.at == self.choices.len() {
            self.choices.push((0, of));
        }
        let (chosen, replayed) = self.choices[self.at];
        assert_eq!(replayed, of, "the actors do the same in the same order");
        self.at += 1;
        chosen
    }

    /// Goes on to the next order. False after the last one.
    pub fn advance(&mut self) -> bool {
        (self.at, self.count) = (0, self.count + 1);
        while let Some((chosen, of)) = self.choices.pop() {
            if chosen + 1 < of {
                self.choices.push((chosen + 1, of));
                return true;
            }
        }
        false
    }
}

/// Where the requests of one actor wait until it is their turn.
#[derive(Clone, Default)]
pub struct Gate(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    waker: Option<Waker>,
    may_pass: bool,
    /// The segments of the table that hold items: scans of others pass.
    segments: BTreeSet<u64>,
    /// Updates of the record `second` pass: nobody else touches it, so their turn is all one.
    is_alone_on_second: bool,
    /// The next scan is answered as of the time when it arrived, not when it is its turn.
    stale: bool,
}

impl Gate {
    /// A gate where the scans of these segments wait, and all other requests but descriptions.
    ///
    /// With `is_alone_on_second`, updates of the record whose `part` is `second` pass.
    #[must_use]
    pub fn new(segments: &BTreeSet<u64>, is_alone_on_second: bool) -> Self {
        let segments = segments.clone();
        Self(Arc::new(Mutex::new(Waiting { segments, is_alone_on_second, ..Waiting::default() })))
    }

    /// Answers the next scan as of the time when it arrives.
    pub fn next_scan_is_stale(&self) {
        self.state().stale = true;
    }

    /// The client behind the gate.
    #[must_use]
    pub fn client(&self, client: &Client) -> Client {
        let inner = client.config().http_client().expect("a client");
        let config = client.config().to_builder();
        let gated = GatedClient { inner, gate: self.clone() };
        Client::from_conf(config.http_client(SharedHttpClient::new(gated)).build())
    }

    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().expect("no actor has panicked")
    }

    fn is_waiting(&self) -> bool {
        self.state().waker.is_some()
    }

    fn open(&self) {
        let mut waiting = self.state();
        waiting.may_pass = true;
        waiting.waker.take().expect("a request that waits").wake();
    }

    async fn pass(&self) {
        poll_fn(|context| {
            let mut waiting = self.state();
            if std::mem::take(&mut waiting.may_pass) {
                return Poll::Ready(());
            }
            assert!(
                waiting.waker.as_ref().is_none_or(|it| it.will_wake(context.waker())),
                "one request at a time"
            );
            waiting.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Whether the request is a step, and whether it is answered before its turn.
    fn looks_at(&self, request: &HttpRequest) -> (bool, bool) {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit_once('.').map_or(target, |(_, operation)| operation);
        let mut waiting = self.state();
        match operation {
            "DescribeTable" | "DescribeContinuousBackups" => (false, false),
            "UpdateItem" if waiting.is_alone_on_second => {
                let request = json(request.body().bytes().expect("a body in memory"));
                (request["Key"]["part"]["S"] != "second", false)
            }
            "Scan" => {
                let request = json(request.body().bytes().expect("a body in memory"));
                let is_step =
                    waiting.segments.contains(&request["Segment"].as_u64().expect("a number"));
                (is_step, is_step && std::mem::take(&mut waiting.stale))
            }
            _ => (true, false),
        }
    }
}

#[derive(Clone)]
struct GatedClient<I> {
    inner: I,
    gate: Gate,
}

impl<I> std::fmt::Debug for GatedClient<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatedClient")
    }
}

impl HttpClient for GatedClient<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(GatedClient { inner, gate: self.gate.clone() })
    }
}

impl HttpConnector for GatedClient<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, gate) = (self.inner.clone(), self.gate.clone());
        HttpConnectorFuture::new(async move {
            let (is_step, is_stale) = gate.looks_at(&request);
            if is_stale {
                let answer = inner.call(request).await;
                gate.pass().await;
                return answer;
            }
            if is_step {
                gate.pass().await;
            }
            inner.call(request).await
        })
    }
}

/// The number of steps that were made.
#[derive(Default)]
pub struct Steps(Cell<usize>);

impl Steps {
    /// How many steps all actors have made together.
    #[must_use]
    pub fn made(&self) -> usize {
        self.0.get()
    }
}

/// What one actor does.
pub type Actor<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs all actors to their end, one request after the other, in the order that `orders` is at.
pub async fn run(actors: Vec<(Gate, Actor<'_>)>, steps: &Steps, orders: &mut Orders) {
    let gates: Vec<_> = actors.iter().map(|(gate, _)| gate.clone()).collect();
    let running =
        RefCell::new(actors.into_iter().map(|(_, actor)| Some(actor)).collect::<Vec<_>>());
    loop {
        // Until each actor waits for its turn, or has ended.
        poll_fn(|context| {
            let mut all_wait = true;
            for (actor, gate) in running.borrow_mut().iter_mut().zip(&gates) {
                let Some(future) = actor else { continue };
                if gate.is_waiting() {
                    continue;
                }
                match future.as_mut().poll(context) {
                    Poll::Ready(()) => *actor = None,
                    Poll::Pending => all_wait &= gate.is_waiting(),
                }
            }
            if all_wait { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let waiting: Vec<_> = gates.iter().filter(|gate| gate.is_waiting()).collect();
        if waiting.is_empty() {
            return;
        }
        let turn = orders.choose(waiting.len());
        steps.0.set(steps.0.get() + 1);
        waiting[turn].open();
    }
}

//! Every order in which two or three callers are polled and dropped during their call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use envelope_core::{
    CacheLimits, CachedKeyProvider, DataKey, EncryptionContext, KeyError, KeyErrorKind, KeyFuture,
    UnwrapKey, WrapKey, WrappedKey,
};

use super::{MINUTE, TestKeyProvider, Wakes, place};

/// The result of the first call. Every later call succeeds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum FirstCall {
    Succeeds,
    Fails,
    Panics,
}

/// A provider whose calls wait twice, each time until the test lets them continue.
#[derive(Debug)]
struct Staged {
    key: DataKey,
    first: FirstCall,
    begun: AtomicUsize,
    under_way: Arc<AtomicUsize>,
    stage: Mutex<(usize, Vec<Waker>)>,
}

impl Staged {
    fn new(first: FirstCall) -> Self {
        let (begun, under_way, stage) = Default::default();
        Self { key: DataKey::generate().unwrap(), first, begun, under_way, stage }
    }

    /// Lets every call in progress continue by one step.
    fn go_on(&self) {
        let mut stage = self.stage.lock().unwrap();
        stage.0 += 1;
        let waiting = std::mem::take(&mut stage.1);
        drop(stage);
        waiting.into_iter().for_each(Waker::wake);
    }

    async fn next_stage(&self) {
        let now = self.stage.lock().unwrap().0;
        std::future::poll_fn(|context| {
            let mut stage = self.stage.lock().unwrap();
            if stage.0 > now {
                return Poll::Ready(());
            }
            stage.1.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl UnwrapKey for Staged {
    fn unwrap_key<'a>(
        &'a self,
        _: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            let is_first = self.begun.fetch_add(1, Ordering::SeqCst) == 0;
            self.under_way.fetch_add(1, Ordering::SeqCst);
            let _under_way = UnderWay(Arc::clone(&self.under_way));
            self.next_stage().await;
            self.next_stage().await;
            match self.first {
                FirstCall::Fails if is_first => {
                    Err(KeyError::new(KeyErrorKind::Throttled, "as planned"))
                }
                FirstCall::Panics if is_first => std::panic::panic_any("as planned"),
                _ => Ok(self.key.share()),
            }
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Poll(usize),
    Drop(usize),
    GoOn,
}

/// One caller. It is polled only if it was woken or was never polled.
struct Caller<'a> {
    future: Option<KeyFuture<'a, DataKey>>,
    wakes: Arc<Wakes>,
    seen: Option<u64>,
    is_done: bool,
}

impl Caller<'_> {
    fn is_due(&self) -> bool {
        self.future.is_some() && self.seen.is_none_or(|seen| seen < self.wakes.count())
    }

    /// Whether that was possible.
    fn poll(&mut self) -> bool {
        if !self.is_due() {
            return false;
        }
        self.seen = Some(self.wakes.count());
        let Some(future) = &mut self.future else { return false };
        let mut future: Pin<&mut _> = future.as_mut();
        let polled = catch_unwind(AssertUnwindSafe(|| self.wakes.poll(&mut future)));
        if polled.is_err() || polled.is_ok_and(|polled| polled.is_ready()) {
            (self.future, self.is_done) = (None, true);
        }
        true
    }
}

struct Setting {
    wrapped: Vec<WrappedKey>,
    context: EncryptionContext,
    first: FirstCall,
}

impl Setting {
    /// Runs `steps`, then lets every remaining caller continue except the `paused` one. Returns
    /// whether the steps were possible.
    fn play(&self, callers: usize, steps: &[Step], paused: Option<usize>) -> bool {
        let provider = CachedKeyProvider::new(Staged::new(self.first), CacheLimits::new(MINUTE));
        let calls = provider.inner();
        let begin = |_| Caller {
            future: Some(provider.unwrap_key(&self.wrapped, &self.context)),
            wakes: Arc::default(),
            seen: None,
            is_done: false,
        };
        let mut callers: Vec<_> = (0..callers).map(begin).collect();
        for step in steps {
            let possible = match *step {
                Step::Poll(caller) => callers[caller].poll(),
                Step::Drop(caller) => callers[caller].future.take().is_some(),
                Step::GoOn => {
                    calls.go_on();
                    true
                }
            };
            if !possible {
                return false;
            }
        }
        let gave_up = steps.iter().filter(|step| matches!(step, Step::Drop(_))).count();
        for _ in 0..12 {
            for (number, caller) in callers.iter_mut().enumerate() {
                if paused != Some(number) {
                    while caller.poll() {}
                }
            }
            calls.go_on();
        }
        for (number, caller) in callers.iter().enumerate() {
            let is_left = caller.future.is_some() && paused != Some(number);
            assert!(
                !is_left,
                "{:?}, {steps:?}, {paused:?} paused: {number} waits for ever",
                self.first
            );
        }
        let begun = calls.begun.load(Ordering::SeqCst);
        let most = 1 + gave_up + usize::from(self.first != FirstCall::Succeeds) * callers.len();
        assert!(begun <= most, "{:?}, {steps:?}, {paused:?} paused: {begun} calls", self.first);
        callers.clear();
        assert_eq!(
            calls.under_way.load(Ordering::SeqCst),
            0,
            "{steps:?}: a call that nobody waits for"
        );
        true
    }

    fn explore(&self, callers: usize, steps: &mut Vec<Step>, depth: usize) -> usize {
        let mut paused = (0..callers).map(Some).chain([None]);
        if !paused.all(|paused| self.play(callers, steps, paused)) {
            return 0;
        }
        let mut orders = 1;
        if depth > 0 {
            let of_callers =
                (0..callers).flat_map(|caller| [Step::Poll(caller), Step::Drop(caller)]);
            for step in of_callers.chain([Step::GoOn]) {
                steps.push(step);
                orders += self.explore(callers, steps, depth - 1);
                steps.pop();
            }
        }
        orders
    }
}

#[tokio::test]
async fn every_order_serves_each_caller_and_leaves_no_call() {
    let context = place(1).encryption_context();
    let wrapped = TestKeyProvider::default().generate(&context).await.unwrap().wrapped;
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<&str>() != Some(&"as planned") {
            eprintln!("{info}");
        }
    }));
    let mut orders = 0;
    for first in [FirstCall::Succeeds, FirstCall::Fails, FirstCall::Panics] {
        let setting = Setting { wrapped: wrapped.clone(), context: context.clone(), first };
        orders += setting.explore(2, &mut Vec::new(), 7) + setting.explore(3, &mut Vec::new(), 5);
    }
    assert!(orders > 10_000, "{orders}");
}

//! One call, however many ask for it at once.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Instant;

use crate::error::{KeyError, KeyErrorKind};
use crate::provider::KeyFuture;

/// A call under way, as an entry of a cache knows it: enough to join it, and not enough to keep it.
///
/// Whoever waits owns the call. When the last of them is dropped, so is the call, with the permits
/// that it holds: a future that nobody polls would keep those for ever.
pub(super) struct Flight<T: 'static> {
    call: Weak<Inner<T>>,
    began: Instant,
}

/// Somebody who waits for a call, and drives it whenever nobody else does.
///
/// Any of those who wait can drive the call, so that none depends on another's being polled.
pub(super) struct Waiter<T: 'static> {
    call: Arc<Inner<T>>,
    began: Instant,
    id: u64,
    /// A failure of the call is this caller's as well: it began the call, or has looked at it
    /// before it failed.
    takes_failure: bool,
    /// It began the call: a panic of the call is its own.
    is_first: bool,
}

struct Inner<T: 'static> {
    /// Gone once there is an outcome.
    future: Mutex<Option<KeyFuture<'static, T>>>,
    outcome: OnceLock<Result<T, KeyError>>,
    waiting: Arc<Waiting>,
}

/// Everybody who waits, woken together: whichever of them is polled goes on.
#[derive(Default)]
struct Waiting(Mutex<Waiters>);

#[derive(Default)]
struct Waiters {
    /// Of those who have looked and were not woken since.
    wakers: BTreeMap<u64, Waker>,
    joined: u64,
    /// Somebody polls the call at this moment.
    is_driven: bool,
    /// The call was woken meanwhile.
    is_woken: bool,
}

impl Waiting {
    fn join(&self) -> u64 {
        let mut waiters = lock(&self.0);
        waiters.joined += 1;
        waiters.joined
    }

    /// Notes whom to wake; whether the caller is to poll the call, since nobody else does.
    fn enter(&self, id: u64, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut waiters = lock(&self.0);
        let replaced = waiters.wakers.insert(id, waker);
        let drives = !waiters.is_driven;
        if drives {
            (waiters.is_driven, waiters.is_woken) = (true, false);
        }
        // A waker may be what keeps a task alive, and with it another who waits: it is dropped
        // outside of the lock.
        drop(waiters);
        drop(replaced);
        drives
    }

    /// Ends what [`enter`](Self::enter) began. What woke the call meanwhile found it being polled,
    /// and woke nobody: those who came meanwhile did not poll it, and the one who did may not
    /// be polled again.
    fn leave(&self) {
        let woken = {
            let mut waiters = lock(&self.0);
            waiters.is_driven = false;
            if waiters.is_woken { std::mem::take(&mut waiters.wakers) } else { BTreeMap::new() }
        };
        woken.into_values().for_each(Waker::wake);
    }

    /// The call is over, as the one who drove it knows.
    fn land(&self, id: u64) {
        let mut waiters = lock(&self.0);
        waiters.is_driven = false;
        let own = waiters.wakers.remove(&id);
        let woken = std::mem::take(&mut waiters.wakers);
        drop(waiters);
        drop(own);
        woken.into_values().for_each(Waker::wake);
    }

    fn part(&self, id: u64) {
        let waker = lock(&self.0).wakers.remove(&id);
        drop(waker);
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let woken = {
            let mut waiters = lock(&self.0);
            waiters.is_woken = true;
            if waiters.is_driven { BTreeMap::new() } else { std::mem::take(&mut waiters.wakers) }
        };
        woken.into_values().for_each(Waker::wake);
    }
}

impl<T> Flight<T> {
    /// Waits for the call together with whoever began it; `None` if nobody waits any more, or if it
    /// began too long ago.
    pub(super) fn join(&self, is_young: impl FnOnce(Instant) -> bool) -> Option<Waiter<T>> {
        // Asked first: a waiter that is dropped here might be the last, and drop the call under the
        // cache's lock.
        if !is_young(self.began) {
            return None;
        }
        self.call.upgrade().map(|call| Waiter::new(call, self.began, false))
    }

    /// Whether somebody waits for the call.
    pub(super) fn is_under_way(&self) -> bool {
        self.call.strong_count() > 0
    }

    /// Whether this is the call that `waiter` waits for.
    pub(super) fn is_of(&self, waiter: &Waiter<T>) -> bool {
        std::ptr::eq(self.call.as_ptr(), Arc::as_ptr(&waiter.call))
    }
}

impl<T: Clone> Waiter<T> {
    /// Begins a call at the time `now`.
    pub(super) fn begin(future: KeyFuture<'static, T>, now: Instant) -> Self {
        let waiting = Arc::default();
        let inner = Inner { future: Mutex::new(Some(future)), outcome: OnceLock::new(), waiting };
        Self::new(Arc::new(inner), now, true)
    }

    /// Waits for the outcome; `None` if the call had failed before this caller first looked, which
    /// says nothing about a call that it would make itself.
    ///
    /// # Panics
    ///
    /// When the call panics that this caller began. Everybody else who waited gets an error.
    pub(super) async fn landed(&mut self) -> Option<Result<T, KeyError>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, KeyError>>> {
        let takes_failure = std::mem::replace(&mut self.takes_failure, true);
        let call = &self.call;
        if call.outcome.get().is_none()
            && call.waiting.enter(self.id, context.waker())
            && let Err(panic) = call.drive(self.id)
            && self.is_first
        {
            resume_unwind(panic);
        }
        match call.outcome.get() {
            None => Poll::Pending,
            Some(Err(_)) if !takes_failure => Poll::Ready(None),
            Some(outcome) => Poll::Ready(Some(outcome.clone())),
        }
    }
}

impl<T> Waiter<T> {
    fn new(call: Arc<Inner<T>>, began: Instant, is_first: bool) -> Self {
        let id = call.waiting.join();
        Self { call, began, id, takes_failure: is_first, is_first }
    }

    /// The call, as the entry of a cache may know it.
    pub(super) fn flight(&self) -> Flight<T> {
        Flight { call: Arc::downgrade(&self.call), began: self.began }
    }

    /// When the call began: what is fetched is as old as that, since nothing tells when it was
    /// answered.
    pub(super) const fn began(&self) -> Instant {
        self.began
    }
}

impl<T> Inner<T> {
    /// Polls the call; its panic, if it panics.
    fn drive(&self, id: u64) -> thread::Result<()> {
        let mut slot = lock(&self.future);
        let Some(future) = slot.as_mut() else {
            self.waiting.leave();
            return Ok(());
        };
        let everybody = Waker::from(Arc::clone(&self.waiting));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            future.as_mut().poll(&mut Context::from_waker(&everybody))
        }));
        let (outcome, panicked) = match polled {
            Ok(Poll::Pending) => {
                drop(slot);
                self.waiting.leave();
                return Ok(());
            }
            Ok(Poll::Ready(outcome)) => (outcome, Ok(())),
            Err(panic) => {
                (Err(KeyError::new(KeyErrorKind::Other, "the key provider panicked")), Err(panic))
            }
        };
        let ended = slot.take();
        drop(slot);
        // Only one drives a call, and none once it has an outcome, so this one is the first.
        let _ = self.outcome.set(outcome);
        self.waiting.land(id);
        drop(ended);
        panicked
    }
}

impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        self.call.waiting.part(self.id);
    }
}

impl<T> fmt::Debug for Flight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flight(..)")
    }
}

/// No code here panics while it holds a lock, and what the locks guard is whole at every step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

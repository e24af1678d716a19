//! One call to a key provider, shared by every caller who needs its result at the same time.

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

/// A call in progress, as a cache entry refers to it: enough to join the call, but not to keep it
/// alive.
///
/// The waiters own the call. Dropping the last waiter drops the call, and with it any semaphore
/// permits that the call holds. A future that nobody polls would hold them for ever.
pub(super) struct SharedCall<T: 'static> {
    call: Weak<Call<T>>,
    began: Instant,
}

/// A caller who waits for a call, and who polls the call whenever no other waiter does.
///
/// Every waiter can poll the call, so no waiter depends on another one being polled.
pub(super) struct Waiter<T: 'static> {
    call: Arc<Call<T>>,
    began: Instant,
    id: u64,
    /// Whether a failure of the call is returned to this waiter: it began the call, or it has
    /// polled before the call failed.
    takes_failure: bool,
    /// Whether this waiter began the call: a panic of the call is then raised in it.
    is_first: bool,
}

struct Call<T: 'static> {
    /// `None` once there is an outcome.
    future: Mutex<Option<KeyFuture<'static, T>>>,
    outcome: OnceLock<Result<T, KeyError>>,
    waiters: Arc<Waiters>,
}

/// All waiters of a call. They are woken together, and the first one that is polled continues.
#[derive(Default)]
struct Waiters(Mutex<WaitersState>);

#[derive(Default)]
struct WaitersState {
    /// Wakers of the waiters who have polled and have not been woken since.
    wakers: BTreeMap<u64, Waker>,
    joined: u64,
    /// A waiter polls the call at this moment.
    is_polled: bool,
    /// The call was woken during that poll.
    is_woken: bool,
}

impl Waiters {
    fn join(&self) -> u64 {
        let mut state = lock(&self.0);
        state.joined += 1;
        state.joined
    }

    /// Stores the waker of the waiter `id`. Returns true if this waiter must poll the call, because
    /// no other waiter does.
    fn begin_poll(&self, id: u64, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = lock(&self.0);
        let replaced = state.wakers.insert(id, waker);
        let polls = !state.is_polled;
        if polls {
            (state.is_polled, state.is_woken) = (true, false);
        }
        // Dropping a waker may drop its task, and with it another waiter, which takes the lock. So
        // the waker is dropped outside of the lock.
        drop(state);
        drop(replaced);
        polls
    }

    /// Ends what [`begin_poll`](Self::begin_poll) began, while the call is still pending.
    ///
    /// [`wake`](Wake::wake) wakes nobody while the call is being polled. The waiters who came
    /// during the poll did not poll the call themselves, and the waiter who did may never be
    /// polled again. So a wake during the poll is passed on here.
    fn end_poll(&self) {
        let woken = {
            let mut state = lock(&self.0);
            state.is_polled = false;
            if state.is_woken { std::mem::take(&mut state.wakers) } else { BTreeMap::new() }
        };
        woken.into_values().for_each(Waker::wake);
    }

    /// Wakes the other waiters after the waiter `id` has polled the call to its end.
    fn finish(&self, id: u64) {
        let mut state = lock(&self.0);
        state.is_polled = false;
        let own = state.wakers.remove(&id);
        let woken = std::mem::take(&mut state.wakers);
        drop(state);
        drop(own);
        woken.into_values().for_each(Waker::wake);
    }

    fn leave(&self, id: u64) {
        let waker = lock(&self.0).wakers.remove(&id);
        drop(waker);
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        let woken = {
            let mut state = lock(&self.0);
            state.is_woken = true;
            if state.is_polled { BTreeMap::new() } else { std::mem::take(&mut state.wakers) }
        };
        woken.into_values().for_each(Waker::wake);
    }
}

impl<T> SharedCall<T> {
    /// Joins the waiters of the call. `None` if all of them have gone, or if `is_young` refuses the
    /// time at which the call began.
    pub(super) fn join(&self, is_young: impl FnOnce(Instant) -> bool) -> Option<Waiter<T>> {
        // The age is checked first: the caller holds the lock of the cache, and a waiter that is
        // dropped here could be the last one and would drop the call under that lock.
        if !is_young(self.began) {
            return None;
        }
        self.call.upgrade().map(|call| Waiter::new(call, self.began, false))
    }

    /// Whether anybody waits for the call.
    pub(super) fn is_in_progress(&self) -> bool {
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
        let waiters = Arc::default();
        let call = Call { future: Mutex::new(Some(future)), outcome: OnceLock::new(), waiters };
        Self::new(Arc::new(call), now, true)
    }

    /// Waits for the outcome.
    ///
    /// `None` if the call had already failed when this waiter polled for the first time. That
    /// failure says nothing about a new call, so the caller makes one.
    ///
    /// # Panics
    ///
    /// If the call panics and this waiter began it. Every other waiter gets an error.
    pub(super) async fn outcome(&mut self) -> Option<Result<T, KeyError>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, KeyError>>> {
        let takes_failure = std::mem::replace(&mut self.takes_failure, true);
        let call = &self.call;
        if call.outcome.get().is_none()
            && call.waiters.begin_poll(self.id, context.waker())
            && let Err(panic) = call.poll(self.id)
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
    fn new(call: Arc<Call<T>>, began: Instant, is_first: bool) -> Self {
        let id = call.waiters.join();
        Self { call, began, id, takes_failure: is_first, is_first }
    }

    /// The call, as a cache entry refers to it.
    pub(super) fn shared_call(&self) -> SharedCall<T> {
        SharedCall { call: Arc::downgrade(&self.call), began: self.began }
    }

    /// When the call began. The age of the fetched value counts from here, because nothing tells
    /// when the provider answered.
    pub(super) const fn began(&self) -> Instant {
        self.began
    }
}

impl<T> Call<T> {
    /// Polls the call once. If the call panics, returns the panic and stores an error as the
    /// outcome.
    fn poll(&self, id: u64) -> thread::Result<()> {
        let mut slot = lock(&self.future);
        let Some(future) = slot.as_mut() else {
            self.waiters.end_poll();
            return Ok(());
        };
        let all_waiters = Waker::from(Arc::clone(&self.waiters));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            future.as_mut().poll(&mut Context::from_waker(&all_waiters))
        }));
        let (outcome, panicked) = match polled {
            Ok(Poll::Pending) => {
                drop(slot);
                self.waiters.end_poll();
                return Ok(());
            }
            Ok(Poll::Ready(outcome)) => (outcome, Ok(())),
            Err(panic) => {
                (Err(KeyError::new(KeyErrorKind::Other, "the key provider panicked")), Err(panic))
            }
        };
        let ended = slot.take();
        drop(slot);
        // One waiter at a time polls the call, and none after there is an outcome. So the outcome
        // is not set yet.
        let _ = self.outcome.set(outcome);
        self.waiters.finish(id);
        drop(ended);
        panicked
    }
}

impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        self.call.waiters.leave(self.id);
    }
}

impl<T> fmt::Debug for SharedCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedCall(..)")
    }
}

/// Locks `mutex`, even if it is poisoned: no code of this module panics while it holds a lock, and
/// the guarded values are consistent after every step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! One call, however many ask for it at once.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::task::{Context, Poll, Wake, Waker};

use crate::error::{KeyError, KeyErrorKind};
use crate::provider::KeyFuture;

/// A call under way, which every clone waits for and any clone drives.
///
/// If the one who drives it is dropped, the next to be woken goes on where it stopped; the call is not made again.
pub(super) struct Flight<T: 'static>(Arc<Inner<T>>);

struct Inner<T: 'static> {
    /// Taken by whoever polls; gone once there is an outcome.
    call: Mutex<Option<KeyFuture<'static, T>>>,
    outcome: OnceLock<Result<T, KeyError>>,
    waiting: Arc<Waiting>,
}

/// Everybody who waits, woken together.
#[derive(Default)]
struct Waiting(Mutex<Vec<Waker>>);

impl Waiting {
    fn join(&self, waker: &Waker) {
        let mut wakers = lock(&self.0);
        if !wakers.iter().any(|other| other.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut *lock(&self.0));
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<T> Flight<T> {
    pub(super) fn new(call: KeyFuture<'static, T>) -> Self {
        let waiting = Arc::default();
        Self(Arc::new(Inner { call: Mutex::new(Some(call)), outcome: OnceLock::new(), waiting }))
    }

    /// The outcome, shared by everybody who waited; `None` while the call is under way.
    pub(super) fn outcome(&self) -> Option<Result<&T, KeyError>> {
        self.0.outcome.get().map(|outcome| outcome.as_ref().map_err(Clone::clone))
    }

    /// Waits for the outcome.
    pub(super) async fn landed(&self) -> Result<&T, KeyError> {
        self.clone().await;
        match self.outcome() {
            Some(outcome) => outcome,
            None => unreachable!("a flight that has landed has an outcome"),
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Inner<T> {
    fn drive(&self, call: &mut Option<KeyFuture<'static, T>>) {
        let Some(future) = call.as_mut() else { return };
        let everybody = Waker::from(Arc::clone(&self.waiting));
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&everybody)) {
            *call = None;
            self.land(outcome);
        }
    }

    fn land(&self, outcome: Result<T, KeyError>) {
        // The first outcome stands; a second can only be the same panic, seen by another.
        let _ = self.outcome.set(outcome);
        Arc::clone(&self.waiting).wake();
    }
}

impl<T> Drop for Flight<T> {
    /// Whoever is dropped may have been the one that was to drive the call on.
    fn drop(&mut self) {
        if self.0.outcome.get().is_none() {
            Arc::clone(&self.0.waiting).wake();
        }
    }
}

impl<T> Clone for Flight<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Future for Flight<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let inner = &self.0;
        // Join before looking: whoever finishes in between wakes us.
        inner.waiting.join(context.waker());
        match inner.call.try_lock() {
            Ok(mut call) => inner.drive(&mut call),
            Err(TryLockError::Poisoned(_)) => {
                inner.land(Err(KeyError::new(KeyErrorKind::Other, "the key provider panicked")))
            }
            Err(TryLockError::WouldBlock) => {}
        }
        if inner.outcome.get().is_some() { Poll::Ready(()) } else { Poll::Pending }
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

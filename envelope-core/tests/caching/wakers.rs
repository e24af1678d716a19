//! Wakers that own other values. The wakers of some executors own a task and everything in it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use envelope_core::CacheLimits;

use super::{MINUTE, cache, poll};

/// The last owner of a waiting task.
struct Task {
    _waits: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

/// The second reader is dropped with the old waker of the first one.
#[tokio::test]
async fn a_waker_that_is_replaced_may_drop_another_reader() {
    let cache = Arc::new(cache(CacheLimits::new(MINUTE)));
    let note = Arc::new(cache.write(1).await);
    cache.calls.hold();
    let reader = || {
        let (cache, note) = (Arc::clone(&cache), Arc::clone(&note));
        Box::pin(async move { cache.read(&note).await })
    };
    let (mut first, mut second) = (reader(), reader());
    assert!(poll(&mut second.as_mut()).is_pending());
    let task = Task { _waits: Mutex::new(Box::pin(async { assert_eq!(second.await, Ok(())) })) };
    let waker = Waker::from(Arc::new(task));
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert!(poll(&mut first.as_mut()).is_pending(), "and there is no deadlock");
    cache.calls.release();
    assert_eq!(poll(&mut first.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(cache.calls.unwrap_calls(), 1);
}

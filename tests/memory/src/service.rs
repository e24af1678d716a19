//! A thread that does its work and then waits, so that its stack stays unchanged.

use std::hint::black_box;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread::{Builder, JoinHandle};

/// Unused stack between the work and later calls, so that they do not overwrite the leftovers of
/// the work.
const BALLAST_BYTES: usize = 256 * 1024;
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// The output of some work, and the thread that did it. The thread waits until this is dropped.
pub struct Service<T> {
    /// The output of the work.
    pub output: T,
    stack: usize,
    /// Dropping it ends the thread.
    _hold: Sender<()>,
    _thread: JoinHandle<()>,
}

impl<T: Send + 'static> Service<T> {
    /// Calls `work` on a new thread.
    ///
    /// # Panics
    ///
    /// If the work panics.
    pub fn after(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let ((hold, held), (done, output)) = (channel(), channel());
        let thread =
            Builder::new().stack_size(STACK_BYTES).spawn(move || serve(work, &done, &held));
        let thread = thread.expect("a thread can be started");
        let (output, stack) = output.recv().expect("the work does not panic");
        Self { output, stack, _hold: hold, _thread: thread }
    }

    /// An address on the stack of the thread.
    #[must_use]
    pub const fn stack(&self) -> usize {
        self.stack
    }
}

fn serve<T>(work: impl FnOnce() -> T, done: &Sender<(T, usize)>, held: &Receiver<()>) {
    let here = 0u8;
    let output = undisturbed(work);
    done.send((output, std::ptr::from_ref(black_box(&here)).addr()))
        .expect("the caller waits for the work");
    let _ = held.recv();
}

/// Calls `work` deep in the stack, so that later calls do not overwrite its leftovers.
#[inline(never)]
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    let ballast = black_box([0u8; BALLAST_BYTES]);
    let output = work();
    black_box(&ballast);
    output
}

/// Calls `work`, and then overwrites its leftovers on the stack of this thread.
pub fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let output = undisturbed(work);
    write_over();
    output
}

#[inline(never)]
fn write_over() {
    black_box(&mut [0u8; 3 * BALLAST_BYTES]);
}

/// The output of a future that never waits.
///
/// # Panics
///
/// If the future waits.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match Box::pin(future).as_mut().poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

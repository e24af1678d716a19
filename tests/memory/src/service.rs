//! A thread that does its work and then stands still, its stack as the work has left it.

use std::hint::black_box;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread::{Builder, JoinHandle};

/// Stack that lies between the work and what comes after it, which must not write over what the
/// work has left.
const BALLAST_BYTES: usize = 256 * 1024;
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// What a piece of work gave, and the thread that did it, which waits until this is dropped.
pub struct Service<T> {
    /// What the work gave.
    pub output: T,
    stack: usize,
    /// Dropping it lets the thread end.
    _hold: Sender<()>,
    _thread: JoinHandle<()>,
}

impl<T: Send + 'static> Service<T> {
    /// Does `work` on a thread of its own.
    ///
    /// # Panics
    ///
    /// When the work does.
    pub fn after(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let ((hold, held), (done, output)) = (channel(), channel());
        let thread =
            Builder::new().stack_size(STACK_BYTES).spawn(move || serve(work, &done, &held));
        let thread = thread.expect("a thread can be started");
        let (output, stack) = output.recv().expect("the work does not panic");
        Self { output, stack, _hold: hold, _thread: thread }
    }

    /// An address on the thread's stack.
    #[must_use]
    pub const fn stack(&self) -> usize {
        self.stack
    }
}

fn serve<T>(work: impl FnOnce() -> T, done: &Sender<(T, usize)>, held: &Receiver<()>) {
    let here = 0u8;
    let output = undisturbed(work);
    done.send((output, std::ptr::from_ref(black_box(&here)).addr()))
        .expect("somebody waits for the work");
    let _ = held.recv();
}

/// Does `work` deep down in the stack, where nothing that is done afterwards reaches.
#[inline(never)]
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    let ballast = black_box([0u8; BALLAST_BYTES]);
    let output = work();
    black_box(&ballast);
    output
}

/// Does `work`, and writes over whatever it has left on the stack of this thread.
pub fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let output = undisturbed(work);
    write_over();
    output
}

#[inline(never)]
fn write_over() {
    black_box(&mut [0u8; 3 * BALLAST_BYTES]);
}

/// The outcome of a future that waits for nothing.
///
/// # Panics
///
/// When it does wait.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match Box::pin(future).as_mut().poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}

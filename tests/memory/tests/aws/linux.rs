//! The keys of the KMS double, and the modules of the tests.

mod kms;
mod records;
mod rotator;
mod search;
mod sockets;

use envelope_memory_tests::{Masked, Seed};

const KEYS: Seed = Seed(0xbb67_ae85_84ca_a73b);

/// A data key of the KMS double, to search for.
fn masked_key(number: usize) -> Masked {
    Masked::new(32, |at| KEYS.byte(number, at))
}

/// Polls `future` to its end on this thread.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

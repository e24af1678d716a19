//! Records, tables and KMS: the copies that the AWS SDK leaves in memory are counted, and the
//! library leaves none.
//!
//! The tests read `/proc/self/mem`, so they run on Linux only. On other systems one test is
//! reported as ignored in their place.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
#[test]
#[ignore = "the memory tests read /proc/self/mem: run them on Linux"]
fn memory_tests_run_on_linux_only() {}

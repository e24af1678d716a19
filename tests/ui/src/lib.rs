//! The compile errors for mistakes: one case for each mistake in `cases/`, beside the expected
//! message.
//!
//! This is a package of its own, because trybuild compiles all dependencies of the package once
//! more, and the other tests depend on whole servers.

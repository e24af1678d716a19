//! What the compiler says about mistakes: one case per mistake in `cases/`, beside the message that
//! it must give.
//!
//! A package of its own, because trybuild compiles all that a package depends on once more, and the
//! other tests depend on whole servers.

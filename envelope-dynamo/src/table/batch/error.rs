//! Which records of a batch were not written, and why.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::Fault;

use crate::error::Error;

/// How many failures are told in full.
const SHOWN: usize = 5;

/// What a batch of writes did not do.
///
/// Whatever stands before [`taken`](Self::taken) and is not among the [`failures`](Self::failures)
/// was done.
#[derive(Debug)]
pub struct BatchError {
    pub(crate) operation: &'static str,
    pub(crate) table: &'static str,
    pub(crate) taken: usize,
    pub(crate) done: usize,
    pub(crate) failures: Vec<BatchFailure>,
    pub(crate) stopped: bool,
}

impl BatchError {
    /// How many inputs were taken from the iterator.
    ///
    /// The batch goes on after records that fail by themselves; after twenty-five in a row that all
    /// fail for a reason that is not theirs it [stops](Self::stopped), and the inputs after
    /// this many were not touched.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// Whether the batch stopped before the end of its inputs was reached.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.stopped
    }

    /// How many records were written, or deleted.
    #[must_use]
    pub const fn done(&self) -> usize {
        self.done
    }

    /// What failed, in the order of the inputs; at least one.
    #[must_use]
    pub fn failures(&self) -> &[BatchFailure] {
        &self.failures
    }

    /// Who can put it right: the operator, if any of the failures is the operator's.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let faults = || self.failures.iter().map(|failure| failure.error.fault());
        match faults().find(|fault| *fault == Fault::Operator) {
            Some(operator) => operator,
            None => faults().next().unwrap_or(Fault::Operator),
        }
    }

    /// Whether everything that failed may succeed later without anybody acting.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.failures.iter().all(|failure| failure.error.is_retryable())
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = self.failures.iter().filter(|failure| failure.error.is_in_doubt()).count();
        write!(
            f,
            "{} on {}: of {} records {} were done and {} failed",
            self.operation,
            self.table,
            self.taken,
            self.done,
            self.failures.len()
        )?;
        if unknown > 0 {
            write!(f, ", {unknown} of which may have been done all the same")?;
        }
        if self.stopped {
            f.write_str("; it stopped there")?;
        }
        for failure in self.failures.iter().take(SHOWN) {
            write!(f, "; {failure}")?;
        }
        match self.failures.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            others => write!(f, "; and {others} more"),
        }
    }
}

impl StdError for BatchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.failures.first().and_then(|failure| failure.error.source())
    }
}

/// One input of a batch that failed.
#[derive(Debug)]
pub struct BatchFailure {
    pub(crate) position: usize,
    pub(crate) error: Error,
}

impl BatchFailure {
    /// Where it stands among the inputs, counted from 0.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Which record, and why; [`Error::write_outcome`] says whether the write may have happened all
    /// the same.
    ///
    /// To put or delete it again leads to the same end, unless somebody else wrote in between.
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for BatchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input {}, {}", self.position, self.error)
    }
}

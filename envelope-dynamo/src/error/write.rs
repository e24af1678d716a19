//! Errors of a write that the stored record decided.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::Fault;

/// The write met another state of the record than it demands:
/// [`ErrorKind::Write`](crate::ErrorKind::Write).
///
/// These are no mistakes: the program decides what to do, as it would after a lost race.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The condition of the request did not hold.
    ///
    /// The error keeps the record that was found instead:
    /// [`Table::open_returned`](crate::Table::open_returned).
    ConditionFailed,
    /// There is no record under the key to be updated; nothing was written.
    NoRecord,
    /// Other writers changed the record each time between its being read and its being written, or
    /// a transaction held it.
    Conflict {
        /// How often it was tried.
        tries: u32,
    },
    /// The write was carried out, and the answer that had the record which it returns was lost.
    ///
    /// The record that a put replaced or a delete took away, if there was one, is gone.
    AnswerLost,
}

impl WriteError {
    /// The program decides on a condition. Races and lost answers are the operator's: load and
    /// network.
    pub(crate) const fn fault(&self) -> Fault {
        match self {
            Self::ConditionFailed | Self::NoRecord => Fault::Caller,
            Self::Conflict { .. } | Self::AnswerLost => Fault::Operator,
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConditionFailed => f.write_str("the condition did not hold"),
            Self::NoRecord => f.write_str("there is no record under this key; an update never creates one"),
            Self::Conflict { tries: 1 } => f.write_str("another writer changed the record after it was read"),
            Self::Conflict { tries } => {
                write!(f, "other writers changed the record after it was read, {tries} times in a row")
            }
            Self::AnswerLost => f.write_str(
                "the write was carried out, but the answer to a try was lost, and with it the record that stood there \
                 before",
            ),
        }
    }
}

impl StdError for WriteError {}

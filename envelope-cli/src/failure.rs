//! Why a command ended without a result.

use std::error::Error;
use std::io;

use crate::exit::Exit;

/// The result of a command: how it ended.
pub(crate) type Outcome = Result<Exit, Failure>;

/// A command that could not do its work: the message for a person, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    /// A person must act before the command is started again.
    pub(crate) fn act_now(message: impl Into<String>) -> Self {
        Self { exit: Exit::ActNow, message: message.into() }
    }

    /// Starting the command again may help.
    pub(crate) fn try_again(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }
}

/// The reader of stdout went away, or a file could not be written.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // Whoever reads stdout has enough: `| head`.
        let is_closed = error.kind() == io::ErrorKind::BrokenPipe;
        let message = format!("the result could not be written: {error}");
        Self::try_again(if is_closed { String::new() } else { message })
    }
}

/// Prints the message of a failure to stderr.
pub(crate) fn reported(outcome: Outcome) -> Exit {
    match outcome {
        Ok(exit) => exit,
        Err(Failure { exit, message }) => {
            if !message.is_empty() {
                eprintln!("envelope: {message}");
            }
            exit
        }
    }
}

/// An error and its causes, as one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

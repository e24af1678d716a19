//! The exit codes: the contract with shells and with engines that run the command.

use std::process::ExitCode;

/// How a command ended. Engines such as Kubernetes decide by it what to do next.
///
/// ```
/// use envelope_cli::Exit;
///
/// assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 75]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exit {
    /// 0: finished, and nothing is left over.
    Done,
    /// 1: failed on the way. Starting the same command again may help.
    Failed,
    /// 2: a person must act: wrong arguments, schema or key, or no permission.
    ActNow,
    /// 3: finished, but records are left over that could not be handled, or a check does not hold.
    LeftOver,
    /// 75: stopped in time with work left, by a signal or by `--deadline`. Start the command again.
    Stopped,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 5] =
        [Self::Done, Self::Failed, Self::ActNow, Self::LeftOver, Self::Stopped];

    /// The exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::ActNow => 2,
            Self::LeftOver => 3,
            Self::Stopped => 75,
        }
    }

    /// What the code means, in one line of the help.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "finished, nothing is left over",
            Self::Failed => "failed on the way: try again",
            Self::ActNow => {
                "a person must act: wrong arguments, schema or key, no permission, or too many \
                 failed records"
            }
            Self::LeftOver => "finished, but failed records are left, or a check does not hold",
            Self::Stopped => {
                "stopped in time with work left (SIGTERM, Ctrl-C, --deadline): try again"
            }
        }
    }

    /// The end of the help: every code and its meaning.
    pub(crate) fn table() -> String {
        let line = |exit: Self| format!("  {:>2}  {}\n", exit.code(), exit.meaning());
        format!("Exit codes:\n{}", Self::ALL.map(line).concat())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

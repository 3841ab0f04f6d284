//! Ends of the program, by exit code.

use std::process::ExitCode;

/// End of `doctor` and `login`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Done,
    /// The command line, or this machine, has to be changed.
    Usage,
    /// The server offers no way to sign in that this machine can go.
    SignInImpossible,
    /// The server cannot be reached.
    Unreachable,
    /// The server, or the person at the sign-in, refuses.
    Refused,
}

impl Outcome {
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Usage => 1,
            Self::SignInImpossible => 3,
            Self::Unreachable => 4,
            Self::Refused => 5,
        })
    }
}

//! Results, on stdout: as text for people, as JSON for programs.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// The form of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON document, whose names are stable
    Json,
}

impl Output {
    /// Prints a result in this form.
    pub(crate) fn print(self, result: &(impl Display + Serialize)) -> Result<(), Failure> {
        match self {
            Self::Text => line(result),
            Self::Json => json(result),
        }
    }
}

/// Prints text and a newline.
pub(crate) fn line(text: &(impl Display + ?Sized)) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}").map_err(Failure::from)
}

/// Prints indented JSON.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::try_again(format!("the result is not JSON: {error}")))?;
    line(&text)
}

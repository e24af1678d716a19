//! Text from storage, escaped for logs.

use std::fmt;

/// How many characters of a text are shown.
const MAX_CHARS: usize = 200;
/// How many names of a list are shown.
const MAX_NAMES: usize = 20;

/// Displays a text that somebody else may have chosen: without line breaks and control characters,
/// and at most 200 characters.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::Escaped;
///
/// assert_eq!(Escaped("plan\nERROR: forged").to_string(), "plan\\nERROR: forged");
/// assert_eq!(Escaped(&"x".repeat(1_000)).to_string().len(), 202);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'t>(pub &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.chars();
        for shown in rest.by_ref().take(MAX_CHARS) {
            match shown {
                '\'' | '"' => write!(f, "{shown}")?,
                shown => write!(f, "{}", shown.escape_debug())?,
            }
        }
        f.write_str(if rest.next().is_some() { ".." } else { "" })
    }
}

/// Displays names that somebody else may have chosen: each [`Escaped`], separated by commas, and at
/// most 20.
///
/// ```
/// use envelope_core::EscapedNames;
///
/// let names = ["plan".to_owned(), "a\nb".to_owned()];
/// assert_eq!(EscapedNames(&names).to_string(), "plan, a\\nb");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EscapedNames<'t>(pub &'t [String]);

impl fmt::Display for EscapedNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().take(MAX_NAMES).enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { ", " }, Escaped(name))?;
        }
        match self.0.len().saturating_sub(MAX_NAMES) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

//! Text from storage, made fit for a log.

use std::fmt;

/// Characters of one text that are shown.
const MAX_CHARS: usize = 200;
/// Names of a list that are shown.
const MAX_NAMES: usize = 20;

/// A text that somebody else may have chosen: no line breaks or control characters, and no more
/// than 200 characters.
///
/// ```
/// use envelope_core::Escaped;
///
/// assert_eq!(Escaped("plan\nERROR: all is lost").to_string(), "plan\\nERROR: all is lost");
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

/// Names that somebody else may have chosen, separated by commas: each [`Escaped`], and no more
/// than 20.
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

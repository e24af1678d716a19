//! The steps that make different spellings of a text one value (FORMAT 13.2).

/// A change of a text before its tag is computed. Steps see bytes of ASCII alone, and leave every
/// other character as it is.
///
/// ```
/// use envelope_core::search::Step;
///
/// let mut text = "\tZoë@Example.com ".to_owned();
/// Step::Trim.apply(&mut text);
/// Step::AsciiLowercase.apply(&mut text);
/// assert_eq!(text, "zoë@example.com");
///
/// let mut phone = "+41 (79) 123 45 67".to_owned();
/// Step::Digits.apply(&mut phone);
/// assert_eq!(phone, "41791234567");
/// assert_eq!(Step::from_name("digits"), Some(Step::Digits));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Removes white space of ASCII at both ends: tab, line feed, form feed, carriage return and
    /// space.
    Trim,
    /// Maps the letters A to Z to a to z.
    AsciiLowercase,
    /// Removes everything but the digits 0 to 9.
    Digits,
}

impl Step {
    const ALL: [Self; 3] = [Self::Trim, Self::AsciiLowercase, Self::Digits];

    /// The name of the step in a definition.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trim => "trim",
            Self::AsciiLowercase => "ascii_lowercase",
            Self::Digits => "digits",
        }
    }

    /// The step with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// Changes `text` in place. The text never grows, so it is not copied to another allocation.
    pub fn apply(self, text: &mut String) {
        match self {
            Self::Trim => {
                text.truncate(text.trim_ascii_end().len());
                text.drain(..text.len() - text.trim_ascii_start().len());
            }
            Self::AsciiLowercase => text.make_ascii_lowercase(),
            Self::Digits => text.retain(|c| c.is_ascii_digit()),
        }
    }
}

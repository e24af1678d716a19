//! The steps that make two spellings of a text one value.

/// A step that a text goes through before its search tag is computed (FORMAT 13).
///
/// The steps are part of a tag's definition: a change of the steps changes every tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Removes the bytes 09, 0A, 0C, 0D and 20 at both ends.
    Trim,
    /// Maps `A` to `Z` to `a` to `z`, and leaves other characters as they are.
    AsciiLowercase,
    /// Keeps `0` to `9`, and removes everything else.
    Digits,
}

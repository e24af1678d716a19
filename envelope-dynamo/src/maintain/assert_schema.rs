//! A test that the schema file is that of the code.

use std::path::Path;
use std::{env, fs};

use crate::maintain::SchemaFile;

/// The environment variable that has [`assert_schema!`](crate::assert_schema) write the file.
const WRITE: &str = "ENVELOPE_SCHEMA";

/// Asserts, in a test, that a schema file says how the given types of record are stored.
///
/// The path is relative to the package's folder. `ENVELOPE_SCHEMA=write cargo test` writes the
/// file; the `reasons` and the `plaintext_until` that it has stay.
///
/// ```
/// use envelope_dynamo::{Envelope, assert_schema};
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// # let write = || {
/// assert_schema!("envelope.schema.json", User); // in a #[test]
/// # };
/// ```
///
/// # Panics
///
/// If the file is missing, is not a schema file, or differs from the code. The message names each
/// line that differs.
#[macro_export]
macro_rules! assert_schema {
    ($path:literal, $($record:ty),+ $(,)?) => {
        $crate::maintain::assert_file(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $path),
            $crate::maintain::SchemaFile::new()$(.with::<$record>())+,
        )
    };
}

/// Compares the file at `path` with the schema of the code, or writes it.
#[doc(hidden)]
#[track_caller]
pub fn assert_file(path: &str, of_code: SchemaFile) {
    let is_write = env::var(WRITE).is_ok_and(|value| value == "write");
    if let Err(problem) = if is_write { write(path, of_code) } else { compare(path, of_code) } {
        panic!("{problem}");
    }
}

fn write(path: &str, of_code: SchemaFile) -> Result<(), String> {
    let file = match fs::read_to_string(path) {
        Ok(text) => of_code.with_notes_of(&parse(path, &text)?),
        Err(_) => of_code,
    };
    fs::write(path, file.to_string()).map_err(|error| format!("{path} cannot be written: {error}"))
}

fn compare(path: &str, of_code: SchemaFile) -> Result<(), String> {
    let repair = format!(
        "run the test once with {WRITE}=write, look at the difference, and commit the file"
    );
    if !Path::new(path).exists() {
        return Err(format!("there is no schema file at {path}: {repair}"));
    }
    let text =
        fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    let file = parse(path, &text)?;
    let of_code = of_code.with_notes_of(&file);
    if of_code == file {
        return Ok(());
    }
    Err(format!(
        "the code does not store records as {path} says:\n{}{repair}",
        difference(&file.to_string(), &of_code.to_string())
    ))
}

fn parse(path: &str, text: &str) -> Result<SchemaFile, String> {
    text.parse().map_err(|error| format!("{path}: {error}"))
}

/// The lines that only one of two texts has, in their order: `-` in the file, `+` in the code.
fn difference(file: &str, code: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (file.lines().collect(), code.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = |lines: &[&str]| lines.len() - same_start;
    let longest = rest(&old).min(rest(&new));
    let same_end =
        old.iter().rev().zip(new.iter().rev()).take(longest).take_while(|(a, b)| a == b).count();
    let changed = |sign: char, lines: &[&str]| -> String {
        let lines = lines.iter().take(lines.len() - same_end).skip(same_start);
        lines.map(|line| format!("{sign} {line}\n")).collect()
    };
    changed('-', &old) + &changed('+', &new)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_has_the_changed_lines_alone() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "- b\n+ x\n+ y\n");
        assert_eq!(difference("a\n", "a\nb\n"), "+ b\n");
        assert_eq!(difference("a\na\n", "a\n"), "- a\n");
        assert_eq!(difference("a\n", "a\n"), "");
    }
}

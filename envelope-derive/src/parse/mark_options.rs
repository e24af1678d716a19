//! The options of marks: `#[encrypted(accept = "plaintext", group = "medical")]`.

use syn::Meta;

use super::entry::{self, Entry};
use super::written_marks::WrittenMark;
use crate::errors::Errors;
use crate::marks::{ACCEPT, Mark};
use crate::names::Name;

/// The options of a field's mark.
#[derive(Default)]
pub(super) struct MarkOptions {
    /// Whether records in which the field is plaintext are read too.
    pub(super) accepts_plaintext: bool,
    /// The group of encrypted fields that the field belongs to.
    pub(super) group: Option<Name>,
}

impl MarkOptions {
    /// Reads the options of one mark. Options of a mark that takes none are reported elsewhere.
    pub(super) fn parse(written: &WrittenMark, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let allowed = written.mark.options();
        if allowed.is_empty() {
            return options;
        }
        let name = written.mark.attribute();
        let entries = match &written.attribute.meta {
            Meta::Path(_) => return options,
            Meta::List(_) => entry::attribute_entries(&written.attribute),
            Meta::NameValue(_) => {
                let problem = format_args!("the options of `#[{name}]` belong in parentheses");
                errors.report(
                    &written.attribute,
                    problem,
                    format_args!("write `#[{name}(accept = \"plaintext\")]`"),
                );
                return options;
            }
        };
        for entry in &entries {
            if !allowed.contains(&entry.name.as_str()) {
                let attribute = format!("#[{name}(..)]");
                entry::report_unknown_option(entry, &attribute, allowed, errors);
            } else if entry.name == ACCEPT {
                options.accepts_plaintext |= accept(entry, written.mark, errors);
            } else if options.group.is_some() {
                errors.report(
                    entry,
                    "`group` is given twice",
                    "a field is in one group; keep one of the two",
                );
            } else {
                options.group = group(entry, errors);
            }
        }
        options
    }
}

/// Reads `accept = "plaintext"`.
fn accept(entry: &Entry, mark: Mark, errors: &mut Errors) -> bool {
    let is_plaintext = entry.string().is_some_and(|value| value.value() == "plaintext");
    if !is_plaintext {
        let name = mark.attribute();
        let help = format_args!(
            "write `#[{name}(accept = \"plaintext\")]`: it also reads records in which the field \
             is \
             plaintext"
        );
        errors.report(entry, "`accept` can only be \"plaintext\"", help);
    }
    is_plaintext
}

/// Reads `group = "medical"`. The name becomes part of attribute names and of the encryption
/// context.
fn group(entry: &Entry, errors: &mut Errors) -> Option<Name> {
    let Some(name) = entry.string() else {
        errors.report(entry, "`group` takes a string", "write `#[encrypted(group = \"medical\")]`");
        return None;
    };
    let value = name.value();
    if value.is_empty()
        || !value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    {
        let problem = format_args!("{value:?} is not a valid group name");
        errors.report(&name, problem, "use letters, digits, `_` and `-`: `group = \"medical\"`");
        return None;
    }
    Some(Name::from(&name))
}

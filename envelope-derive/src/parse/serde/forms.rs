//! The serde attributes that the derive knows, each with its form.
//!
//! A malformed entry is reported here and not left to serde: without serde's generated code, the
//! compiler would report other errors as well.

use syn::{ExprPath, LitStr};

use super::borrow::lifetimes;
use super::directions::Predicates;
use crate::errors::Errors;
use crate::names::{list, similar};
use crate::parse::entry::{self, Entry, Value};

/// How an entry is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `name`
    Word,
    /// `name = ".."`
    String,
    /// `name = "path::to::item"`
    Path,
    /// `name` or `name = "path::to::item"`
    WordOrPath,
    /// `name` or `name = "'a + 'b"`
    WordOrLifetimes,
    /// `name = ".."` or `name(serialize = "..", deserialize = "..")`
    Directions,
    /// The same with `where` predicates.
    Bounds,
}

/// serde's attributes of a struct, without those that change its form as a map of fields.
pub(crate) const CONTAINER: [(&str, Form); 7] = [
    ("rename", Form::Directions),
    ("rename_all", Form::Directions),
    ("default", Form::WordOrPath),
    ("deny_unknown_fields", Form::Word),
    ("bound", Form::Bounds),
    ("expecting", Form::String),
    ("crate", Form::String),
];

/// serde's attributes of a field.
pub(crate) const FIELD: [(&str, Form); 12] = [
    ("rename", Form::Directions),
    ("alias", Form::String),
    ("default", Form::WordOrPath),
    ("skip", Form::Word),
    ("skip_serializing", Form::Word),
    ("skip_deserializing", Form::Word),
    ("skip_serializing_if", Form::Path),
    ("serialize_with", Form::Path),
    ("deserialize_with", Form::Path),
    ("with", Form::Path),
    ("borrow", Form::WordOrLifetimes),
    ("bound", Form::Bounds),
];

/// Whether the entry is one of `known` and has the right form. If not, reports it.
pub(crate) fn check(entry: &Entry, known: &[(&str, Form)], errors: &mut Errors) -> bool {
    let Some((name, form)) = known.iter().find(|(name, _)| *name == entry.name) else {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let help = match similar(&entry.name, &names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("`#[serde(..)]` can have {} here", list(&names)),
        };
        errors.report(
            entry,
            format_args!("`#[serde({})]` is not supported here", entry.name),
            help,
        );
        return false;
    };
    if form.matches(&entry.value) {
        return true;
    }
    errors.report(
        entry,
        format_args!("`#[serde({name})]` is malformed"),
        format_args!("write {}", form.example(name)),
    );
    false
}

impl Form {
    fn matches(self, value: &Value) -> bool {
        match value {
            Value::Nothing => matches!(self, Self::Word | Self::WordOrPath | Self::WordOrLifetimes),
            Value::Assigned(value) => {
                syn::parse2(value.clone()).is_ok_and(|string| self.takes(&string))
            }
            Value::List(list) => {
                let is_directed = |entry: &Entry| {
                    is_direction(entry) && entry.string().is_some_and(|it| self.takes(&it))
                };
                matches!(self, Self::Directions | Self::Bounds)
                    && entry::entries(list.clone()).iter().all(is_directed)
            }
            Value::Malformed => false,
        }
    }

    /// Whether serde can parse the string.
    fn takes(self, string: &LitStr) -> bool {
        match self {
            Self::Word => false,
            Self::String | Self::Directions => true,
            Self::Path | Self::WordOrPath => string.parse::<ExprPath>().is_ok(),
            Self::WordOrLifetimes => {
                lifetimes(string).is_some_and(|lifetimes| !lifetimes.is_empty())
            }
            Self::Bounds => string.parse_with(Predicates::parse_terminated).is_ok(),
        }
    }

    fn example(self, name: &str) -> String {
        match self {
            Self::Word => format!("`#[serde({name})]`"),
            Self::String => format!("`#[serde({name} = \"..\")]`"),
            Self::Path => format!("`#[serde({name} = \"path::to::item\")]`"),
            Self::WordOrPath => {
                format!("`#[serde({name})]` or `#[serde({name} = \"path::to::item\")]`")
            }
            Self::WordOrLifetimes => {
                format!("`#[serde({name})]` or `#[serde({name} = \"'a + 'b\")]`")
            }
            Self::Directions => {
                format!(
                    "`#[serde({name} = \"..\")]` or `#[serde({name}(serialize = \"..\", \
                     deserialize = \"..\"))]`"
                )
            }
            Self::Bounds => {
                format!(
                    "`#[serde({name} = \"T: Trait\")]`, or `serialize` and `deserialize` in \
                     parentheses"
                )
            }
        }
    }
}

fn is_direction(entry: &Entry) -> bool {
    ["serialize", "deserialize"].contains(&entry.name.as_str()) && entry.string().is_some()
}

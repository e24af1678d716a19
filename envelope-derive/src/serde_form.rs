//! The serde attributes that the macro knows, each with the form it takes.
//!
//! serde would report a malformed entry itself, but then its code would be missing, and that would be reported too.

use syn::LitStr;

use crate::attr::{self, Entry, Value};
use crate::errors::Errors;
use crate::similar::similar;

/// How an entry is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `name`
    Word,
    /// `name = ".."`
    String,
    /// `name` or `name = ".."`
    WordOrString,
    /// `name = ".."` or `name(serialize = "..", deserialize = "..")`
    Directions,
}

/// What serde takes on a struct, as far as it leaves the struct a map of its fields.
pub(crate) const CONTAINER: [(&str, Form); 7] = [
    ("rename", Form::Directions),
    ("rename_all", Form::Directions),
    ("default", Form::WordOrString),
    ("deny_unknown_fields", Form::Word),
    ("bound", Form::Directions),
    ("expecting", Form::String),
    ("crate", Form::String),
];

/// What serde takes on a field.
pub(crate) const FIELD: [(&str, Form); 12] = [
    ("rename", Form::Directions),
    ("alias", Form::String),
    ("default", Form::WordOrString),
    ("skip", Form::Word),
    ("skip_serializing", Form::Word),
    ("skip_deserializing", Form::Word),
    ("skip_serializing_if", Form::String),
    ("serialize_with", Form::String),
    ("deserialize_with", Form::String),
    ("with", Form::String),
    ("borrow", Form::WordOrString),
    ("bound", Form::Directions),
];

/// Whether the entry is one of `known` and has its form; reports it otherwise.
pub(crate) fn check(entry: &Entry, known: &[(&str, Form)], errors: &mut Errors) -> bool {
    let Some((name, form)) = known.iter().find(|(name, _)| *name == entry.name) else {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let help = match similar(&entry.name, &names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("here `#[serde(..)]` takes {}", attr::list(&names)),
        };
        errors.report(entry, format_args!("`{}` is not an attribute of serde that has a place here", entry.name), help);
        return false;
    };
    if form.matches(&entry.value) {
        return true;
    }
    errors.report(entry, format_args!("`#[serde({name})]` is malformed"), format_args!("write {}", form.example(name)));
    false
}

impl Form {
    fn matches(self, value: &Value) -> bool {
        match value {
            Value::Nothing => matches!(self, Self::Word | Self::WordOrString),
            Value::Assigned(value) => self != Self::Word && syn::parse2::<LitStr>(value.clone()).is_ok(),
            Value::List(list) => self == Self::Directions && attr::entries(list.clone()).iter().all(is_direction),
            Value::Malformed => false,
        }
    }

    fn example(self, name: &str) -> String {
        match self {
            Self::Word => format!("`#[serde({name})]`"),
            Self::String => format!("`#[serde({name} = \"..\")]`"),
            Self::WordOrString => format!("`#[serde({name})]` or `#[serde({name} = \"..\")]`"),
            Self::Directions => {
                format!("`#[serde({name} = \"..\")]` or `#[serde({name}(serialize = \"..\", deserialize = \"..\"))]`")
            }
        }
    }
}

fn is_direction(entry: &Entry) -> bool {
    ["serialize", "deserialize"].contains(&entry.name.as_str()) && entry.string().is_some()
}

//! `#[serde(..)]` on the struct.

use syn::{Attribute, LitStr};

use super::directions::{Directions, Predicates, bounds, strings};
use super::entries::serde_entries;
use super::forms;
use super::repeated::Seen;
use crate::errors::Errors;
use crate::names::{RenameRule, list};
use crate::parse::entry::{Entry, Value};

/// Entries with which serde would not write the struct as a map of its fields.
const RESHAPING: [&str; 11] = [
    "tag",
    "content",
    "untagged",
    "transparent",
    "from",
    "try_from",
    "into",
    "remote",
    "rename_all_fields",
    "variant_identifier",
    "field_identifier",
];

/// `#[serde(..)]` on the struct.
#[derive(Default)]
pub(crate) struct ContainerSerde {
    /// The entries for serde's derive.
    pub(crate) entries: Vec<Entry>,
    pub(crate) rename_all: Directions<RenameRule>,
    pub(crate) is_renamed: bool,
    pub(crate) deny_unknown_fields: bool,
    /// `default`: absent fields come from a default of the whole struct.
    pub(crate) default: Option<ContainerDefault>,
    pub(crate) bounds: Directions<Option<Predicates>>,
}

/// Where absent fields come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContainerDefault {
    /// `Default::default()` of the struct.
    Trait,
    /// A function of the user.
    Path,
}

/// Reads the `#[serde(..)]` attributes of the struct.
pub(crate) fn container(attributes: &[Attribute], errors: &mut Errors) -> ContainerSerde {
    let mut serde = ContainerSerde::default();
    let mut seen = Seen::default();
    for entry in serde_entries(attributes) {
        if RESHAPING.contains(&entry.name.as_str()) {
            let problem =
                format_args!("`#[serde({})]` cannot be combined with `Envelope`", entry.name);
            errors.report(&entry, problem, instead_of(&entry));
        } else if forms::check(&entry, &forms::CONTAINER, errors) && seen.is_new(&entry, errors) {
            read_container_entry(&entry, &mut serde, errors);
            // Generated code uses the serde that `envelope-dynamo` re-exports.
            if entry.name != "crate" {
                serde.entries.push(entry);
            }
        }
    }
    serde
}

/// What to write in place of an entry that reshapes the struct.
fn instead_of(entry: &Entry) -> String {
    if entry.name == "tag" {
        let name = entry.string().map_or_else(|| "kind".to_owned(), |name| name.value());
        let name =
            if syn::parse_str::<syn::Ident>(&name).is_ok() { name } else { format!("{name:?}") };
        return format!(
            "remove `tag`; to store a constant attribute that tells the records of this struct \
             from others, \
             write `#[envelope(entity({name} = \"..\"))]`"
        );
    }
    "remove it: serde must write a record as a map of its fields".to_owned()
}

fn read_container_entry(entry: &Entry, serde: &mut ContainerSerde, errors: &mut Errors) {
    match entry.name.as_str() {
        "rename" => serde.is_renamed = true,
        "rename_all" => rename_all(entry, &mut serde.rename_all, errors),
        "deny_unknown_fields" => serde.deny_unknown_fields = true,
        "default" => serde.default = Some(container_default(entry)),
        "bound" => bounds(entry, &mut serde.bounds),
        _ => {}
    }
}

/// `default` or `default = "path"` on the struct.
fn container_default(entry: &Entry) -> ContainerDefault {
    match entry.value {
        Value::Nothing => ContainerDefault::Trait,
        _ => ContainerDefault::Path,
    }
}

fn rename_all(entry: &Entry, rules: &mut Directions<RenameRule>, errors: &mut Errors) {
    let mut rule = |names: &[LitStr], so_far: RenameRule| {
        let Some(name) = names.first() else { return so_far };
        RenameRule::named(&name.value()).unwrap_or_else(|| {
            let problem = format_args!("`{}` is not a rename rule of serde", name.value());
            errors.report(
                name,
                problem,
                format_args!("choose one of {}", list(&RenameRule::NAMES)),
            );
            so_far
        })
    };
    let Directions { serialize, deserialize } = strings(entry);
    rules.serialize = rule(&serialize, rules.serialize);
    // One rule for both directions is read once, so that it is reported once.
    rules.deserialize = match &entry.value {
        Value::List(_) => rule(&deserialize, rules.deserialize),
        _ => rules.serialize,
    };
}

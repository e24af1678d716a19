//! What the macro needs to know of `#[serde(..)]`; everything else goes to serde's own derive as it
//! was written.
//!
//! An entry that this version of the macro does not know is refused, since it could change names.

use proc_macro2::TokenStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, LitStr, Token, Type, WherePredicate};

use crate::attr::{self, Entry, SERDE, Value};
use crate::case::RenameRule;
use crate::errors::Errors;
use crate::serde_form as form;
use crate::serde_refusals::{Seen, lifetimes_are_there};

pub(crate) const FLATTEN: &str = "flatten";

/// Entries that replace or wrap the map of fields, so that fields could not be told apart by name.
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
    /// `default`, alone or with a path: fields that are absent come from a default of the whole
    /// struct.
    pub(crate) default: Option<ContainerDefault>,
    pub(crate) bounds: Directions<Option<Predicates>>,
}

/// Where absent fields come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContainerDefault {
    /// `Default::default()` of the struct.
    Trait,
    /// A function named by the user.
    Path,
}

/// `#[serde(..)]` on a field.
#[derive(Default)]
pub(crate) struct FieldSerde {
    /// The entries for serde's derive.
    pub(crate) entries: Vec<Entry>,
    /// The names given by `rename`.
    pub(crate) rename: Directions<Option<LitStr>>,
    /// Further names to read: `alias`, and second and later deserialize renames.
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) skip: Directions<bool>,
    /// `skip`, `skip_serializing`, `skip_serializing_if` or `skip_deserializing`, as written.
    pub(crate) skips: Vec<TokenStream>,
    pub(crate) with: Directions<bool>,
    /// `default` without a path.
    pub(crate) default_trait: bool,
    /// `default` with a path.
    pub(crate) default_path: bool,
    pub(crate) bounds: Directions<Option<Predicates>>,
}

pub(crate) type Predicates = Punctuated<WherePredicate, Token![,]>;

/// Something that serde lets differ between writing and reading.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Directions<T> {
    pub(crate) serialize: T,
    pub(crate) deserialize: T,
}

impl FieldSerde {
    /// Whether the field is neither written nor read.
    pub(crate) fn is_skipped(&self) -> bool {
        self.skip.serialize && self.skip.deserialize
    }
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
        } else if form::check(&entry, &form::CONTAINER, errors) && seen.is_new(&entry, errors) {
            read_container_entry(&entry, &mut serde, errors);
            // The derive names its own copy of serde.
            if entry.name != "crate" {
                serde.entries.push(entry);
            }
        }
    }
    serde
}

/// Reads the `#[serde(..)]` attributes of a field.
pub(crate) fn field(attributes: &[Attribute], ty: &Type, errors: &mut Errors) -> FieldSerde {
    let mut serde = FieldSerde::default();
    let mut seen = Seen::default();
    for entry in serde_entries(attributes) {
        if entry.name == "getter" {
            errors.report(
                &entry,
                "`#[serde(getter)]` has no place here: it belongs to a `#[serde(remote)]` definition",
                "remove it; `#[serde(serialize_with = \"..\")]` changes how a field is written",
            );
        } else if entry.name == FLATTEN {
            refuse_flatten(&entry, errors);
        } else if form::check(&entry, &form::FIELD, errors)
            && seen.is_new(&entry, errors)
            && lifetimes_are_there(&entry, ty, errors)
        {
            read_field_entry(&entry, &mut serde);
            serde.entries.push(entry);
        }
    }
    serde
}

/// Reports `flatten`, of a record or of a view.
///
/// Its entries are told from the attributes of other fields by name alone, and another version of
/// the struct has other fields: what one version seals would be an entry in the clear to another.
pub(crate) fn refuse_flatten(entry: &Entry, errors: &mut Errors) {
    errors.report(
        entry,
        "`#[serde(flatten)]` is not supported: nothing says which field an attribute of the item belongs to",
        "name each attribute as a field of the struct; or remove `flatten`, and the value is nested in one attribute, \
         which can be `#[encrypted]`",
    );
}

/// What to write in place of an entry that reshapes the struct.
fn instead_of(entry: &Entry) -> String {
    if entry.name == "tag" {
        let name = entry.string().map_or_else(|| "kind".to_owned(), |name| name.value());
        let name =
            if syn::parse_str::<syn::Ident>(&name).is_ok() { name } else { format!("{name:?}") };
        return format!(
            "`#[envelope(entity({name} = \"..\"))]` stores a constant attribute that tells the records of this struct \
             from others in the table; remove `tag`"
        );
    }
    "remove it: a record is a map from field names to values, so that each field can be treated according to its mark"
        .to_owned()
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

fn read_field_entry(entry: &Entry, serde: &mut FieldSerde) {
    match entry.name.as_str() {
        "rename" => rename(entry, serde),
        "alias" => serde.aliases.extend(entry.string()),
        "default" => match entry.value {
            Value::Nothing => serde.default_trait = true,
            _ => serde.default_path = true,
        },
        "with" => serde.with = Directions { serialize: true, deserialize: true },
        "serialize_with" => serde.with.serialize = true,
        "deserialize_with" => serde.with.deserialize = true,
        "bound" => bounds(entry, &mut serde.bounds),
        "skip" => {
            serde.skip = Directions { serialize: true, deserialize: true };
            serde.skips.push(entry.tokens.clone());
        }
        "skip_serializing" => {
            serde.skip.serialize = true;
            serde.skips.push(entry.tokens.clone());
        }
        "skip_deserializing" => {
            serde.skip.deserialize = true;
            serde.skips.push(entry.tokens.clone());
        }
        "skip_serializing_if" => serde.skips.push(entry.tokens.clone()),
        _ => {}
    }
}

pub(crate) fn serde_entries(attributes: &[Attribute]) -> impl Iterator<Item = Entry> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(SERDE))
        .flat_map(attr::attribute_entries)
}

/// `default` or `default = "path"` on the struct.
fn container_default(entry: &Entry) -> ContainerDefault {
    match entry.value {
        Value::Nothing => ContainerDefault::Trait,
        _ => ContainerDefault::Path,
    }
}

/// `rename = ".."` or `rename(serialize = "..", deserialize = "..")` on a field.
fn rename(entry: &Entry, serde: &mut FieldSerde) {
    let Directions { mut serialize, deserialize } = strings(entry);
    let mut deserialize = deserialize.into_iter();
    if let Some(name) = serialize.pop() {
        serde.rename.serialize = Some(name);
    }
    if serde.rename.deserialize.is_none() {
        serde.rename.deserialize = deserialize.next();
    }
    serde.aliases.extend(deserialize);
}

fn rename_all(entry: &Entry, rules: &mut Directions<RenameRule>, errors: &mut Errors) {
    let mut rule = |names: &[LitStr], so_far: RenameRule| {
        let Some(name) = names.first() else { return so_far };
        RenameRule::named(&name.value()).unwrap_or_else(|| {
            let problem = format_args!("`{}` is not a rule of serde", name.value());
            errors.report(
                name,
                problem,
                format_args!("serde knows {}", attr::list(&RenameRule::NAMES)),
            );
            so_far
        })
    };
    let Directions { serialize, deserialize } = strings(entry);
    rules.serialize = rule(&serialize, rules.serialize);
    // One rule for both directions is read, and reported, once.
    rules.deserialize = match &entry.value {
        Value::List(_) => rule(&deserialize, rules.deserialize),
        _ => rules.serialize,
    };
}

fn bounds(entry: &Entry, bounds: &mut Directions<Option<Predicates>>) {
    let parse = |bounds: &[LitStr]| bounds.first()?.parse_with(Predicates::parse_terminated).ok();
    let Directions { serialize, deserialize } = strings(entry);
    bounds.serialize = parse(&serialize).or(bounds.serialize.take());
    bounds.deserialize = parse(&deserialize).or(bounds.deserialize.take());
}

/// The strings in `name = ".."` or `name(serialize = "..", deserialize = "..")`.
pub(crate) fn strings(entry: &Entry) -> Directions<Vec<LitStr>> {
    match &entry.value {
        Value::List(list) => {
            let entries = attr::entries(list.clone());
            let of = |direction: &str| {
                entries
                    .iter()
                    .filter(|entry| entry.name == direction)
                    .filter_map(Entry::string)
                    .collect()
            };
            Directions { serialize: of("serialize"), deserialize: of("deserialize") }
        }
        _ => {
            let both: Vec<_> = entry.string().into_iter().collect();
            Directions { serialize: both.clone(), deserialize: both }
        }
    }
}

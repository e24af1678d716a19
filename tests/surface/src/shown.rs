//! The public modules and types of a crate without an example.
//!
//! A module, type, trait or macro that a user can name is shown if one of these is true:
//!
//! 1. Its own documentation has an example: a Rust code block that rustdoc runs and that asserts
//!    something, or a `no_run` block for what needs a server. [`CodeBlock::is_example`] has the
//!    conditions.
//! 2. One of its own methods or constants has an example in its documentation, for a trait one of
//!    its items. A method of a trait that the type implements does not count. A module has only its
//!    own documentation.
//! 3. Its documentation links to an item of the same crate that has an example (as in 1) in its own
//!    documentation, and that example uses the type or trait: its visible lines name it; or it is
//!    the example of a function with the type in its signature, or of a struct, and names a field
//!    that has the type. This is for builders, futures, tokens and the parts of a report, whose use
//!    is the example of what returns or has them.
//!
//! Re-exports of other crates are shown in their own crate. Items with `#[doc(hidden)]` are not in
//! rustdoc's JSON. `tests/surface.sh` leaves `envelope-derive` out: its macros compile only with
//! `envelope-dynamo`, whose front page and traits have their examples.

use std::collections::BTreeMap;
use std::fmt;

use rustdoc_types::{Crate, Id, Item, ItemEnum, Struct, StructKind};
use serde::Serialize;
use serde_json::Value;

use crate::code_block::{CodeBlock, code_blocks};

/// A public module or type without an example.
pub struct Unshown {
    kind: &'static str,
    path: String,
    place: String,
}

impl fmt::Display for Unshown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.kind, self.path, self.place)
    }
}

/// Finds the items without an example, in the order of their files.
pub fn unshown(documented: &Crate) -> Vec<Unshown> {
    let mut paths = BTreeMap::new();
    visit(documented, &documented.root, "", &mut paths);
    let mut unshown: Vec<_> = paths
        .into_iter()
        .filter_map(|(id, path)| {
            let item = &documented.index[&id];
            let kind = kind(item)?;
            (!is_shown(documented, item)).then(|| (place(item), kind, path))
        })
        .collect();
    unshown.sort();
    unshown
        .into_iter()
        .map(|((file, line), kind, path)| Unshown { kind, path, place: format!("{file}:{line}") })
        .collect()
}

/// Collects the items that users can name, each with the shortest of its paths.
fn visit(documented: &Crate, id: &Id, parent: &str, paths: &mut BTreeMap<Id, String>) {
    let Some(item) = documented.index.get(id) else { return }; // an item of another crate
    let name = item.name.as_deref().unwrap_or_default();
    match &item.inner {
        ItemEnum::Use(import) => {
            let Some(item) = import.id.and_then(|id| documented.index.get(&id)) else { return };
            match &item.inner {
                ItemEnum::Module(module) if import.is_glob => {
                    module.items.iter().for_each(|id| visit(documented, id, parent, paths));
                }
                _ => visit(documented, &item.id, parent, paths),
            }
        }
        ItemEnum::Module(module) => {
            let path = keep_shortest(paths, *id, parent, name);
            module.items.iter().for_each(|id| visit(documented, id, &path, paths));
        }
        _ => {
            keep_shortest(paths, *id, parent, name);
        }
    }
}

fn keep_shortest(paths: &mut BTreeMap<Id, String>, id: Id, parent: &str, name: &str) -> String {
    let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}::{name}") };
    let shortest = paths.entry(id).or_insert_with(|| path.clone());
    if path.len() < shortest.len() {
        shortest.clone_from(&path);
    }
    path
}

/// Names what an item is; `None` for functions, constants and the like, which need no example.
fn kind(item: &Item) -> Option<&'static str> {
    Some(match item.inner {
        ItemEnum::Module(_) => "mod",
        ItemEnum::Struct(_) => "struct",
        ItemEnum::Enum(_) => "enum",
        ItemEnum::Union(_) => "union",
        ItemEnum::Trait(_) | ItemEnum::TraitAlias(_) => "trait",
        ItemEnum::TypeAlias(_) => "type",
        ItemEnum::Macro(_) | ItemEnum::ProcMacro(_) => "macro",
        _ => return None,
    })
}

fn place(item: &Item) -> (String, usize) {
    item.span
        .as_ref()
        .map(|span| (span.filename.display().to_string(), span.begin.0))
        .unwrap_or_else(|| ("made by a macro".to_owned(), 0))
}

fn is_shown(documented: &Crate, item: &Item) -> bool {
    if has_example(item) || matches!(item.inner, ItemEnum::Module(_)) {
        return has_example(item);
    }
    own_items(documented, item).any(has_example)
        || item
            .links
            .values()
            .filter_map(|id| documented.index.get(id))
            .any(|linked| shows(documented, linked, item))
}

fn examples(item: &Item) -> impl Iterator<Item = CodeBlock> {
    code_blocks(item.docs.as_deref().unwrap_or_default()).into_iter().filter(CodeBlock::is_example)
}

fn has_example(item: &Item) -> bool {
    examples(item).next().is_some()
}

/// The items that belong to a type or trait alone: those of its own implementations, or of the
/// trait.
fn own_items<'a>(documented: &'a Crate, item: &'a Item) -> impl Iterator<Item = &'a Item> {
    let get = |id| documented.index.get(id);
    let (impls, items): (&[Id], &[Id]) = match &item.inner {
        ItemEnum::Struct(inner) => (&inner.impls, &[]),
        ItemEnum::Enum(inner) => (&inner.impls, &[]),
        ItemEnum::Union(inner) => (&inner.impls, &[]),
        ItemEnum::Trait(inner) => (&[], &inner.items),
        _ => (&[], &[]),
    };
    let of_impls = impls.iter().filter_map(get).flat_map(|block| match &block.inner {
        ItemEnum::Impl(block) if block.trait_.is_none() => block.items.as_slice(),
        _ => &[],
    });
    of_impls.chain(items).filter_map(get)
}

/// Whether the example of `linked` is the example of `item` as well.
fn shows(documented: &Crate, linked: &Item, item: &Item) -> bool {
    let name = item.name.as_deref().unwrap_or_default();
    linked.id != item.id
        && examples(linked).any(|example| {
            example.names(name)
                || signature_has(linked, item.id)
                || fields_of_type(documented, linked, item.id).any(|field| example.names(field))
        })
}

fn signature_has(linked: &Item, id: Id) -> bool {
    let ItemEnum::Function(function) = &linked.inner else { return false };
    has_type(&function.sig, id) || has_type(&function.generics, id)
}

/// The public fields of the struct `linked` that have the type.
fn fields_of_type<'a>(
    documented: &'a Crate,
    linked: &'a Item,
    id: Id,
) -> impl Iterator<Item = &'a str> {
    let fields: &[Id] = match &linked.inner {
        ItemEnum::Struct(Struct { kind: StructKind::Plain { fields, .. }, .. }) => fields,
        _ => &[],
    };
    fields
        .iter()
        .filter_map(|field| documented.index.get(field))
        .filter(move |field| has_type(&field.inner, id))
        .filter_map(|field| field.name.as_deref())
}

/// Whether a part of the JSON names the type or trait.
fn has_type(part: &impl Serialize, id: Id) -> bool {
    serde_json::to_value(part).is_ok_and(|part| names_id(&part, id))
}

fn names_id(part: &Value, id: Id) -> bool {
    match part {
        Value::Object(fields) => {
            fields.contains_key("path") && fields.get("id") == Some(&id.0.into())
                || fields.values().any(|value| names_id(value, id))
        }
        Value::Array(values) => values.iter().any(|value| names_id(value, id)),
        _ => false,
    }
}

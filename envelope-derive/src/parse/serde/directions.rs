//! Entries that may differ for writing and reading: `name(serialize = "..", deserialize = "..")`.

use syn::punctuated::Punctuated;
use syn::{LitStr, Token, WherePredicate};

use crate::parse::entry::{self, Entry, Value};

pub(crate) type Predicates = Punctuated<WherePredicate, Token![,]>;

/// A value for each direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Directions<T> {
    pub(crate) serialize: T,
    pub(crate) deserialize: T,
}

/// The strings in `name = ".."` or `name(serialize = "..", deserialize = "..")`.
pub(crate) fn strings(entry: &Entry) -> Directions<Vec<LitStr>> {
    match &entry.value {
        Value::List(list) => {
            let entries = entry::entries(list.clone());
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

/// Reads `bound = ".."` or its form for each direction.
pub(super) fn bounds(entry: &Entry, bounds: &mut Directions<Option<Predicates>>) {
    let parse = |bounds: &[LitStr]| bounds.first()?.parse_with(Predicates::parse_terminated).ok();
    let Directions { serialize, deserialize } = strings(entry);
    bounds.serialize = parse(&serialize).or(bounds.serialize.take());
    bounds.deserialize = parse(&deserialize).or(bounds.deserialize.take());
}

//! The first stage: from syntax to typed input. Malformed attributes are reported here; rules about
//! the whole struct are in `check`.

mod composed_key;
mod crate_path;
mod deprecated;
mod entry;
mod enumeration;
mod field;
mod format;
mod index;
mod mark_options;
mod options;
mod record;
mod search_tag;
mod seconds;
mod serde;
mod view;
mod written_marks;

pub(crate) use composed_key::ComposedKey;
pub(crate) use entry::Entry;
pub(crate) use enumeration::Enum;
pub(crate) use field::Field;
pub(crate) use format::{Part, Piece};
pub(crate) use index::{EXAMPLE as INDEX_EXAMPLE, Index, IndexKey};
pub(crate) use options::{ContextForm, Options, Pair};
pub(crate) use record::Input;
pub(crate) use search_tag::{SEARCHABLE_EXAMPLE, SearchTag, TaggedField};
pub(crate) use serde::{ContainerDefault, Predicates};
pub(crate) use view::View;

//! The `#[serde(..)]` attributes. The derive reads what it needs; serde's own derive receives every
//! entry as written.
//!
//! An entry that the derive does not know is refused, because it could change names.

mod borrow;
mod container;
mod directions;
mod entries;
mod field;
mod forms;
mod repeated;

pub(crate) use container::{ContainerDefault, ContainerSerde, container};
pub(crate) use directions::{Directions, Predicates};
pub(crate) use entries::{SERDE, serde_entries};
pub(crate) use field::{FLATTEN, FieldSerde, field, refuse_flatten};

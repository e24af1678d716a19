//! The third stage: generated code. The code describes the fields to `envelope-dynamo` and calls
//! serde's own derive; the behaviour is in `envelope-dynamo`.

mod attributes;
mod bounds;
mod copies;
mod enumeration;
pub(crate) mod fallback;
mod indexes;
mod keys;
mod record;
mod respan;
mod schema;
mod scope;
mod search_tags;
mod serde_checks;
mod this;
mod unique;
mod used_parameters;
mod view;

pub(crate) use enumeration::enumeration;
pub(crate) use record::record;
pub(crate) use view::view;

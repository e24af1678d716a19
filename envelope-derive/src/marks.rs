//! The attributes of fields, with everything that the derive knows of each.
//!
//! A [`Mark`] says how a field is stored; each stored field has exactly one. A [`Role`] stands
//! beside a mark and says what DynamoDB or the library does with the value. The other stages read
//! these tables: they name a mark only where a rule is about that one mark.
//!
//! To add a role: write its file here, list it in [`ROLES`], name it in the `attributes(..)` of
//! `derive(Envelope)` and in its documentation, and test it in `tests/refusals/`.

mod mark;
mod role;
mod timestamps;
mod ttl;
mod version;

pub(crate) use mark::{ACCEPT, Mark, OnStruct};
pub(crate) use role::{LibraryWrites, Role, StoredAs};

/// Every role.
pub(crate) const ROLES: [&Role; 4] =
    [&version::VERSION, &ttl::TTL, &timestamps::CREATED, &timestamps::UPDATED];

/// The name of the attribute that puts a field's value into the KMS encryption context.
pub(crate) const ENCRYPTION_CONTEXT: &str = "encryption_context";

/// The role whose attribute has this name.
pub(crate) fn role(name: &str) -> Option<&'static Role> {
    ROLES.into_iter().find(|role| role.name == name)
}

//! The attributes of fields: everything that the derive knows of each.
//!
//! A [`Mark`] defines how a field is stored; each stored field has exactly one. A [`Role`] is an
//! attribute beside a mark, for a value that DynamoDB or the library reads or writes. The stages
//! read these tables. They name a single mark only in a rule about that mark. [`SEARCHABLE`] and
//! [`ENCRYPTION_CONTEXT`] are neither: they say where else a value is used.
//!
//! To add a role:
//!
//! 1. write its file here, and list it in [`ROLES`];
//! 2. add it to `attributes(..)` of `derive(Envelope)` in `lib.rs`, and to the table in its
//!    documentation: a test compares both with [`ROLES`];
//! 3. add the method that [`Role::schema`] calls to `Field` in `envelope-dynamo`;
//! 4. test its rules in `tests/refusals/fields.rs`, and its messages in `tests/ui`.

mod mark;
mod role;
mod searchable;
mod timestamps;
mod ttl;
mod version;

pub(crate) use mark::{ACCEPT, Mark, OnStruct};
pub(crate) use role::{LibraryWrites, Role, StoredAs};
pub(crate) use searchable::{SEARCHABLE, Step, TAG_PREFIX};

/// Every role.
pub(crate) const ROLES: [&Role; 4] =
    [&version::VERSION, &ttl::TTL, &timestamps::CREATED, &timestamps::UPDATED];

/// The name of the attribute that puts a field's value into the KMS encryption context.
pub(crate) const ENCRYPTION_CONTEXT: &str = "encryption_context";

/// The role whose attribute has this name.
pub(crate) fn role(name: &str) -> Option<&'static Role> {
    ROLES.into_iter().find(|role| role.name == name)
}

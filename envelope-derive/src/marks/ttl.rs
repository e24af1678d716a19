//! `#[ttl]`: when DynamoDB may delete the record.

use quote::quote;

use super::role::{LibraryWrites, Role, StoredAs, nothing};

pub(super) const TTL: Role = Role {
    name: "ttl",
    readable: "DynamoDB must read when to delete the record",
    unauthenticated: None,
    library_writes: LibraryWrites::Never,
    stored_as: StoredAs::Seconds,
    schema: |_| quote!(.ttl()),
    implements: nothing,
    implements_without: None,
};

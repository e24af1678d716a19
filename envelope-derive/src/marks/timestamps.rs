//! `#[created]` and `#[updated]`: when the record was first put, and when it was last written.

use quote::quote;

use super::role::{LibraryWrites, Role, StoredAs, nothing};

const READABLE: &str = "stamps are kept where DynamoDB can read them";

pub(super) const CREATED: Role = Role {
    name: "created",
    readable: READABLE,
    unauthenticated: None,
    library_writes: LibraryWrites::Once,
    stored_as: StoredAs::Seconds,
    schema: |_| quote!(.created()),
    implements: nothing,
};

pub(super) const UPDATED: Role = Role {
    name: "updated",
    readable: READABLE,
    unauthenticated: Some("an update in place must change it too"),
    library_writes: LibraryWrites::Always,
    stored_as: StoredAs::Seconds,
    schema: |_| quote!(.updated()),
    implements: nothing,
};

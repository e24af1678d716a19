//! `#[created]` and `#[updated]`: when the record was first put, and when it was last written.

use quote::quote;

use super::role::{LibraryWrites, Role, StoredAs, nothing};

const READABLE: &str = "timestamps must be readable in the table";

pub(super) const CREATED: Role = Role {
    name: "created",
    readable: READABLE,
    unauthenticated: None,
    library_writes: LibraryWrites::Once,
    stored_as: StoredAs::Seconds,
    schema: |_| quote!(.created()),
    implements: nothing,
    implements_without: None,
};

pub(super) const UPDATED: Role = Role {
    name: "updated",
    readable: READABLE,
    unauthenticated: Some("every update in place changes it"),
    library_writes: LibraryWrites::Always,
    stored_as: StoredAs::Seconds,
    schema: |_| quote!(.updated()),
    implements: nothing,
    implements_without: None,
};

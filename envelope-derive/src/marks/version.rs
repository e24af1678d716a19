//! `#[version]`: counts the writes of a record, for optimistic locking.

use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::mark::Mark;
use super::role::{LibraryWrites, Role, StoredAs};

pub(super) const VERSION: Role = Role {
    name: "version",
    readable: "DynamoDB must compare versions",
    unauthenticated: None,
    library_writes: LibraryWrites::Always,
    stored_as: StoredAs::Declared,
    // With this span, the compiler reports a wrong type at the type.
    schema: |ty| {
        let max = quote_spanned!(ty.span()=> <#ty as __envelope::VersionNumber>::MAX);
        quote!(.version(#max))
    },
    implements: |mark| {
        (mark == Mark::Authenticated).then(|| quote!(__envelope::AuthenticatedVersion))
    },
    implements_without: Some(|| quote!(__envelope::Unversioned)),
};

//! Roles: attributes beside a mark, for fields that DynamoDB or the library reads or writes.

use proc_macro2::TokenStream;
use syn::Type;

use super::mark::Mark;

/// What the derive knows of a role.
///
/// A key has no role, because keys never change. At most one field of a struct has a given role,
/// and a field has at most one role.
pub(crate) struct Role {
    /// The name of the attribute.
    pub(crate) name: &'static str,
    /// Why the field cannot be encrypted: completes "the field is encrypted, but ..".
    pub(crate) readable: &'static str,
    /// Why the field cannot be authenticated, if it cannot: completes "the field is authenticated,
    /// but ..".
    pub(crate) unauthenticated: Option<&'static str>,
    /// When the library writes the value.
    pub(crate) library_writes: LibraryWrites,
    pub(crate) stored_as: StoredAs,
    /// The call on the field's entry in `Envelope::SCHEMA`, for a field of this type.
    pub(crate) schema: fn(&Type) -> TokenStream,
    /// The marker trait that the struct implements if the field has this mark.
    pub(crate) implements: fn(Mark) -> Option<TokenStream>,
    /// The marker trait that the struct implements if no field has the role.
    pub(crate) implements_without: Option<fn() -> TokenStream>,
}

/// When the library writes the value of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LibraryWrites {
    /// Never: the application writes it.
    Never,
    /// When the record is first put.
    Once,
    /// At every write; nothing else may change the value.
    Always,
}

/// How a value is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredAs {
    /// As serde writes the field.
    Declared,
    /// As seconds since 1970, the form in which DynamoDB reads times.
    Seconds,
}

/// For `Role::implements`: no trait.
pub(super) fn nothing(_: Mark) -> Option<TokenStream> {
    None
}

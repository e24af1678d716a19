//! Roles: attributes beside a mark, for fields that DynamoDB or the library reads or writes.

use proc_macro2::TokenStream;
use syn::Type;

use super::mark::Mark;

/// What the derive knows of a role.
///
/// No role stands beside a key: keys never change. At most one field of a struct has a role, and a
/// field has at most one.
pub(crate) struct Role {
    /// The name of the attribute.
    pub(crate) name: &'static str,
    /// Why the field cannot be encrypted.
    pub(crate) readable: &'static str,
    /// Why the field cannot be authenticated, if it cannot.
    pub(crate) unauthenticated: Option<&'static str>,
    /// When the library writes the value.
    pub(crate) library_writes: LibraryWrites,
    pub(crate) stored_as: StoredAs,
    /// The call on the field's entry in `Envelope::SCHEMA`, for a field of this type.
    pub(crate) schema: fn(&Type) -> TokenStream,
    /// The trait of `envelope_dynamo::__private` that the struct implements, for a field of this
    /// mark.
    pub(crate) implements: fn(Mark) -> Option<TokenStream>,
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
    /// As seconds since the epoch, which is how DynamoDB reads times.
    Seconds,
}

/// For `Role::implements`: no trait.
pub(super) fn nothing(_: Mark) -> Option<TokenStream> {
    None
}

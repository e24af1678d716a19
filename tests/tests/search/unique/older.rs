//! The user in programs of before.

use envelope_dynamo::Envelope;

use super::{User, user};

/// The user in a program of before the address became searchable.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
pub(super) struct Older {
    #[partition_key]
    pub(super) user_id: String,
    #[encrypted]
    pub(super) email: String,
    #[encrypted]
    pub(super) address: String,
    #[plaintext]
    pub(super) logins: u64,
}

/// The user in a program of before the address became unique.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", index(name = "by-email", partition_key = email))]
pub(super) struct Searchable {
    #[partition_key]
    pub(super) user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    pub(super) email: String,
    #[encrypted]
    pub(super) address: String,
    #[plaintext]
    pub(super) logins: u64,
}

pub(super) fn searchable(id: &str, email: &str) -> Searchable {
    let User { user_id, email, address, logins, .. } = user(id, email);
    Searchable { user_id, email, address, logins }
}

pub(super) fn older(id: &str, email: &str) -> Older {
    let User { user_id, email, address, logins, .. } = user(id, email);
    Older { user_id, email, address, logins }
}

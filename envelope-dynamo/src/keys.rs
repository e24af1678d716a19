//! Where data keys come from: AWS KMS, and the table of branch keys.

pub(crate) mod branch_keys;
pub(crate) mod kms;

//! Data keys: KMS, branch keys, RSA, shared and cached keys.
//!
//! Each test has its own keys and tables, so that tests can share servers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod branch_keys;
mod data_key_sharing;
mod embedded_kms;
mod kms;
mod kms_limits;
mod real_kms;
mod recipients;
mod rsa;
mod search_keys;
mod streams;

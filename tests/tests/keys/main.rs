//! Data keys and who wraps them: KMS, branch keys, RSA, shared and cached keys.
//!
//! Each test has keys and tables of its own, so that they can run side by side on shared servers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod branch_keys;
mod data_key_sharing;
mod kms;
mod kms_limits;
mod real_kms;
mod recipients;
mod rsa;
mod streams;

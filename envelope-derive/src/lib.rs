//! `#[derive(Envelope)]`.
#![forbid(unsafe_code)]

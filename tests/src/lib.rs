//! The tests of envelope-dynamo, and the fixtures that they share: items, keys, a table for one
//! test, and a search for secrets.
#![forbid(unsafe_code)]
#![allow(clippy::indexing_slicing, clippy::missing_panics_doc)] // a fixture that panics fails its test

pub mod explore;
mod item;
mod keys;
mod secret;
mod table;

pub use item::{Item, base64, binary, bytes_of, json, names_of, number, text, with};
pub use keys::{
    RSA_PRIVATE_KEY, RSA_PUBLIC_KEY, key_error, kms_keys, local_keys, rsa_private_key,
    rsa_public_key, wrapped_keys,
};
pub use secret::Secret;
pub use table::{TestTable, assert_never_sent, called, plant, requests, servers, stored};

use std::error::Error;

/// The examples of the derives: their own crate cannot compile them.
#[cfg(doctest)]
mod derives {
    /// ```
    #[doc = include_str!("../../envelope-derive/src/examples/order.txt")]
    /// ```
    struct Order;

    /// ```no_run
    #[doc = include_str!("../../envelope-derive/src/examples/searchable.txt")]
    /// ```
    struct Searchable;

    /// ```no_run
    #[doc = include_str!("../../envelope-derive/src/examples/view.txt")]
    /// ```
    struct View;
}

/// Everything that an error prints: `Display`, `Debug` and indented `Debug`, of itself and of every
/// source.
#[must_use]
pub fn all_it_says(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.map(|error| format!("{error}\n{error:?}\n{error:#?}\n")).collect()
}

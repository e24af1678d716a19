//! The tests of envelope-dynamo, and what they share.
#![forbid(unsafe_code)]

mod secret;

pub use secret::Secret;

use std::error::Error;

/// All that an error says: `Display`, `Debug` and indented `Debug` of itself and of every source
/// behind it.
#[must_use]
pub fn all_it_says(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.map(|error| format!("{error}\n{error:?}\n{error:#?}\n")).collect()
}

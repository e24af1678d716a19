//! Tokens by which DynamoDB recognizes a request that is sent again.

use std::hash::{BuildHasher, RandomState};

/// A token of 128 random bits, which no other request has. The standard library seeds each hasher
/// anew.
pub(crate) fn new_token() -> String {
    let random = || RandomState::new().hash_one(());
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::table::transaction::token::new_token;

    #[test]
    fn tokens_differ_and_are_as_long_as_dynamodb_takes() {
        let tokens: HashSet<_> = (0..10_000).map(|_| new_token()).collect();
        assert_eq!(tokens.len(), 10_000);
        assert!(tokens.iter().all(|token| token.len() == 32));
    }
}

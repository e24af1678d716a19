//! Search keys that the program brings along.

use std::sync::Arc;

use envelope_core::search::SearchKey;

use crate::item::search_tags::Taggers;
use crate::keys::search_keys::live::LiveSearchKeys;

/// Search keys from the program itself: for tests, and for programs that store their keys in a
/// place of their own. [`SearchKeyTable`](crate::keys::SearchKeyTable) stores them wrapped by KMS,
/// and rotates them.
///
/// All tables that use these keys have the same ones. Tags differ by table and field all the same.
///
/// A rotation takes two deployments. The first one gives every process the
/// [next](Self::also_next) key, so that all of them search for it. The second one, after the first
/// has reached every process, writes it and still searches for the
/// [previous](Self::also_previous) one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::keys::{LocalSearchKeys, SearchKey, SearchKeys};
/// # use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, to_item_with};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users", index(name = "by-email", partition_key = email))]
/// # struct User {
/// #     #[partition_key] user_id: String,
/// #     #[encrypted] #[searchable] email: String,
/// # }
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
///
/// let old = SearchKey::from_slice(&[1; 32])?; // in production 32 random bytes
/// let new = SearchKey::from_slice(&[2; 32])?;
/// let before: SearchKeys = LocalSearchKeys::new(old.share()).into();
/// let first: SearchKeys = LocalSearchKeys::new(old.share()).also_next(new.share()).into();
/// let second: SearchKeys = LocalSearchKeys::new(new).also_previous(old).into();
///
/// // The first deployment still writes the tags of the old key. The second one does not.
/// let of_before = to_item_with(&zoe, &provider, &before).await?;
/// let of_first = to_item_with(&zoe, &provider, &first).await?;
/// let of_second = to_item_with(&zoe, &provider, &second).await?;
/// assert_eq!(of_first["blind_email"], of_before["blind_email"]);
/// assert_ne!(of_second["blind_email"], of_before["blind_email"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct LocalSearchKeys(LiveSearchKeys);

impl LocalSearchKeys {
    /// Writes and searches with `key`.
    #[must_use]
    pub fn new(key: SearchKey) -> Self {
        let write = Arc::new(key);
        Self(LiveSearchKeys {
            search: vec![Arc::clone(&write)],
            write,
            taggers: Taggers::default(),
            until: None,
        })
    }

    /// Also searches with `key`, which will be written later. Replaces another second key.
    #[must_use]
    pub fn also_next(mut self, key: SearchKey) -> Self {
        self.0.search = vec![Arc::clone(&self.0.write), Arc::new(key)];
        self
    }

    /// Also searches with `key`, which was written before. Replaces another second key.
    #[must_use]
    pub fn also_previous(mut self, key: SearchKey) -> Self {
        self.0.search = vec![Arc::new(key), Arc::clone(&self.0.write)];
        self
    }

    pub(crate) fn into_live(self) -> LiveSearchKeys {
        self.0
    }
}

//! The record that an error is about.

use std::fmt;

use envelope_core::{ContextForm, Escaped};

/// The record that an error is about: the logical table, and the key attributes in the form in
/// which they may be shown.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, from_item, to_item};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// # let keys = TestKeyProvider::default();
/// let mut item = to_item(&zoe, &keys).await?;
/// item.remove("encrypted_payload");
/// let error = from_item::<User>(item, &keys).await.err().expect("a part is missing");
/// assert_eq!(error.record().table(), "users");
/// assert_eq!(error.record().keys().collect::<Vec<_>>(), [("user_id", "u_1")]);
/// assert_eq!(error.record().to_string(), "users[user_id=u_1]");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordId {
    table: &'static str,
    keys: Vec<(&'static str, String)>,
}

impl RecordId {
    pub(crate) const fn of_table(table: &'static str) -> Self {
        Self { table, keys: Vec::new() }
    }

    pub(crate) fn with_key(
        mut self,
        name: &'static str,
        form: ContextForm,
        shown: Option<&str>,
    ) -> Self {
        let text = match (form, shown) {
            (_, None) => "(withheld)".to_owned(),
            (ContextForm::Hashed, Some(digest)) => format!("(sha256 {digest})"),
            (_, Some(value)) => value.to_owned(),
        };
        self.keys.push((name, text));
        self
    }

    /// The logical table.
    #[must_use]
    pub const fn table(&self) -> &'static str {
        self.table
    }

    /// The key attributes and their values, in the form that the struct chose for the KMS context.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.keys.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table)?;
        for (i, (name, value)) in self.keys.iter().enumerate() {
            write!(f, "{}{name}={}", if i == 0 { "[" } else { ", " }, Escaped(value))?;
        }
        f.write_str(if self.keys.is_empty() { "" } else { "]" })
    }
}

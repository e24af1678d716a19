//! A key provider for each group of fields (FORMAT 4.6).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{GeneratedKey, KeyFuture, KeyProvider, UnwrapKey, WrapKey};
use crate::context::{EncryptionContext, GROUP_PAIR};
use crate::dek::WrappedKey;
use crate::error::{KeyError, KeyErrorKind};
use crate::escaped::Escaped;
use crate::secret::DataKey;

/// Gives each group of encrypted fields its own key provider: `#[encrypted(group = "medical")]`.
///
/// Fields without a group use the provider that was passed to [`new`](Self::new). A group without a
/// provider can neither be written nor read: writing it fails, and reading a record leaves the
/// group withheld.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{KeyErrorKind, OpenError};
/// use envelope_dynamo::keys::{GroupKeyProvider, LocalKeyProvider, RootKey};
/// use envelope_dynamo::message::{Context, open, seal};
///
/// // In production, a `KmsKeyProvider` with a KMS key for each.
/// let provider = || RootKey::generate().map(|key| Arc::new(LocalKeyProvider::new(key)));
/// let (office, ward) = (provider()?, provider()?);
/// let nurse = GroupKeyProvider::new(office.clone()).group("medical", ward);
/// let receptionist = GroupKeyProvider::new(office);
///
/// let medical = Context::new("patients").pair("group", "medical")?;
/// let sealed = seal(b"gout", &medical, &nurse).await?;
/// assert_eq!(open(&sealed, &medical, &nurse).await?.expose(), b"gout");
/// match open(&sealed, &medical, &receptionist).await {
///     Err(OpenError::Key(error)) => assert_eq!(error.kind(), KeyErrorKind::AccessDenied),
///     other => panic!("the group is withheld, but {other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// A single `KmsKeyProvider` serves all groups too. The KMS encryption context contains the group
/// as the pair `group`, so a key policy can decide who may decrypt which group
/// (`kms:EncryptionContext:group`).
pub struct GroupKeyProvider {
    record: Arc<dyn KeyProvider>,
    groups: BTreeMap<String, Group>,
}

struct Group {
    wrap: Arc<dyn WrapKey>,
    /// `None` for a group that this process writes but does not read.
    unwrap: Option<Arc<dyn UnwrapKey>>,
}

impl GroupKeyProvider {
    /// Uses the provider `record` for the fields without a group.
    pub fn new(record: impl KeyProvider + 'static) -> Self {
        Self { record: Arc::new(record), groups: BTreeMap::new() }
    }

    /// Uses `provider` for the fields of the group `name`.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>, provider: impl KeyProvider + 'static) -> Self {
        let provider = Arc::new(provider);
        let group = Group { wrap: Arc::clone(&provider) as _, unwrap: Some(provider) };
        self.groups.insert(name.into(), group);
        self
    }

    /// Uses `wrapper` for the fields of the group `name`, which this process can write but not
    /// read.
    #[must_use]
    pub fn write_only_group(
        mut self,
        name: impl Into<String>,
        wrapper: impl WrapKey + 'static,
    ) -> Self {
        self.groups.insert(name.into(), Group { wrap: Arc::new(wrapper), unwrap: None });
        self
    }
}

impl WrapKey for GroupKeyProvider {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        let Some(name) = context.get(GROUP_PAIR) else { return self.record.generate(context) };
        match self.groups.get(name) {
            Some(group) => group.wrap.generate(context),
            None => refuse(name),
        }
    }

    fn generate_wrapped<'a>(
        &'a self,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        let Some(name) = context.get(GROUP_PAIR) else {
            return self.record.generate_wrapped(context);
        };
        match self.groups.get(name) {
            Some(group) => group.wrap.generate_wrapped(context),
            None => refuse(name),
        }
    }
}

impl UnwrapKey for GroupKeyProvider {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        let Some(name) = context.get(GROUP_PAIR) else {
            return self.record.unwrap_key(wrapped, context);
        };
        match self.groups.get(name).and_then(|group| group.unwrap.as_ref()) {
            Some(unwrap) => unwrap.unwrap_key(wrapped, context),
            None => refuse(name),
        }
    }
}

fn refuse<'a, T>(name: &str) -> KeyFuture<'a, T> {
    let message = format!(
        "no key provider is configured for the group `{}`: add one with `GroupKeyProvider::group`",
        Escaped(name)
    );
    Box::pin(async { Err(KeyError::new(KeyErrorKind::AccessDenied, message)) })
}

/// Shows the names of the groups.
impl fmt::Debug for GroupKeyProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupKeyProvider")
            .field("groups", &self.groups.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

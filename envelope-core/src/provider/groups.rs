//! A provider for each group of fields (FORMAT 4.6).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{GeneratedKey, KeyFuture, KeyProvider, UnwrapKey, WrapKey};
use crate::context::{EncryptionContext, GROUP_PAIR};
use crate::dek::WrappedKey;
use crate::error::{KeyError, KeyErrorKind};
use crate::escaped::Escaped;
use crate::secret::DataKey;

/// Gives each group of a record's fields a key provider of its own: `#[encrypted(group =
/// "medical")]`.
///
/// Data keys of the record itself are those of the provider that the whole began with. A group that
/// nothing was said of is neither written nor read here: writing it fails, and reading a record
/// leaves it withheld.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use envelope_core::{Context, GroupKeyProvider, KeyErrorKind, LocalKeyProvider, OpenError, RootKey, open, seal};
///
/// let provider = || RootKey::generate().map(|key| Arc::new(LocalKeyProvider::new(key)));
/// let (office, ward) = (provider()?, provider()?); // in production a `KmsKeyProvider` with a key for each
/// let nurse = GroupKeyProvider::new(office.clone()).group("medical", ward);
/// let receptionist = GroupKeyProvider::new(office);
///
/// let medical = Context::new("patients").pair("group", "medical")?;
/// let sealed = seal(b"gout", &medical, &nurse).await?;
/// assert_eq!(open(&sealed, &medical, &nurse).await?.expose(), b"gout");
/// let Err(OpenError::Key(error)) = open(&sealed, &medical, &receptionist).await else { panic!("withheld") };
/// assert_eq!(error.kind(), KeyErrorKind::AccessDenied);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// One `KmsKeyProvider` without this serves all groups as well: the group stands in the KMS
/// encryption context as `group`, so that a key policy can tell who may decrypt which
/// (`kms:EncryptionContext:group`).
pub struct GroupKeyProvider {
    record: Arc<dyn KeyProvider>,
    groups: BTreeMap<String, Group>,
}

struct Group {
    wrap: Arc<dyn WrapKey>,
    /// `None` for a group that is written here, and not read.
    unwrap: Option<Arc<dyn UnwrapKey>>,
}

impl GroupKeyProvider {
    /// The provider of the record's own fields, those without a group.
    pub fn new(record: impl KeyProvider + 'static) -> Self {
        Self { record: Arc::new(record), groups: BTreeMap::new() }
    }

    /// The provider of the fields of the group `name`.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>, provider: impl KeyProvider + 'static) -> Self {
        let provider = Arc::new(provider);
        let group = Group { wrap: Arc::clone(&provider) as _, unwrap: Some(provider) };
        self.groups.insert(name.into(), group);
        self
    }

    /// The wrapper of a group that is written here, but withheld when it is read.
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
    let message = format!("no key provider is configured here for the group `{}`", Escaped(name));
    Box::pin(async { Err(KeyError::new(KeyErrorKind::AccessDenied, message)) })
}

/// The names of the groups.
impl fmt::Debug for GroupKeyProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupKeyProvider")
            .field("groups", &self.groups.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

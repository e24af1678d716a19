//! Which wrapped keys are where a reseal brings them, as far as their headers say.

use std::fmt;
use std::sync::Arc;

use aws_sdk_kms::Client as KmsClient;
use envelope_core::{
    BranchKeyStore, BranchVersion, EncryptedDek, EncryptionContext, HierarchicalKeyProvider,
    KeyError, KeyErrorKind, KeyFuture, KeyKind, KmsKeyHint, WrappedKey,
};

use crate::keys::kms::KmsKeyWrapper;
use crate::keys::kms::entries::is_of;
use crate::maintain::engine::error::{Refusal, RunErrorKind};
use crate::maintain::engine::part::Part;

/// Which records a [`reseal`](crate::maintain::StoredTable::reseal) leaves as they are: those whose
/// wrapped keys name the target. All others are due.
///
/// A run has no other memory than the records, so their headers must show the target. The entries
/// of KMS keys and of branch keys do. The entries of local root keys and of RSA keys show nothing
/// that a run could trust, so no target can name them.
///
/// | to | use |
/// |---|---|
/// | bring records under a KMS key | [`kms_key`](Self::kms_key) |
/// | bring records under the active version of their branch | [`active_branch_version`](Self::active_branch_version) |
/// | replace every data key that others may have seen | [`and_nothing_else`](Self::and_nothing_else) |
///
/// # Security
///
/// A header is not authenticated. Whoever can write the table can make a record look done. Reading
/// all records with the new keys alone proves more (a report of coverage can do so).
///
/// A KMS key is compared by 4 bytes of the digest of its key id. Replicas of a multi-region key
/// have the same id: a record under one replica is done for a target that names another.
pub struct Target {
    accepted: Vec<Accepted>,
    nothing_else: bool,
}

enum Accepted {
    /// The hint is known once the run has begun.
    KmsKey(KmsKeyWrapper, Option<KmsKeyHint>),
    Version(BranchVersion),
    ActiveVersion(Arc<dyn ActiveVersion>),
}

/// Knows the active version of the branch that a context names.
trait ActiveVersion: fmt::Debug + Send + Sync {
    fn active<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, BranchVersion>;
}

impl<S: BranchKeyStore + 'static> ActiveVersion for HierarchicalKeyProvider<S> {
    fn active<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, BranchVersion> {
        Box::pin(self.active_version_for(context))
    }
}

impl Target {
    const fn of(accepted: Vec<Accepted>) -> Self {
        Self { accepted, nothing_else: false }
    }

    /// Records are done if one of their wrapped keys is of this KMS key: a key id, key ARN, alias
    /// name or alias ARN; for parts an ARN.
    #[must_use]
    pub fn kms_key(kms: KmsClient, key: impl Into<String>) -> Self {
        Self::of(vec![Accepted::KmsKey(KmsKeyWrapper::new(kms, key), None)])
    }

    /// Records are done if they are under this version of a branch key.
    #[must_use]
    pub fn branch_version(version: BranchVersion) -> Self {
        Self::of(vec![Accepted::Version(version)])
    }

    /// Records are done if they are under the version of their branch that is active when they are
    /// read, as `provider` finds it in its cache or its store.
    ///
    /// Give the same provider to the run as the one that writes, so that both agree.
    #[must_use]
    pub fn active_branch_version<S: BranchKeyStore + 'static>(
        provider: Arc<HierarchicalKeyProvider<S>>,
    ) -> Self {
        Self::of(vec![Accepted::ActiveVersion(provider)])
    }

    /// Records are also done if they are where `other` wants them.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.accepted.extend(other.accepted);
        self.nothing_else |= other.nothing_else;
        self
    }

    /// Records are done only if *all* their wrapped keys are of the target: after a suspected leak,
    /// no key that others may have had opens them.
    ///
    /// Without it, a record that is wrapped for several recipients is done if one of them is the
    /// target.
    #[must_use]
    pub const fn and_nothing_else(mut self) -> Self {
        self.nothing_else = true;
        self
    }

    /// Finds out which keys the aliases name.
    pub(crate) async fn prepare(&mut self, part: Part) -> Result<(), RunErrorKind> {
        for accepted in &mut self.accepted {
            let Accepted::KmsKey(key, hint) = accepted else { continue };
            if !part.is_whole()
                && let Some(alias) = key.alias()
            {
                return Err(Refusal::AliasInParts { alias: alias.to_owned() }.into());
            }
            *hint = Some(key.resolve().await?);
        }
        Ok(())
    }

    /// Whether a data key is where the target wants it.
    pub(crate) async fn is_reached(
        &self,
        dek: &EncryptedDek,
        context: &EncryptionContext,
    ) -> Result<bool, KeyError> {
        for entry in dek.keys() {
            let is_accepted = self.accepts(entry, context).await?;
            if is_accepted != self.nothing_else {
                return Ok(is_accepted);
            }
        }
        Ok(self.nothing_else)
    }

    async fn accepts(
        &self,
        entry: &WrappedKey,
        context: &EncryptionContext,
    ) -> Result<bool, KeyError> {
        let version = version_of(entry);
        for accepted in &self.accepted {
            let fits = match accepted {
                Accepted::KmsKey(_, hint) => hint.is_some_and(|hint| is_of(entry, hint)),
                Accepted::Version(accepted) => version == Some(*accepted),
                Accepted::ActiveVersion(branches) => match version {
                    Some(version) => branches.active(context).await? == version,
                    None => false,
                },
            };
            if fits {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether new data keys come from KMS one by one.
    pub(crate) fn is_of_kms(&self) -> bool {
        self.accepted.iter().any(|accepted| matches!(accepted, Accepted::KmsKey(..)))
    }

    /// The error if a new data key is not where the target wants it: the next run would seal its
    /// record again, without end.
    pub(crate) fn not_reached(&self, dek: &EncryptedDek) -> KeyError {
        let kinds: Vec<_> = dek.keys().iter().map(|entry| format!("{:?}", entry.kind())).collect();
        KeyError::new(
            KeyErrorKind::Configuration,
            format!(
                "the new data key is not of the target ({self:?}): its wrapped keys are of the \
                 kind [{}], so no later run could tell that the record is done (seal with the \
                 provider of the target; local and RSA keys show no target)",
                kinds.join(", ")
            ),
        )
    }
}

fn version_of(entry: &WrappedKey) -> Option<BranchVersion> {
    let version = (entry.kind() == KeyKind::BRANCH).then_some(entry.id())?.try_into().ok()?;
    Some(BranchVersion::from_bytes(version))
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, accepted) in self.accepted.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { " or " })?;
            match accepted {
                Accepted::KmsKey(key, _) => write!(f, "the KMS key {}", key.key_id())?,
                Accepted::Version(version) => write!(f, "the branch version {version}")?,
                Accepted::ActiveVersion(_) => f.write_str("the active branch version")?,
            }
        }
        f.write_str(if self.nothing_else { " and nothing else" } else { "" })
    }
}

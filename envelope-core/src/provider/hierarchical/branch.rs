//! Branch keys, their names and versions, and the trait of their stores.

use std::fmt::{self, Debug};
use std::sync::Arc;

use crate::cbor::major;
use crate::context::EncryptionContext;
use crate::dek::{KeyKind, WrappedKey};
use crate::error::{KeyError, KeyErrorKind, RandomError};
use crate::kdf::hkdf_sha256;
use crate::payload::SALT_BYTES;
use crate::provider::{GeneratedKey, KeyFuture};
use crate::random;
use crate::secret::DataKey;
use crate::stack::with_stack_wiped;
use crate::value::{head, text};

const LABEL: &str = "envelope-branch-key";

/// The name of a branch: the property that its records share, such as a table, tenant or data
/// subject.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::BranchName;
///
/// assert_eq!(BranchName::new("t_7")?.as_str(), "t_7");
/// assert!(BranchName::new("").is_err());
/// assert!(BranchName::new("x".repeat(256)).is_err());
/// # Ok::<(), envelope_core::KeyError>(())
/// ```
///
/// # Security
///
/// The key store contains the name of a branch in clear. If KMS wraps the branch key, CloudTrail
/// logs the name in clear too.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BranchName(String);

impl BranchName {
    /// The longest name of a branch.
    pub const MAX_BYTES: usize = 255;

    /// A name of 1 to 255 bytes.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Configuration`] if the name is empty or longer.
    pub fn new(name: impl Into<String>) -> Result<Self, KeyError> {
        let name = name.into();
        if name.is_empty() || name.len() > Self::MAX_BYTES {
            let what = format!(
                "the name of a branch must be 1 to {} bytes long, not {}",
                Self::MAX_BYTES,
                name.len()
            );
            return Err(KeyError::new(KeyErrorKind::Configuration, what));
        }
        Ok(Self(name))
    }

    /// The name. Print it [`Escaped`](crate::Escaped).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Does not show the name, because a branch may be a person.
impl Debug for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BranchName(..)")
    }
}

/// Identifies one version of a branch key: a random UUID, which records contain.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::BranchVersion;
///
/// let version = BranchVersion::generate()?;
/// assert_eq!(BranchVersion::parse(&version.to_string()), Some(version));
/// let version = BranchVersion::from_bytes([0xab; 16]);
/// assert_eq!(version.to_string(), "abababab-abab-abab-abab-abababababab");
/// # Ok::<(), envelope_core::RandomError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BranchVersion([u8; Self::BYTES]);

impl BranchVersion {
    /// Bytes of a UUID.
    pub const BYTES: usize = 16;

    /// A new version: a UUID of version 4 from the operating system's random generator (RFC 9562,
    /// section 5.4).
    ///
    /// # Errors
    ///
    /// If the operating system returns no random bytes.
    pub fn generate() -> Result<Self, RandomError> {
        let mut bytes = [0; Self::BYTES];
        random::fill(&mut bytes)?;
        let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
        *version = *version & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        Ok(Self(bytes))
    }

    /// The version with the bytes of this UUID.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes of the UUID.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Parses a version as [`Display`](fmt::Display) writes it: 36 characters, in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = text.chars().filter_map(|digit| digit.to_digit(16));
        let mut bytes = [0; Self::BYTES];
        for byte in &mut bytes {
            let (high, low) = (digits.next()?, digits.next()?);
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        let version = Self(bytes);
        // Only one spelling is accepted, so that a version is one key in a store.
        (version.to_string() == text).then_some(version)
    }
}

impl fmt::Display for BranchVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            let separator = if matches!(i, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

impl Debug for BranchVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BranchVersion({self})")
    }
}

/// A branch key: 32 secret bytes, from which the data keys of many records are derived. Wiped on
/// drop.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{BranchKey, BranchName, BranchVersion, DataKey};
///
/// let version = BranchVersion::from_bytes([0xab; 16]);
/// let key = BranchKey::new(BranchName::new("t_7")?, version, DataKey::generate()?);
/// assert_eq!(key.version(), version);
/// assert_eq!(format!("{key:?}"), "BranchKey(abababab-abab-abab-abab-abababababab, ..)");
/// # Ok::<(), envelope_core::KeyError>(())
/// ```
///
/// # Security
///
/// Whoever has this key can open every record that was written under this version of the branch.
pub struct BranchKey {
    branch: BranchName,
    version: BranchVersion,
    key: DataKey,
}

impl BranchKey {
    /// The key of one version of a branch.
    #[must_use]
    pub const fn new(branch: BranchName, version: BranchVersion, key: DataKey) -> Self {
        Self { branch, version, key }
    }

    /// The branch.
    #[must_use]
    pub const fn branch(&self) -> &BranchName {
        &self.branch
    }

    /// The version of the key.
    #[must_use]
    pub const fn version(&self) -> BranchVersion {
        self.version
    }

    /// A data key, and the entry that a record stores for it. A salt is used once: it is random, or
    /// comes from a test vector.
    pub(crate) fn generate_with_salt(
        &self,
        context: &EncryptionContext,
        salt: &[u8; SALT_BYTES],
    ) -> Result<GeneratedKey, KeyError> {
        let data_key = self.derive(salt, context)?;
        let wrapped = WrappedKey::new(KeyKind::BRANCH, *self.version.as_bytes(), *salt)
            .map_err(|error| KeyError::new(KeyErrorKind::Other, error.to_string()))?;
        Ok(GeneratedKey { data_key, wrapped: vec![wrapped] })
    }

    /// The data key for a salt and a context (FORMAT 6.3).
    pub(super) fn derive(
        &self,
        salt: &[u8; SALT_BYTES],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let mut info = Vec::with_capacity(128);
        head(&mut info, major::ARRAY, 2);
        text(&mut info, LABEL);
        context.encode(&mut info);
        DataKey::filled_by(|data_key| {
            with_stack_wiped(|| hkdf_sha256(self.key.expose(), salt, &info, data_key));
            Ok(())
        })
    }
}

impl Debug for BranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BranchKey({}, ..)", self.version)
    }
}

/// A store of branch keys. Each branch has versions, one of which is active.
///
/// `envelope-dynamo` has `BranchKeyTable`, a table in DynamoDB whose keys are wrapped by KMS. The
/// name of the branch always comes from the reader's own context, never from a stored record.
///
/// The example of [`HierarchicalKeyProvider`](super::HierarchicalKeyProvider) implements this
/// trait.
pub trait BranchKeyStore: Debug + Send + Sync {
    /// The version under which new records of `branch` are written.
    ///
    /// Return [`KeyErrorKind::KeyNotFound`] if the branch does not exist or was deleted.
    fn active<'a>(&'a self, branch: &'a BranchName) -> KeyFuture<'a, BranchVersion>;

    /// The key of one version, active or not.
    ///
    /// `version` comes from a record and is not authenticated. Return [`KeyErrorKind::KeyNotFound`]
    /// if the branch does not have it, and an error if the store cannot prove that the key
    /// belongs to this branch.
    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey>;
}

macro_rules! delegate {
    ($($pointer:ty),*) => {
        $(
            impl<S: BranchKeyStore + ?Sized> BranchKeyStore for $pointer {
                fn active<'a>(&'a self, branch: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
                    (**self).active(branch)
                }

                fn branch_key<'a>(
                    &'a self,
                    branch: &'a BranchName,
                    version: BranchVersion,
                ) -> KeyFuture<'a, BranchKey> {
                    (**self).branch_key(branch, version)
                }
            }
        )*
    };
}

delegate!(&S, Box<S>, Arc<S>);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::BranchVersion;

    #[test]
    fn a_version_is_a_random_uuid_with_one_spelling() {
        let version = BranchVersion::generate().unwrap();
        let text = version.to_string();
        assert_eq!(text.len(), 36);
        assert_eq!(text.get(14..15), Some("4"), "{text}");
        assert!(["8", "9", "a", "b"].contains(&text.get(19..20).unwrap()), "{text}");
        assert_ne!(BranchVersion::generate().unwrap(), version);
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{text}0"),
            format!("{{{text}}}"),
            format!(" {text}"),
            "active".to_owned(),
            String::new(),
        ] {
            assert_eq!(BranchVersion::parse(&other), None, "{other}");
        }
    }
}

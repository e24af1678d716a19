//! Search keys, and the key of one definition that is derived from them (FORMAT 13.2 to 13.4).

use std::fmt;

use zeroize::Zeroizing;

use crate::error::{KeyError, RandomError};
use crate::kdf::hkdf_sha256;
use crate::mac::{MAC_BYTES, MacKey};
use crate::search::definition::Definition;
use crate::search::message::{SearchMessage, SearchValue};
use crate::search::step::Step;
use crate::search::tag::{GENERATION_BYTES, Generation, Tag};
use crate::secret::DataKey;
use crate::stack::{with_hmac_stack_wiped, with_stack_wiped};

/// Bytes of the key of the HMAC.
const MAC_KEY_BYTES: usize = 32;

/// A search key of 32 bytes: searches are computed with it, and nothing is opened. Wiped when its
/// last share is dropped.
///
/// ```
/// use envelope_core::key::DataKey;
/// use envelope_core::search::SearchKey;
///
/// let key = SearchKey::from_slice(&[7; 32])?;
/// assert_eq!(format!("{key:?}"), "SearchKey(..)");
/// assert!(SearchKey::from_slice(&[7; 16]).is_err());
/// let unwrapped = SearchKey::from(DataKey::generate()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
///
/// Whoever has the key can test guesses of every value that was made searchable under it. The
/// bytes must be uniformly random, never a password.
pub struct SearchKey(DataKey);

impl SearchKey {
    /// Bytes of a search key.
    pub const BYTES: usize = DataKey::BYTES;

    /// A new key from the operating system's random generator.
    ///
    /// # Errors
    ///
    /// If the operating system returns no random bytes.
    pub fn generate() -> Result<Self, RandomError> {
        DataKey::generate().map(Self)
    }

    /// Copies a key from `bytes`. The caller wipes `bytes`.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::InvalidResponse`](crate::KeyErrorKind) if `bytes` is not exactly 32 bytes
    /// long.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != Self::BYTES {
            return Err(KeyError::invalid_response(format!(
                "a search key must be 32 bytes long, not {}",
                bytes.len()
            )));
        }
        DataKey::from_slice(bytes).map(Self)
    }

    /// Another handle to the same key.
    #[must_use]
    pub fn share(&self) -> Self {
        Self(self.0.share())
    }

    /// What computes the tags of a `definition` under this key.
    #[must_use]
    pub fn tagger(&self, definition: &Definition<'_>) -> Tagger {
        let info = definition.to_bytes();
        let mut okm = Zeroizing::new([0; MAC_KEY_BYTES + GENERATION_BYTES]);
        let (key, generation) = with_stack_wiped(|| {
            hkdf_sha256(self.0.expose(), &[], &info, &mut *okm);
            let (key, generation) = okm.split_at(MAC_KEY_BYTES);
            (Box::new(MacKey::new(key)), generation.try_into())
        });
        let Ok(generation) = generation.map(Generation::from_bytes) else {
            unreachable!("GENERATION_BYTES follow the key")
        };
        let steps = definition.fields().iter().map(|(_, steps)| (*steps).into()).collect();
        Tagger { key, generation, steps }
    }
}

/// A data key serves as a search key, so that every provider of data keys can wrap search keys. A
/// data key that sealed a record must not become one.
impl From<DataKey> for SearchKey {
    fn from(key: DataKey) -> Self {
        Self(key)
    }
}

impl fmt::Debug for SearchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SearchKey(..)")
    }
}

/// Computes the tags of one definition under one search key. Its key is wiped on drop.
///
/// ```
/// use envelope_core::search::{Definition, SearchKey, SearchValue, TAG_BYTES};
///
/// let born_in_clinic = Definition::new("patients", "clinic+born", &[("clinic", &[]), ("born", &[])]);
/// let tagger = SearchKey::generate()?.tagger(&born_in_clinic);
/// let values = [SearchValue::Text("c_7"), SearchValue::number("1984")?];
/// assert_eq!(tagger.tag(&values).map(|tag| tag.as_bytes().len()), Some(TAG_BYTES));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Tagger {
    /// On the heap: a value that is moved leaves copies on the stack.
    key: Box<MacKey>,
    generation: Generation,
    steps: Box<[Box<[Step]>]>,
}

impl Tagger {
    /// Names the version of the search key and the definition.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// The tag of `values`, one for each field of the definition and in its order. `None` if a
    /// text or binary value is empty after the steps: an absent value has no tag. Every number has
    /// one, zero too.
    ///
    /// # Panics
    ///
    /// If there are not as many values as the definition has fields.
    #[must_use]
    pub fn tag(&self, values: &[SearchValue<'_>]) -> Option<Tag> {
        self.message(values).map(|message| self.tag_of(&message))
    }

    /// The canonical bytes of `values`, of which a tag is computed: for a tag under each of several
    /// search keys, and to compare values. `None` as for [`tag`](Self::tag).
    ///
    /// # Panics
    ///
    /// As [`tag`](Self::tag).
    #[must_use]
    pub fn message(&self, values: &[SearchValue<'_>]) -> Option<SearchMessage> {
        SearchMessage::new(values, self.steps.iter().map(AsRef::as_ref))
    }

    /// The tag of a message of the same definition.
    #[must_use]
    pub fn tag_of(&self, message: &SearchMessage) -> Tag {
        let mut mac = [0; MAC_BYTES];
        with_hmac_stack_wiped(|| self.key.mac(message.as_bytes(), &mut mac));
        Tag::new(self.generation, &mac)
    }
}

/// Shows the generation alone.
impl fmt::Debug for Tagger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tagger({}, ..)", self.generation)
    }
}

//! A search tag as it is stored (FORMAT 13.4).

use std::fmt;

use crate::error::FormatError;
use crate::mac::MAC_BYTES;

const PART: &str = "a search tag";
const VERSION: u8 = 1;
pub(super) const GENERATION_BYTES: usize = 4;
/// Bytes of a tag: version, generation, and the first 16 bytes of an HMAC.
pub const TAG_BYTES: usize = 1 + GENERATION_BYTES + 16;
/// The name of an attribute that holds a tag starts with this. The name of the tag follows.
pub const TAG_PREFIX: &str = "blind_";

/// Names the version of the search key and the definition that a tag was made with.
///
/// Somebody who is told the current generation can count the tags of earlier ones without a key.
/// Two generations of one table are equal with a probability of 2^-32. Then such a count is wrong,
/// but no search is.
///
/// ```
/// use envelope_core::search::Generation;
///
/// let generation = Generation::from_bytes([0xfb, 0x47, 0x28, 0x8d]);
/// assert_eq!(generation.to_string(), "fb47288d");
/// assert_eq!(Generation::parse("fb47288d"), Some(generation));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation([u8; GENERATION_BYTES]);

impl Generation {
    /// The generation of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; GENERATION_BYTES]) -> Self {
        Self(bytes)
    }

    /// The generation of 8 hexadecimal digits, as it is shown; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 2 * GENERATION_BYTES || !text.bytes().all(is_hex) {
            return None;
        }
        u32::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    /// The bytes, as they are in every tag of this generation.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; GENERATION_BYTES] {
        &self.0
    }
}

/// Shows the bytes as hexadecimal digits. A generation is not a secret.
impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Generation({self})")
    }
}

/// A search tag: 21 bytes, of which all but the version are pseudorandom.
///
/// Tags are not secret: whoever reads storage sees them. So `==` need not take constant time. An
/// attacker who measures it learns at most what the attacker could read in the table.
///
/// ```
/// use envelope_core::search::Tag;
///
/// let mut bytes = [7; 21];
/// assert!(Tag::parse(&bytes).is_err(), "not version 1");
/// bytes[0] = 1;
/// let tag = Tag::parse(&bytes)?;
/// assert_eq!(tag.as_bytes(), &bytes);
/// assert_eq!(format!("{tag:?}"), "Tag(07070707..)", "logs do not say which values are equal");
/// # Ok::<(), envelope_core::FormatError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag([u8; TAG_BYTES]);

impl Tag {
    /// The tag of a `mac`, of which it keeps the first 16 bytes.
    pub(super) fn new(generation: Generation, mac: &[u8; MAC_BYTES]) -> Self {
        let mut bytes = [VERSION; TAG_BYTES];
        let parts = generation.as_bytes().iter().chain(mac);
        bytes.iter_mut().skip(1).zip(parts).for_each(|(byte, part)| *byte = *part);
        Self(bytes)
    }

    /// Parses stored bytes. Not authenticated: every 21 bytes of version 1 are a tag.
    ///
    /// # Errors
    ///
    /// If the bytes are not of version 1, or not exactly 21.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        match bytes.first() {
            None => return Err(FormatError::Truncated(PART)),
            Some(&VERSION) => {}
            Some(&version) => return Err(FormatError::UnknownVersion(PART, version)),
        }
        match <[u8; TAG_BYTES]>::try_from(bytes) {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) if bytes.len() < TAG_BYTES => Err(FormatError::Truncated(PART)),
            Err(_) => Err(FormatError::TrailingBytes(PART)),
        }
    }

    /// The bytes as they are stored, of type B.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; TAG_BYTES] {
        &self.0
    }

    /// Names the version of the search key and the definition that the tag was made with.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        let [_, a, b, c, d, ..] = self.0;
        Generation([a, b, c, d])
    }
}

/// Shows the generation alone: the whole tags in a log would say which records have equal values.
impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({}..)", self.generation())
    }
}

//! `encrypted_payload`: one AES-256-GCM message that commits to its key (FORMAT 4).
//!
//! [`seal`](crate::seal) and [`open`](crate::open) also get and store the data key. Use this module
//! if you have the data key already, or if the plaintext is to be written where it is sealed.
//!
//! ```
//! use envelope_core::context::{Content, Context};
//! use envelope_core::key::DataKey;
//! use envelope_core::payload::{OVERHEAD_BYTES, PayloadBuilder, UntrustedPayload};
//!
//! let (context, key) = (Context::new("letters"), DataKey::generate()?);
//! let mut payload = PayloadBuilder::new(4, context.authenticated_names());
//! payload.extend_from_slice(b"dear");
//! let sealed = payload.seal(Content::Bytes, &context, &key)?;
//! assert_eq!(sealed.len(), 4 + OVERHEAD_BYTES);
//!
//! let opened = UntrustedPayload::parse(sealed)?.open(Content::Bytes, &context, &key)?;
//! assert_eq!(opened.expose(), b"dear");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use ctutils::CtEq;
use zeroize::Zeroizing;

use crate::aead::{KEY_BYTES, MAX_MESSAGE_BYTES, MessageKey, TAG_BYTES};
use crate::cbor::{ReadError, Reader, head_bytes, major, write_head};
use crate::context::{Content, Context};
use crate::error::{FormatError, OpenError, SealError};
use crate::kdf::hkdf_sha256;
use crate::random;
use crate::secret::{DataKey, Plaintext, SecretBuffer};
use crate::stack::with_stack_wiped;
use crate::value::cbor_order;

const PART: &str = "encrypted_payload";
const VERSION: u8 = 1;
/// AES-256-GCM under a key that HKDF-SHA256 derives per message, with a commitment to the data key.
const SUITE: u8 = 1;
/// The `info` of the derivation (FORMAT 4.3).
const INFO: &[u8] = b"envelope payload 1 1";

/// Bytes of the random salt of a payload.
///
/// 192 bits: after 2^80 payloads under one data key, two of them have the same salt with a
/// probability below 2^-32, which is the limit of NIST SP 800-38D (section 8) for repeated nonces.
/// So payloads need not be counted.
pub const SALT_BYTES: usize = 24;
/// Bytes of the commitment to the data key: 256 bits have 128 bits of collision resistance.
pub const COMMITMENT_BYTES: usize = 32;
/// Bytes that sealing adds to the plaintext, before the names of authenticated attributes.
pub const OVERHEAD_BYTES: usize = FIXED_BYTES + 1 + TAG_BYTES;

/// Version, suite, salt and commitment.
const FIXED_BYTES: usize = 2 + SALT_BYTES + COMMITMENT_BYTES;

/// The message key and the commitment of one payload; wiped on drop.
struct Derived(Zeroizing<[u8; KEY_BYTES + COMMITMENT_BYTES]>);

impl Derived {
    /// FORMAT 4.3.
    fn new(data_key: &DataKey, salt: &[u8; SALT_BYTES]) -> Self {
        let mut derived = Self(Zeroizing::new([0; KEY_BYTES + COMMITMENT_BYTES]));
        hkdf_sha256(data_key.expose(), salt, INFO, &mut *derived.0);
        derived
    }

    fn message_key(&self) -> MessageKey<'_> {
        MessageKey(self.0.first_chunk().unwrap_or_else(|| unreachable!("KEY_BYTES are there")))
    }

    fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        self.0.last_chunk().unwrap_or_else(|| unreachable!("COMMITMENT_BYTES are there"))
    }
}

/// A plaintext that is written in the buffer where it will be sealed. Wiped on drop.
///
/// ```
/// use envelope_core::payload::{OVERHEAD_BYTES, PayloadBuilder, UntrustedPayload};
/// use envelope_core::{Content, Context, DataKey, Value};
///
/// let sent = Some(Value::string("2026-11-22"));
/// let context = Context::new("letters").authenticated("sent", sent)?;
/// let mut payload = PayloadBuilder::new(12, context.authenticated_names());
/// for part in ["dear", " ", "grandma"] {
///     payload.extend_from_slice(part.as_bytes());
/// }
/// let sealed = payload.seal(Content::Bytes, &context, &DataKey::generate()?)?;
///
/// // The header lists the names of authenticated attributes, not their values.
/// assert_eq!(sealed.len(), OVERHEAD_BYTES + (1 + "sent".len()) + 12);
/// assert_eq!(UntrustedPayload::names_in(&sealed)?, ["sent"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PayloadBuilder {
    pub(crate) buffer: SecretBuffer,
    pub(crate) start: usize,
}

impl PayloadBuilder {
    /// An empty plaintext, with room for `plaintext_bytes` and for a header with these names of
    /// authenticated attributes.
    ///
    /// The room is an estimate: the buffer grows, and the context of [`seal`](Self::seal) decides
    /// the names.
    #[must_use]
    pub fn new<'n>(
        plaintext_bytes: usize,
        authenticated_names: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let names = names_bytes(authenticated_names.into_iter());
        let start = FIXED_BYTES + names;
        let mut buffer = SecretBuffer::with_capacity(start + plaintext_bytes + TAG_BYTES);
        buffer.extend_from_slice(&[0; FIXED_BYTES]);
        (0..names).for_each(|_| buffer.push(0));
        Self { buffer, start }
    }

    /// Appends to the plaintext.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Seals the plaintext under `data_key`, bound to `context`, and returns the
    /// `encrypted_payload`.
    ///
    /// # Errors
    ///
    /// If the operating system returns no random bytes, or if the plaintext is longer than 64 GiB
    /// less 32 bytes.
    pub fn seal(
        self,
        content: Content,
        context: &Context<'_>,
        data_key: &DataKey,
    ) -> Result<Vec<u8>, SealError> {
        let mut salt = [0; SALT_BYTES];
        random::fill(&mut salt)?;
        self.seal_with_salt(content, context, data_key, &salt)
    }

    /// FORMAT 4.4. A salt is used once: it is random, or comes from a test vector.
    pub(crate) fn seal_with_salt(
        mut self,
        content: Content,
        context: &Context<'_>,
        data_key: &DataKey,
        salt: &[u8; SALT_BYTES],
    ) -> Result<Vec<u8>, SealError> {
        with_stack_wiped(|| self.seal_in_place(content, context, data_key, salt))?;
        Ok(self.buffer.into_public())
    }

    fn seal_in_place(
        &mut self,
        content: Content,
        context: &Context<'_>,
        data_key: &DataKey,
        salt: &[u8; SALT_BYTES],
    ) -> Result<(), SealError> {
        let derived = Derived::new(data_key, salt);
        self.write_header(context, salt, derived.commitment());
        let associated_data = context.associated_data(content, VERSION, SUITE);
        let message = self.buffer.as_mut_slice().get_mut(self.start..).unwrap_or_default();
        if message.len() as u64 > MAX_MESSAGE_BYTES {
            return Err(SealError::TooLong);
        }
        let tag = derived
            .message_key()
            .seal(&associated_data, message)
            .map_err(|_| SealError::TooLong)?;
        data_key.count_sealed(message.len());
        self.buffer.extend_from_slice(&tag);
        Ok(())
    }

    /// Writes the header before the plaintext. Moves the plaintext only if `new` got other names.
    fn write_header(
        &mut self,
        context: &Context<'_>,
        salt: &[u8; SALT_BYTES],
        commitment: &[u8; COMMITMENT_BYTES],
    ) {
        let header_bytes = FIXED_BYTES + names_bytes(context.authenticated_names());
        if header_bytes > self.start {
            self.buffer.insert(0, &vec![0; header_bytes - self.start]);
        } else if header_bytes < self.start {
            let kept = self.buffer.len() - (self.start - header_bytes);
            self.buffer.as_mut_slice().rotate_left(self.start - header_bytes);
            self.buffer.truncate(kept);
        }
        self.start = header_bytes;
        let mut room = self.buffer.as_mut_slice();
        let mut write = |bytes: &[u8]| {
            if let Some((part, rest)) = std::mem::take(&mut room).split_at_mut_checked(bytes.len())
            {
                part.copy_from_slice(bytes);
                room = rest;
            }
        };
        write(&[VERSION, SUITE]);
        write(salt);
        write(commitment);
        write_head(major::ARRAY, context.authenticated_names().count() as u64, &mut write);
        for name in context.authenticated_names() {
            write_head(major::TEXT, name.len() as u64, &mut write);
            write(name.as_bytes());
        }
    }
}

/// Bytes of the encoded list of `names`.
fn names_bytes<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    let (count, texts) = names.fold((0, 0), |(count, texts), name| {
        (count + 1, texts + head_bytes(name.len() as u64) + name.len())
    });
    head_bytes(count) + texts
}

/// A parsed `encrypted_payload` that is not authenticated yet.
///
/// Its names of authenticated attributes are a claim. Opening it with a context of those names
/// proves the claim.
///
/// ```
/// use envelope_core::payload::{PayloadBuilder, UntrustedPayload};
/// use envelope_core::{Content, Context, DataKey, OpenError, Value};
///
/// let key = DataKey::generate()?;
/// let of_plan = |plan| Context::new("users").authenticated("plan", Some(Value::string(plan)));
/// let sealed = PayloadBuilder::new(0, ["plan"]).seal(Content::Bytes, &of_plan("free")?, &key)?;
///
/// let payload = UntrustedPayload::parse(sealed.clone())?;
/// assert_eq!(payload.authenticated_names(), ["plan"]);
/// payload.open(Content::Bytes, &of_plan("free")?, &key)?;
///
/// // Somebody changed the attribute, or removed it.
/// let changed = UntrustedPayload::parse(sealed.clone())?;
/// let changed = changed.open(Content::Bytes, &of_plan("pro")?, &key);
/// assert!(matches!(changed, Err(OpenError::Authentication)));
/// let without = UntrustedPayload::parse(sealed)?;
/// let without = without.open(Content::Bytes, &Context::new("users"), &key);
/// assert!(matches!(without, Err(OpenError::AuthenticatedNames { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UntrustedPayload {
    bytes: Vec<u8>,
    header: UntrustedHeader,
}

impl UntrustedPayload {
    /// Parses stored bytes (FORMAT 4.2).
    ///
    /// # Errors
    ///
    /// If the bytes are not an `encrypted_payload` of a known version and suite.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, FormatError> {
        let header = UntrustedHeader::parse(&bytes)?;
        Ok(Self { bytes, header })
    }

    /// Reads the header of stored bytes alone: the names of the attributes that were authenticated
    /// at sealing. Not authenticated yet.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn names_in(bytes: &[u8]) -> Result<Vec<String>, FormatError> {
        UntrustedHeader::parse(bytes).map(|header| header.names)
    }

    /// The names of the attributes that were authenticated at sealing. Not authenticated yet.
    #[must_use]
    pub fn authenticated_names(&self) -> &[String] {
        self.header.authenticated_names()
    }

    /// Whether the payload commits to `data_key`. If the payload is authentic, that key sealed it.
    pub(crate) fn commits_to(&self, data_key: &DataKey) -> bool {
        with_stack_wiped(|| committed(&self.bytes, data_key).is_some())
    }

    /// Opens the payload under `data_key` for `context` (FORMAT 7, steps 7 and 8).
    ///
    /// # Errors
    ///
    /// [`OpenError::AuthenticatedNames`] if `context` names other attributes than the payload, and
    /// [`OpenError::Authentication`] for everything else, without detail.
    pub fn open(
        self,
        content: Content,
        context: &Context<'_>,
        data_key: &DataKey,
    ) -> Result<Plaintext, OpenError> {
        self.header.bind(content, context)?.open(self.bytes, data_key)
    }
}

impl std::fmt::Debug for UntrustedPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "UntrustedPayload({} bytes, authenticated {:?})",
            self.bytes.len(),
            self.header.names
        )
    }
}

/// The parsed header of an `encrypted_payload`, for a caller that leaves the payload where it is
/// until it has the data key. Not authenticated yet, as in [`UntrustedPayload`].
///
/// ```
/// use envelope_core::context::{Content, Context};
/// use envelope_core::key::DataKey;
/// use envelope_core::payload::{BoundHeader, PayloadBuilder, UntrustedHeader};
///
/// let (context, key) = (Context::new("letters"), DataKey::generate()?);
/// let mut payload = PayloadBuilder::new(4, context.authenticated_names());
/// payload.extend_from_slice(b"dear");
/// let stored = payload.seal(Content::Bytes, &context, &key)?;
///
/// let header = UntrustedHeader::parse(&stored)?;
/// assert!(header.authenticated_names().is_empty());
/// let bound: BoundHeader = header.bind(Content::Bytes, &context)?; // `context` may go
/// assert_eq!(bound.open(stored, &key)?.expose(), b"dear");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UntrustedHeader {
    names: Vec<String>,
    /// Where the ciphertext starts.
    start: usize,
}

impl UntrustedHeader {
    /// Parses the header of stored bytes (FORMAT 4.2).
    ///
    /// # Errors
    ///
    /// As [`UntrustedPayload::parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let (names, start) = parse_header(bytes)?;
        Ok(Self { names, start })
    }

    /// The names of the attributes that were authenticated at sealing. Not authenticated yet.
    #[must_use]
    pub fn authenticated_names(&self) -> &[String] {
        &self.names
    }

    /// The names themselves.
    #[must_use]
    pub fn into_authenticated_names(self) -> Vec<String> {
        self.names
    }

    /// Binds the payload to `context`, which need not be kept until the payload is opened.
    ///
    /// # Errors
    ///
    /// [`OpenError::AuthenticatedNames`] if `context` names other attributes than the payload.
    pub fn bind(&self, content: Content, context: &Context<'_>) -> Result<BoundHeader, OpenError> {
        if !context.authenticated_names().eq(self.names.iter().map(String::as_str)) {
            return Err(OpenError::AuthenticatedNames {
                written: self.names.clone(),
                given: context.authenticated_names().map(str::to_owned).collect(),
            });
        }
        let associated_data = context.associated_data(content, VERSION, SUITE);
        Ok(BoundHeader { start: self.start, associated_data })
    }
}

/// A header and the context that its payload is opened for.
///
/// [`UntrustedHeader::bind`] returns it. The example of [`UntrustedHeader`] opens a payload with
/// it.
pub struct BoundHeader {
    start: usize,
    associated_data: Vec<u8>,
}

impl BoundHeader {
    /// Opens the payload that has this header (FORMAT 7, steps 7 and 8). A payload with another
    /// header does not open: the context has the names of this one.
    ///
    /// # Errors
    ///
    /// [`OpenError::Authentication`], without detail.
    pub fn open(self, payload: Vec<u8>, data_key: &DataKey) -> Result<Plaintext, OpenError> {
        let mut buffer = SecretBuffer::from(payload);
        let opened = with_stack_wiped(|| {
            open_in_place(&mut buffer, self.start, &self.associated_data, data_key)
        });
        opened.ok_or(OpenError::Authentication)?;
        Ok(Plaintext::after(buffer, self.start))
    }
}

/// Shows no value: the associated data has keys and authenticated attributes.
impl std::fmt::Debug for BoundHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoundHeader").field("start", &self.start).finish_non_exhaustive()
    }
}

/// Checks the commitment before decrypting. This stops ciphertexts that were built to open under
/// two keys.
fn open_in_place(
    buffer: &mut SecretBuffer,
    start: usize,
    associated_data: &[u8],
    data_key: &DataKey,
) -> Option<()> {
    let (header, message) = buffer.as_mut_slice().split_at_mut_checked(start)?;
    let derived = committed(header, data_key)?;
    let (ciphertext, tag) = message.split_last_chunk_mut()?;
    derived.message_key().open(associated_data, ciphertext, tag).ok()?;
    let plaintext_end = buffer.len() - TAG_BYTES;
    buffer.truncate(plaintext_end);
    Some(())
}

/// The keys that are derived from `data_key`, if the header commits to it (FORMAT 7, step 7).
fn committed(header: &[u8], data_key: &DataKey) -> Option<Derived> {
    let mut header = Reader::new(header);
    header.take(2).ok()?;
    let salt = header.take_array().ok()?;
    let commitment: [u8; COMMITMENT_BYTES] = header.take_array().ok()?;
    let derived = Derived::new(data_key, &salt);
    derived.commitment().ct_eq(&commitment).to_bool().then_some(derived)
}

/// The names of authenticated attributes, and where the ciphertext starts.
fn parse_header(bytes: &[u8]) -> Result<(Vec<String>, usize), FormatError> {
    let mut reader = Reader::new(bytes);
    let truncated = |_| FormatError::Truncated(PART);
    let [version] = reader.take_array().map_err(truncated)?;
    if version != VERSION {
        return Err(FormatError::UnknownVersion(PART, version));
    }
    let [suite] = reader.take_array().map_err(truncated)?;
    if suite != SUITE {
        return Err(FormatError::UnknownSuite(suite));
    }
    reader.take(SALT_BYTES + COMMITMENT_BYTES).map_err(truncated)?;
    let names = parse_names(&mut reader)?;
    if reader.remaining() < TAG_BYTES {
        return Err(FormatError::Truncated(PART));
    }
    Ok((names, bytes.len() - reader.remaining()))
}

/// Every name once, in deterministic order. So each set of names has one encoding.
fn parse_names(reader: &mut Reader<'_>) -> Result<Vec<String>, FormatError> {
    const MALFORMED: FormatError = FormatError::Malformed("the list of authenticated names");
    let unreadable = |error| match error {
        ReadError::Truncated => FormatError::Truncated(PART),
        ReadError::Malformed => MALFORMED,
    };
    let count = reader.expect(major::ARRAY).map_err(unreadable)?;
    let mut names: Vec<String> = Vec::new();
    for _ in 0..count {
        let length = reader.expect(major::TEXT).map_err(unreadable)?;
        let name = reader.text(length).map_err(unreadable)?;
        if names.last().is_some_and(|last| cbor_order(last, name).is_ge()) {
            return Err(MALFORMED);
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

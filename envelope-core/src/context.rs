//! The context that sealed data is bound to (FORMAT 5).
//!
//! A [`Context`] yields two things: the pairs that the key provider binds the data key to
//! ([`EncryptionContext`]), and the associated data of AES-GCM. The [`ContextForm`] decides whether
//! the primary key is part of the pairs, which AWS CloudTrail logs in clear. The associated data
//! always contains the whole context.
//!
//! ```
//! use envelope_core::context::{Context, ContextForm, Value};
//!
//! let context = Context::new("users").partition_key("email", Value::string("zoe@example.com"));
//! let logged = |context: &Context| {
//!     context.encryption_context().get("partition_key").map(str::to_owned)
//! };
//! assert_eq!(logged(&context).as_deref(), Some("zoe@example.com"));
//! assert_eq!(logged(&context.clone().form(ContextForm::Hashed)).unwrap().len(), 44);
//! assert_eq!(logged(&context.form(ContextForm::Table)), None);
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::cbor::{NULL, UNDEFINED, major};
use crate::error::ContextError;
use crate::value::{cbor_order, head, text};

pub use crate::context_form::ContextForm;
pub use crate::number::{Number, NumberError};
pub use crate::value::Value;

/// The name of the pair for the logical table name.
pub const TABLE_PAIR: &str = "table";
/// The name of the pair for the partition key, in clear or hashed.
pub const PARTITION_KEY_PAIR: &str = "partition_key";
/// The name of the pair for the sort key, in clear or hashed.
pub const SORT_KEY_PAIR: &str = "sort_key";
/// The name of the pair for the group of fields that a data key is for (FORMAT 4.6).
pub const GROUP_PAIR: &str = "group";
/// The name of the pair for the purpose of a KMS ciphertext that is not a data key (FORMAT 5.2-1).
/// No context of a record has this pair.
pub const DOMAIN_PAIR: &str = "envelope";

/// The identity of a record: its table, its primary key, its authenticated attributes and further
/// pairs.
///
/// Data sealed for one context opens for no other. For anything that is not a DynamoDB item,
/// `table` names the queue, bucket or purpose, and the pairs name the object.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::message::{Context, ContextForm, Value};
///
/// let context = Context::new("users")
///     .partition_key("user_id", Value::string("u_12345"))
///     .authenticated("plan", Some(Value::string("pro")))?
///     .pair("tenant", "t1")?;
/// let encryption_context = context.encryption_context();
/// let pairs: Vec<_> = encryption_context.pairs().collect();
/// assert_eq!(pairs, [("partition_key", "u_12345"), ("table", "users"), ("tenant", "t1")]);
/// # Ok::<(), envelope_core::ContextError>(())
/// ```
#[derive(Clone)]
pub struct Context<'a> {
    table: Cow<'a, str>,
    form: ContextForm,
    partition_key: Option<Key<'a>>,
    sort_key: Option<Key<'a>>,
    /// In deterministic CBOR order.
    authenticated: Vec<(Cow<'a, str>, Option<Value<'a>>)>,
    pairs: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl<'a> Context<'a> {
    /// A context that names only the logical `table`.
    pub fn new(table: impl Into<Cow<'a, str>>) -> Self {
        Self {
            table: table.into(),
            form: ContextForm::default(),
            partition_key: None,
            sort_key: None,
            authenticated: Vec::new(),
            pairs: BTreeMap::new(),
        }
    }

    /// Chooses how the primary key appears in the KMS encryption context.
    #[must_use]
    pub const fn form(mut self, form: ContextForm) -> Self {
        self.form = form;
        self
    }

    /// Binds the partition key: the name, type and value of its attribute.
    #[must_use]
    pub fn partition_key(mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) -> Self {
        self.partition_key = Some((name.into(), value));
        self
    }

    /// Binds the sort key: the name, type and value of its attribute.
    #[must_use]
    pub fn sort_key(mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) -> Self {
        self.sort_key = Some((name.into(), value));
        self
    }

    /// Binds an attribute that is stored readable. `None` binds its absence, so that adding the
    /// attribute is noticed.
    ///
    /// # Errors
    ///
    /// If the attribute is bound already.
    pub fn authenticated(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: Option<Value<'a>>,
    ) -> Result<Self, ContextError> {
        let name = name.into();
        match self.authenticated.binary_search_by(|(other, _)| cbor_order(other, &name)) {
            Ok(_) => Err(ContextError::DuplicateAttribute(name.into_owned())),
            Err(position) => {
                self.authenticated.insert(position, (name, value));
                Ok(self)
            }
        }
    }

    /// Adds a pair to the KMS encryption context, so that key policies can name it, and to the
    /// associated data.
    ///
    /// # Errors
    ///
    /// If the value is empty. If the name is empty, starts with `aws:` (reserved by KMS), is
    /// `table`, `partition_key`, `sort_key` or `envelope`, or is used already. Names are
    /// compared without regard to ASCII case, as KMS grant constraints do.
    ///
    /// # Security
    ///
    /// CloudTrail logs pairs in clear, whatever the form.
    pub fn pair(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<Cow<'a, str>>,
    ) -> Result<Self, ContextError> {
        let (name, value) = (name.into(), value.into());
        if is_reserved(&name) {
            return Err(ContextError::ReservedName(name.into_owned()));
        }
        if value.is_empty() || self.pairs.keys().any(|other| other.eq_ignore_ascii_case(&name)) {
            return Err(ContextError::Pair(name.into_owned()));
        }
        self.pairs.insert(name, value);
        Ok(self)
    }

    /// The names of the authenticated attributes, in the order of the list in the payload.
    pub fn authenticated_names(&self) -> impl Iterator<Item = &str> {
        self.authenticated.iter().map(|(name, _)| name.as_ref())
    }

    pub(crate) const fn context_form(&self) -> ContextForm {
        self.form
    }

    /// The pairs that the key provider binds the data key to (FORMAT 5.2).
    #[must_use]
    pub fn encryption_context(&self) -> EncryptionContext {
        let mut pairs = Vec::with_capacity(self.pairs.len() + 3);
        pairs.push((Cow::Borrowed(TABLE_PAIR), self.table.to_string()));
        for (pair, key) in
            [(PARTITION_KEY_PAIR, &self.partition_key), (SORT_KEY_PAIR, &self.sort_key)]
        {
            let Some((name, value)) = key else { continue };
            match self.form {
                ContextForm::Raw => pairs.push((Cow::Borrowed(pair), readable(value))),
                ContextForm::Hashed => pairs.push((Cow::Borrowed(pair), self.hashed(name, value))),
                ContextForm::Table => {}
            }
        }
        pairs.extend(
            self.pairs
                .iter()
                .map(|(name, value)| (Cow::Owned(name.to_string()), value.to_string())),
        );
        pairs.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        EncryptionContext { form: self.form, pairs }
    }

    /// SHA-256 over table, attribute name and value. The same key has another digest in another
    /// table.
    fn hashed(&self, name: &str, value: &Value<'_>) -> String {
        let mut input = Vec::with_capacity(128);
        head(&mut input, major::ARRAY, 4);
        text(&mut input, "envelope-key-digest");
        text(&mut input, &self.table);
        text(&mut input, name);
        value.encode(&mut input);
        base64_simd::STANDARD.encode_to_string(Sha256::digest(&input))
    }

    /// The associated data of a payload (FORMAT 5.3). It is deterministic CBOR, so different
    /// contexts have different associated data.
    pub(crate) fn associated_data(&self, content: Content, version: u8, suite: u8) -> Vec<u8> {
        self.encode(content.label(), version, suite)
    }

    /// The associated data of every chunk of a stream (FORMAT 12.4).
    pub(crate) fn stream_associated_data(&self, version: u8, suite: u8) -> Vec<u8> {
        self.encode("envelope-stream", version, suite)
    }

    fn encode(&self, label: &str, version: u8, suite: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        head(&mut out, major::ARRAY, 7);
        text(&mut out, label);
        head(&mut out, major::UNSIGNED, version.into());
        head(&mut out, major::UNSIGNED, suite.into());
        text(&mut out, &self.table);
        encode_keys(&mut out, self.partition_key.as_ref(), self.sort_key.as_ref());
        head(&mut out, major::MAP, self.authenticated.len() as u64);
        for (name, value) in &self.authenticated {
            text(&mut out, name);
            match value {
                Some(value) => value.encode(&mut out),
                None => out.push(UNDEFINED),
            }
        }
        encode_pairs(
            &mut out,
            self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())),
        );
        out
    }
}

/// Shows only names: the values of keys and pairs may identify people.
impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("table", &self.table)
            .field("form", &self.form)
            .field(
                "keys",
                &self
                    .partition_key
                    .iter()
                    .chain(&self.sort_key)
                    .map(|(name, _)| name)
                    .collect::<Vec<_>>(),
            )
            .field("authenticated", &self.authenticated_names().collect::<Vec<_>>())
            .field("pairs", &self.pairs.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// The kind of content of a payload. It is part of the associated data, so that bytes cannot pass
/// for a record.
///
/// ```
/// use envelope_core::{Content, Context, DataKey, OpenError, PayloadBuilder, UntrustedPayload};
///
/// let (context, key) = (Context::new("letters"), DataKey::generate()?);
/// let mut payload = PayloadBuilder::new(1, []);
/// payload.extend_from_slice(b"\xa0"); // also the encoding of a record without fields
/// let sealed = payload.seal(Content::Bytes, &context, &key)?;
///
/// let opened = UntrustedPayload::parse(sealed)?.open(Content::Record, &context, &key);
/// assert!(matches!(opened, Err(OpenError::Authentication)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The encrypted fields of a record: a CBOR map.
    Record,
    /// The encrypted fields of a record that belong to a group: a CBOR map.
    Group,
    /// Bytes that only the caller interprets.
    Bytes,
}

impl Content {
    const fn label(self) -> &'static str {
        match self {
            Self::Record => "envelope-record",
            Self::Group => "envelope-group",
            Self::Bytes => "envelope-bytes",
        }
    }
}

/// The text of a key in CloudTrail: strings and numbers unchanged, bytes in base64.
fn readable(value: &Value<'_>) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Number(number) => number.as_str().to_owned(),
        Value::Bytes(bytes) => base64_simd::STANDARD.encode_to_string(bytes),
        // No other type can be a DynamoDB key. The canonical encoding is unambiguous.
        other => {
            let mut encoded = Vec::new();
            other.encode(&mut encoded);
            base64_simd::STANDARD.encode_to_string(encoded)
        }
    }
}

type Key<'a> = (Cow<'a, str>, Value<'a>);

/// Partition key, then sort key. A sort key without a partition key, which no DynamoDB table has,
/// follows a `null`.
fn encode_keys(out: &mut Vec<u8>, partition_key: Option<&Key<'_>>, sort_key: Option<&Key<'_>>) {
    let keys = [partition_key, sort_key];
    let count = keys.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    head(out, major::ARRAY, count as u64);
    for key in keys.into_iter().take(count) {
        match key {
            None => out.push(NULL),
            Some((name, value)) => {
                head(out, major::ARRAY, 2);
                text(out, name);
                value.encode(out);
            }
        }
    }
}

/// The pairs that the format itself sets.
const RESERVED_PAIRS: [&str; 4] = [TABLE_PAIR, PARTITION_KEY_PAIR, SORT_KEY_PAIR, DOMAIN_PAIR];

fn is_reserved(name: &str) -> bool {
    let prefix = name.get(..4).unwrap_or_default();
    name.is_empty()
        || prefix.eq_ignore_ascii_case("aws:")
        || RESERVED_PAIRS.iter().any(|taken| name.eq_ignore_ascii_case(taken))
}

/// Searches for the next pair each time, which allocates nothing: there are few pairs, and their
/// names are distinct.
fn encode_pairs<'p>(out: &mut Vec<u8>, pairs: impl Iterator<Item = (&'p str, &'p str)> + Clone) {
    head(out, major::MAP, pairs.clone().count() as u64);
    let mut last = None;
    let follows = |last: Option<&str>, name| last.is_none_or(|last| cbor_order(last, name).is_lt());
    while let Some((name, value)) = pairs
        .clone()
        .filter(|(name, _)| follows(last, name))
        .min_by(|(a, _), (b, _)| cbor_order(a, b))
    {
        text(out, name);
        text(out, value);
        last = Some(name);
    }
}

/// The pairs that a data key is bound to. CloudTrail logs them.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::message::{Context, ContextForm};
///
/// let pairs = Context::new("users").pair("tenant", "t_1")?.encryption_context();
/// assert_eq!((pairs.get("tenant"), pairs.form()), (Some("t_1"), ContextForm::Raw));
/// # Ok::<(), envelope_core::ContextError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EncryptionContext {
    form: ContextForm,
    /// In order of their names, which are distinct.
    pairs: Vec<(Cow<'static, str>, String)>,
}

impl EncryptionContext {
    /// The pairs, in order of their names.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// The value of the pair `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// How the primary key appears in the pairs.
    #[must_use]
    pub const fn form(&self) -> ContextForm {
        self.form
    }

    /// The pairs as a deterministic CBOR map, which a local key binds to (FORMAT 6.1).
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        encode_pairs(out, self.pairs());
    }
}

/// Shows only the names of the pairs: a value may identify a person.
impl fmt::Debug for EncryptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionContext")
            .field("form", &self.form)
            .field("names", &self.pairs().map(|(name, _)| name).collect::<Vec<_>>())
            .finish()
    }
}

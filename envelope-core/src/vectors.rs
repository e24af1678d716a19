//! The vectors in `vectors/v1`: this crate opens, refuses and writes them byte by byte, like every
//! other implementation of the format.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::aead::TAG_BYTES;
use crate::aead::tests::BACKENDS;
use crate::kdf::hkdf_sha256;
use crate::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, Content, Context,
    ContextForm, DataKey, EncryptedDek, EncryptionContext, FormatError, HierarchicalKeyProvider,
    KeyError, KeyErrorKind, KeyFuture, LocalKeyProvider, Number, OpenError, PayloadBuilder,
    Plaintext, RootKey, UntrustedPayload, UnwrapKey, Value, WrappedKey, open_payload, read_fields,
};

#[cfg(feature = "rsa")]
mod rsa;
mod search;
mod streams;

/// The values of `expect`. An unknown value fails the test.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Expect {
    Opens,
    FormatTruncated,
    FormatTrailing,
    FormatUnknownVersion,
    FormatUnknownSuite,
    FormatMalformed,
    ContextForm,
    KeyWrong,
    KeyMismatch,
    Authentication,
    MalformedRecord,
    Number,
    Pair,
}

#[derive(Deserialize)]
struct Vector {
    expect: Expect,
    content: String,
    #[serde(flatten)]
    reader: Reader,
    encrypted_payload: Hex,
    encrypted_dek: Hex,
    #[serde(flatten)]
    rest: Json,
}

/// The context and the keys of the reader.
#[derive(Deserialize)]
struct Reader {
    #[serde(flatten)]
    own: Keys,
    table: String,
    context_form: String,
    keys: Vec<Key>,
    attributes: BTreeMap<String, Json>,
    pairs: BTreeMap<String, String>,
    /// Further pairs as a list, because a JSON object cannot have a name twice.
    #[serde(default)]
    more_pairs: Vec<(String, String)>,
}

/// The keys of the reader.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Keys {
    RootKey(Hex),
    /// A private key, PKCS #8 in DER.
    #[cfg(feature = "rsa")]
    RsaKey(Hex),
    /// The keys of the reader's own branch, the active one first.
    #[serde(rename = "branch_keys")]
    Branch(Vec<VersionKey>),
}

#[derive(Clone, Debug, Deserialize)]
struct VersionKey {
    version: Hex,
    key: Hex,
}

/// The further fields of a vector that opens: the choices of the writer, and the intermediate
/// values.
#[derive(Deserialize)]
struct Steps {
    data_key: Hex,
    salt: Hex,
    wrap_salt: Hex,
    encryption_context: BTreeMap<String, String>,
    wrapped_keys: Vec<Wrapped>,
    message_key: Hex,
    commitment: Hex,
    authenticated_names: Vec<String>,
    associated_data: Hex,
    plaintext: Hex,
    field_names: Option<Vec<String>>,
    fields: Option<BTreeMap<String, Json>>,
}

#[derive(Deserialize)]
struct Key {
    name: String,
    value: Json,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Wrapped {
    kind: u8,
    id: Hex,
    wrapped_key: Hex,
}

impl Wrapped {
    fn of(key: &WrappedKey) -> Self {
        let [id, wrapped_key] = [key.id(), key.bytes()].map(|bytes| Hex(bytes.to_vec()));
        Self { kind: key.kind().to_byte(), id, wrapped_key }
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
struct Hex(Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let byte = |at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        (0..text.len())
            .step_by(2)
            .map(byte)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(format!("not hexadecimal: {text}"))
    }
}

impl Hex {
    fn array<const N: usize>(&self) -> [u8; N] {
        self.0.as_slice().try_into().unwrap()
    }
}

impl Reader {
    /// The context of the reader, with the authenticated `names` that the payload lists.
    fn context<'v>(&'v self, names: &'v [String]) -> Result<Context<'v>, Expect> {
        let form = match self.context_form.as_str() {
            "raw" => ContextForm::Raw,
            "hashed" => ContextForm::Hashed,
            "table" => ContextForm::Table,
            other => panic!("no context form: {other}"),
        };
        let mut context = Context::new(&self.table).form(form);
        for (i, key) in self.keys.iter().enumerate() {
            context = match i {
                0 => context.partition_key(&key.name, value(&key.value)?),
                1 => context.sort_key(&key.name, value(&key.value)?),
                _ => panic!("a primary key has two parts at most"),
            };
        }
        for name in names {
            let value =
                self.attributes.get(name).filter(|json| !json.is_null()).map(value).transpose()?;
            context = context.authenticated(name, value).unwrap();
        }
        for (name, value) in
            self.pairs.iter().chain(self.more_pairs.iter().map(|(name, value)| (name, value)))
        {
            context = context.pair(name, value).map_err(|_| Expect::Pair)?;
        }
        Ok(context)
    }

    fn provider(&self) -> Box<dyn UnwrapKey> {
        match &self.own {
            Keys::RootKey(key) => Box::new(local(key)),
            #[cfg(feature = "rsa")]
            Keys::RsaKey(key) => Box::new(rsa::key(key)),
            Keys::Branch(keys) => {
                let limits = CacheLimits::new(Duration::from_secs(60));
                Box::new(HierarchicalKeyProvider::per_table(Branch(keys.clone()), limits))
            }
        }
    }

    /// The data key, and the entry of `encrypted_dek` that a writer makes of it.
    fn wrap(
        &self,
        data_key: &Hex,
        wrap_salt: &Hex,
        context: &EncryptionContext,
    ) -> (DataKey, WrappedKey) {
        match &self.own {
            Keys::RootKey(key) => {
                let data_key = DataKey::from_slice(&data_key.0).unwrap();
                let wrapped =
                    local(key).wrap_with_salt(&data_key, context, &wrap_salt.array()).unwrap();
                (data_key, wrapped)
            }
            #[cfg(feature = "rsa")]
            Keys::RsaKey(key) => {
                let data_key = DataKey::from_slice(&data_key.0).unwrap();
                let wrapped = rsa::wrap(key, &data_key, context, wrap_salt);
                (data_key, wrapped)
            }
            Keys::Branch(keys) => {
                let mut generated = keys[0]
                    .branch_key(&self.table)
                    .generate_with_salt(context, &wrap_salt.array())
                    .unwrap();
                (generated.data_key, generated.wrapped.remove(0))
            }
        }
    }
}

impl Vector {
    fn context<'v>(&'v self, names: &'v [String]) -> Result<Context<'v>, Expect> {
        self.reader.context(names)
    }

    fn content(&self) -> Content {
        match self.content.as_str() {
            "record" => Content::Record,
            "group" => Content::Group,
            "bytes" => Content::Bytes,
            other => panic!("no content: {other}"),
        }
    }

    fn outcome(&self) -> Expect {
        self.open().err().unwrap_or(Expect::Opens)
    }

    /// The part of FORMAT 7 that this crate implements: the plaintext, or the kind of the failure.
    fn open(&self) -> Result<Plaintext, Expect> {
        let payload = UntrustedPayload::parse(self.encrypted_payload.0.clone())
            .map_err(|error| kind(&error.into()))?;
        let names = payload.authenticated_names().to_vec();
        let (context, provider) = (self.context(&names)?, self.reader.provider());
        let opened =
            open_payload(payload, &self.encrypted_dek.0, self.content(), &context, &provider);
        let plaintext = block_on(opened).map_err(|error| kind(&error))?;
        if self.content() != Content::Bytes {
            read_fields(plaintext.expose()).map_err(|_| Expect::MalformedRecord)?;
        }
        Ok(plaintext)
    }
}

fn local(key: &Hex) -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&key.0).unwrap())
}

impl VersionKey {
    fn branch_key(&self, branch: &str) -> BranchKey {
        let key = DataKey::from_slice(&self.key.0).unwrap();
        BranchKey::new(
            BranchName::new(branch).unwrap(),
            BranchVersion::from_bytes(self.version.array()),
            key,
        )
    }
}

/// A store with one branch, of any name.
#[derive(Debug)]
struct Branch(Vec<VersionKey>);

impl BranchKeyStore for Branch {
    fn active<'a>(&'a self, branch: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(self.0[0].branch_key(branch.as_str()).version()) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        let mut keys = self.0.iter().map(|key| key.branch_key(branch.as_str()));
        let found = keys.find(|key| key.version() == version);
        Box::pin(async {
            found.ok_or_else(|| KeyError::new(KeyErrorKind::KeyNotFound, "no such version"))
        })
    }
}

/// The value of `expect` for an error.
fn kind(error: &OpenError) -> Expect {
    match error {
        OpenError::Format(FormatError::Truncated(_)) => Expect::FormatTruncated,
        OpenError::Format(FormatError::TrailingBytes(_)) => Expect::FormatTrailing,
        OpenError::Format(FormatError::UnknownVersion(..)) => Expect::FormatUnknownVersion,
        OpenError::Format(FormatError::UnknownSuite(_)) => Expect::FormatUnknownSuite,
        OpenError::Format(FormatError::Malformed(_)) => Expect::FormatMalformed,
        OpenError::ContextForm { .. } => Expect::ContextForm,
        OpenError::Key(error)
            if matches!(error.kind(), KeyErrorKind::WrongKey | KeyErrorKind::KeyNotFound) =>
        {
            Expect::KeyWrong
        }
        OpenError::Key(error) if error.kind() == KeyErrorKind::ContextMismatch => {
            Expect::KeyMismatch
        }
        OpenError::Authentication => Expect::Authentication,
        OpenError::Context(_) | OpenError::AuthenticatedNames { .. } | OpenError::Key(_) => {
            panic!("no vector expects {error:?}")
        }
    }
}

/// Converts a value of DynamoDB JSON.
fn value(json: &Json) -> Result<Value<'_>, Expect> {
    let (kind, inner) = json.as_object().unwrap().iter().next().unwrap();
    Ok(match kind.as_str() {
        "S" => Value::string(text(inner)),
        "N" => Value::Number(number(inner)?),
        "B" => Value::bytes(base64(inner)),
        "BOOL" => Value::Bool(inner.as_bool().unwrap()),
        "NULL" => Value::Null,
        "L" => Value::List(elements(inner).map(value).collect::<Result<_, _>>()?),
        "M" => {
            let entry = |(key, entry)| Ok((String::into(String::clone(key)), value(entry)?));
            Value::Map(inner.as_object().unwrap().iter().map(entry).collect::<Result<_, _>>()?)
        }
        "SS" => Value::StringSet(elements(inner).map(|element| text(element).into()).collect()),
        "NS" => Value::NumberSet(elements(inner).map(number).collect::<Result<_, _>>()?),
        "BS" => Value::BytesSet(elements(inner).map(|element| base64(element).into()).collect()),
        other => panic!("no DynamoDB type: {other}"),
    })
}

fn elements(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().unwrap().iter()
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap()
}

fn number(json: &Json) -> Result<Number<'_>, Expect> {
    Number::parse(text(json)).map_err(|_| Expect::Number)
}

fn base64(json: &Json) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(text(json)).unwrap()
}

/// The local provider never waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the local provider never waits"),
    }
}

/// The vectors of the repository, or those in the folder `ENVELOPE_VECTORS`, which may come from
/// another implementation.
fn vectors() -> Vec<(String, Vector)> {
    match std::env::var_os("ENVELOPE_VECTORS") {
        Some(folder) => in_folder(folder),
        None => in_folder("v1"),
    }
}

/// Every vector in the folder and its name, sorted. Panics if the folder is empty.
fn in_folder<V: DeserializeOwned>(folder: impl AsRef<Path>) -> Vec<(String, V)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(folder);
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!paths.is_empty(), "{} holds no vectors", folder.display());
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let json = std::fs::read_to_string(path).unwrap();
        let vector = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, vector)
    };
    paths.iter().map(read).collect()
}

fn vectors_that_open() -> impl Iterator<Item = (String, Vector, Steps)> {
    that_open(vectors())
}

fn that_open(vectors: Vec<(String, Vector)>) -> impl Iterator<Item = (String, Vector, Steps)> {
    vectors.into_iter().filter(|(_, vector)| vector.expect == Expect::Opens).map(
        |(name, vector)| {
            let steps = serde_json::from_value(vector.rest.clone())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, vector, steps)
        },
    )
}

#[test]
fn every_vector_opens_or_fails_as_expected() {
    let surprises: Vec<_> = vectors()
        .into_iter()
        .filter_map(|(name, vector)| {
            let outcome = vector.outcome();
            (outcome != vector.expect)
                .then(|| format!("{name}: expected {:?}, got {outcome:?}", vector.expect))
        })
        .collect();
    assert!(surprises.is_empty(), "{surprises:#?}");
}

#[test]
fn every_kind_of_outcome_has_a_vector() {
    let kinds: BTreeSet<_> = vectors().into_iter().map(|(_, vector)| vector.expect).collect();
    assert_eq!(kinds.len(), Expect::Pair as usize + 1, "only {kinds:?}");
}

#[test]
fn every_intermediate_value_matches() {
    for (name, vector, steps) in vectors_that_open() {
        check_steps(&name, &vector, &steps);
    }
}

fn check_steps(name: &str, vector: &Vector, steps: &Steps) {
    let payload = UntrustedPayload::parse(vector.encrypted_payload.0.clone()).unwrap();
    assert_eq!(payload.authenticated_names(), steps.authenticated_names, "{name}");
    let context = vector.context(&steps.authenticated_names).unwrap();
    let pairs: BTreeMap<_, _> = context
        .encryption_context()
        .pairs()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(pairs, steps.encryption_context, "{name}");
    assert_eq!(context.associated_data(vector.content(), 1, 1), steps.associated_data.0, "{name}");

    let mut okm = [0; 64];
    hkdf_sha256(&steps.data_key.0, &steps.salt.0, b"envelope payload 1 1", &mut okm);
    assert_eq!(okm[..], [&steps.message_key.0[..], &steps.commitment.0].concat(), "{name}");

    let dek = EncryptedDek::parse(&vector.encrypted_dek.0).unwrap();
    assert_eq!(
        dek.keys().iter().map(Wrapped::of).collect::<Vec<_>>(),
        steps.wrapped_keys,
        "{name}"
    );
    assert_eq!(dek.form(), context.context_form(), "{name}");
    assert_eq!(dek.to_bytes(), vector.encrypted_dek.0, "{name}");
}

#[test]
fn every_plaintext_and_every_field_matches() {
    for (name, vector, steps) in vectors_that_open() {
        let plaintext = vector.open().unwrap();
        assert_eq!(plaintext.expose(), steps.plaintext.0, "{name}");
        let Some(names) = steps.field_names else {
            assert_eq!(vector.content(), Content::Bytes, "{name}");
            continue;
        };
        let fields = read_fields(plaintext.expose()).unwrap();
        assert_eq!(fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names, "{name}");
        for (field, expected) in steps.fields.unwrap_or_default() {
            let (_, value) = fields.iter().find(|(name, _)| *name == field).unwrap();
            assert_eq!(
                value.deserialize(PhantomData::<Json>).unwrap(),
                expected,
                "{name}: {field}"
            );
        }
    }
}

#[test]
fn the_writer_writes_the_bytes_of_the_vectors() {
    for (name, vector, steps) in vectors_that_open() {
        check_writer(&name, &vector, &steps);
    }
}

fn check_writer(name: &str, vector: &Vector, steps: &Steps) {
    let (context, data_key) = (
        vector.context(&steps.authenticated_names).unwrap(),
        DataKey::from_slice(&steps.data_key.0).unwrap(),
    );
    let mut payload = PayloadBuilder::new(0, context.authenticated_names());
    payload.extend_from_slice(&steps.plaintext.0);
    let payload =
        payload.seal_with_salt(vector.content(), &context, &data_key, &steps.salt.array()).unwrap();
    assert_eq!(payload, vector.encrypted_payload.0, "{name}");

    let (derived, own) =
        vector.reader.wrap(&steps.data_key, &steps.wrap_salt, &context.encryption_context());
    assert_eq!(derived.expose()[..], steps.data_key.0, "{name}");
    let found = EncryptedDek::parse(&vector.encrypted_dek.0).unwrap();
    let dek = with_own(&found, &own);
    assert_eq!(dek.to_bytes(), vector.encrypted_dek.0, "{name}");
    assert!(found.keys().contains(&own), "{name}");
}

/// The wrapped keys of a vector, where the one of the same kind is replaced with `own`.
fn with_own(found: &EncryptedDek, own: &WrappedKey) -> EncryptedDek {
    let is_own = |key: &WrappedKey| key.kind() == own.kind() && key.id() == own.id();
    let keys = found
        .keys()
        .iter()
        .map(|key| if is_own(key) { own.clone() } else { key.clone() })
        .collect();
    EncryptedDek::new(found.form(), keys).unwrap()
}

/// A caller may announce no names or other names to `PayloadBuilder::new`. The bytes are the same.
#[test]
fn the_announced_names_do_not_change_the_bytes() {
    for (name, vector, steps) in vectors_that_open() {
        let context = vector.context(&steps.authenticated_names).unwrap();
        let data_key = DataKey::from_slice(&steps.data_key.0).unwrap();
        for foreseen in [&[][..], &["x"; 300][..]] {
            let mut payload = PayloadBuilder::new(0, foreseen.iter().copied());
            payload.extend_from_slice(&steps.plaintext.0);
            let payload = payload
                .seal_with_salt(vector.content(), &context, &data_key, &steps.salt.array())
                .unwrap();
            assert_eq!(payload, vector.encrypted_payload.0, "{name}");
        }
    }
}

/// The other tests use the backend of this build. This test uses all compiled backends.
#[test]
fn every_backend_seals_and_opens_the_vectors() {
    for (name, vector, steps) in vectors_that_open() {
        let (key, associated_data) = (steps.message_key.array(), &steps.associated_data.0);
        let sealed = vector.encrypted_payload.0.as_slice();
        let (_, sealed) = sealed.split_at(sealed.len() - steps.plaintext.0.len() - TAG_BYTES);
        for backend in BACKENDS {
            let mut message = steps.plaintext.0.clone();
            let mut tag = backend.seal(&key, associated_data, &mut message);
            assert_eq!([&message[..], &tag].concat(), sealed, "{name}, {}", backend.name);
            let mut changed = message.clone();
            assert!(
                backend.open(&key, associated_data, &mut message, &tag),
                "{name}, {}",
                backend.name
            );
            assert_eq!(message, steps.plaintext.0, "{name}, {}", backend.name);
            tag[0] ^= 1;
            assert!(
                !backend.open(&key, associated_data, &mut changed, &tag),
                "{name}, {}",
                backend.name
            );
        }
    }
}

//! The calls that encrypt and decrypt.

use base64_simd::STANDARD;
use serde_json::{Value, json};

use super::blob::{self, Blob, EncryptionContext};
use super::key::{Key, Material};
use super::refusal::Refusal;
use super::request::Request;
use super::store::Store;

const LARGEST_PLAINTEXT: usize = 4096;
const LARGEST_CIPHERTEXT: usize = 6144;
const LARGEST_DATA_KEY: usize = 1024;

const OF_A_DATA_KEY: [&str; 6] =
    ["KeyId", "KeySpec", "NumberOfBytes", "EncryptionContext", "GrantTokens", "DryRun"];

pub(super) fn generate(store: &Store, request: &Request<'_>) -> Result<Value, Refusal> {
    let (mut answer, data_key) = new_data_key(store, request)?;
    if let Some(members) = answer.as_object_mut() {
        members.insert("Plaintext".to_owned(), STANDARD.encode_to_string(data_key).into());
    }
    Ok(answer)
}

pub(super) fn generate_without_plaintext(
    store: &Store,
    request: &Request<'_>,
) -> Result<Value, Refusal> {
    new_data_key(store, request).map(|(answer, _)| answer)
}

/// The answer without the data key, and the data key.
fn new_data_key(store: &Store, request: &Request<'_>) -> Result<(Value, Vec<u8>), Refusal> {
    request.only(&OF_A_DATA_KEY)?;
    request.no_grants()?;
    let bytes = data_key_bytes(request)?;
    let context = request.context("EncryptionContext")?;
    let key = store.key(request.region(), request.required("KeyId")?)?;
    key.usable()?;
    request.not_dry()?;
    let mut data_key = vec![0; bytes];
    blob::fill(&mut data_key)?;
    let sealed = Sealed::new(store, key, &data_key, &context)?;
    let answer = json!({
        "KeyId": key.arn(),
        "CiphertextBlob": sealed.blob,
        "KeyMaterialId": sealed.material.id,
    });
    Ok((answer, data_key))
}

fn data_key_bytes(request: &Request<'_>) -> Result<usize, Refusal> {
    let bytes = request.number("NumberOfBytes", 1..=LARGEST_DATA_KEY)?;
    match (request.text("KeySpec")?, bytes) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(bytes)) => Ok(bytes),
        (Some(_), None) => Err(Refusal::invalid("KeySpec is neither AES_256 nor AES_128")),
        _ => Err(Refusal::invalid("Please specify either number of bytes or key spec.")),
    }
}

pub(super) fn encrypt(store: &Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&[
        "KeyId",
        "Plaintext",
        "EncryptionContext",
        "EncryptionAlgorithm",
        "GrantTokens",
        "DryRun",
    ])?;
    request.no_grants()?;
    request.symmetric("EncryptionAlgorithm")?;
    let plaintext = request.bytes("Plaintext", 1..=LARGEST_PLAINTEXT)?;
    let context = request.context("EncryptionContext")?;
    let key = store.key(request.region(), request.required("KeyId")?)?;
    key.usable()?;
    request.not_dry()?;
    let sealed = Sealed::new(store, key, &plaintext, &context)?;
    Ok(json!({
        "KeyId": key.arn(),
        "CiphertextBlob": sealed.blob,
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }))
}

pub(super) fn decrypt(store: &Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&[
        "CiphertextBlob",
        "KeyId",
        "EncryptionContext",
        "EncryptionAlgorithm",
        "GrantTokens",
        "DryRun",
    ])?;
    request.no_grants()?;
    request.symmetric("EncryptionAlgorithm")?;
    let opened = Opened::new(store, request, "KeyId", "EncryptionContext")?;
    request.not_dry()?;
    Ok(json!({
        "KeyId": opened.key.arn(),
        "Plaintext": STANDARD.encode_to_string(opened.plaintext),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyMaterialId": opened.material.id,
    }))
}

pub(super) fn re_encrypt(store: &Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&[
        "CiphertextBlob",
        "SourceKeyId",
        "SourceEncryptionContext",
        "SourceEncryptionAlgorithm",
        "DestinationKeyId",
        "DestinationEncryptionContext",
        "DestinationEncryptionAlgorithm",
        "GrantTokens",
        "DryRun",
    ])?;
    request.no_grants()?;
    request.symmetric("SourceEncryptionAlgorithm")?;
    request.symmetric("DestinationEncryptionAlgorithm")?;
    let context = request.context("DestinationEncryptionContext")?;
    let destination = store.key(request.region(), request.required("DestinationKeyId")?)?;
    let opened = Opened::new(store, request, "SourceKeyId", "SourceEncryptionContext")?;
    destination.usable()?;
    request.not_dry()?;
    let sealed = Sealed::new(store, destination, &opened.plaintext, &context)?;
    Ok(json!({
        "CiphertextBlob": sealed.blob,
        "SourceKeyId": opened.key.arn(),
        "KeyId": destination.arn(),
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "SourceKeyMaterialId": opened.material.id,
        "DestinationKeyMaterialId": sealed.material.id,
    }))
}

/// A new ciphertext in base64, and the material that made it.
struct Sealed<'s> {
    blob: String,
    material: &'s Material,
}

impl<'s> Sealed<'s> {
    fn new(
        store: &'s Store,
        key: &Key,
        plaintext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Self, Refusal> {
        let (number, material) = store.newest_material(&key.id)?;
        let blob = blob::seal(&key.id, number, material, plaintext, context)?;
        Ok(Self { blob: STANDARD.encode_to_string(blob), material })
    }
}

/// An opened ciphertext, with the key and the material that made it.
struct Opened<'s> {
    key: &'s Key,
    material: &'s Material,
    plaintext: Vec<u8>,
}

impl<'s> Opened<'s> {
    /// Opens `CiphertextBlob`. If the request names a key, it must be the one that made the blob.
    fn new(
        store: &'s Store,
        request: &Request<'_>,
        key_member: &str,
        context_member: &str,
    ) -> Result<Self, Refusal> {
        let context = request.context(context_member)?;
        let bytes = request.bytes("CiphertextBlob", 1..=LARGEST_CIPHERTEXT)?;
        let named = match request.text(key_member)? {
            Some(name) => Some(store.key(request.region(), name)?),
            None => None,
        };
        let blob = Blob::parse(&bytes)?;
        if named.is_some_and(|key| key.id != blob.key_id) {
            let message = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(Refusal::new("IncorrectKeyException", message));
        }
        let key = store.key_of_id(request.region(), blob.key_id).map_err(|_| unknown_key())?;
        key.usable()?;
        let material = store.material(blob.key_id, blob.material)?;
        Ok(Self { key, material, plaintext: blob.open(material, &context)? })
    }
}

/// A ciphertext of another region, of another account, or of a key that is gone.
fn unknown_key() -> Refusal {
    Refusal::new(
        "AccessDeniedException",
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
    )
}

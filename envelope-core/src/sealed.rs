//! Sealing bytes of any kind, such as records, messages and objects.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::context::{Content, Context};
use crate::dek::EncryptedDek;
use crate::error::{KeyError, OpenError, SealError};
use crate::payload::{PayloadBuilder, UntrustedPayload};
use crate::provider::{GeneratedKey, UnwrapKey, WrapKey};
use crate::secret::{DataKey, Plaintext};

/// Sealed bytes, and the wrapped data key that opens them.
///
/// Serializes as a struct of two fields: base64 in human-readable formats such as JSON, bytes in
/// binary formats.
///
/// ```
/// # use envelope_core::Sealed;
/// let sealed = Sealed { encrypted_payload: vec![1, 2, 3], encrypted_dek: vec![255] };
/// let json = serde_json::to_string(&sealed)?;
/// assert_eq!(json, r#"{"encrypted_payload":"AQID","encrypted_dek":"/w=="}"#);
/// assert_eq!(serde_json::from_str::<Sealed>(&json)?, sealed);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The sealed bytes (FORMAT 4).
    #[serde(with = "binary")]
    pub encrypted_payload: Vec<u8>,
    /// The wrapped data key (FORMAT 3).
    #[serde(with = "binary")]
    pub encrypted_dek: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} + {} bytes)", self.encrypted_payload.len(), self.encrypted_dek.len())
    }
}

/// Seals `plaintext` under a new data key of `provider`, bound to `context`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{LocalKeyProvider, RootKey};
/// use envelope_dynamo::message::{Context, open, seal};
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let context = Context::new("invoices").pair("object", "2026/11/invoice-7.pdf")?;
/// let sealed = seal(b"%PDF-2.0", &context, &provider).await?;
/// assert_eq!(open(&sealed, &context, &provider).await?.expose(), b"%PDF-2.0");
///
/// let other = Context::new("invoices").pair("object", "2026/11/invoice-8.pdf")?;
/// assert!(open(&sealed, &other, &provider).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// If the provider returns no data key, if the operating system returns no random bytes, or if the
/// plaintext is longer than 64 GiB less 32 bytes.
pub async fn seal(
    plaintext: &[u8],
    context: &Context<'_>,
    provider: &(impl WrapKey + ?Sized),
) -> Result<Sealed, SealError> {
    let mut payload = PayloadBuilder::new(plaintext.len(), context.authenticated_names());
    payload.extend_from_slice(plaintext);
    seal_payload(payload, Content::Bytes, context, provider).await
}

/// Opens bytes that [`seal`] sealed for the same context.
///
/// # Errors
///
/// If the bytes are not sealed data, if they were sealed under another context form, if the
/// provider does not unwrap the data key, or if the bytes, the context or the data key are not
/// those of the sealing. See [`OpenError`].
pub async fn open(
    sealed: &Sealed,
    context: &Context<'_>,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<Plaintext, OpenError> {
    let payload = UntrustedPayload::parse(sealed.encrypted_payload.clone())?;
    open_payload(payload, &sealed.encrypted_dek, Content::Bytes, context, provider).await
}

/// Seals a payload whose plaintext was written in place, under a new data key of `provider`.
///
/// # Errors
///
/// As [`seal`].
pub async fn seal_payload(
    payload: PayloadBuilder,
    content: Content,
    context: &Context<'_>,
    provider: &(impl WrapKey + ?Sized),
) -> Result<Sealed, SealError> {
    let (data_key, dek) = generate(context, provider).await?;
    let encrypted_payload = payload.seal(content, context, &data_key)?;
    Ok(Sealed { encrypted_payload, encrypted_dek: dek.to_bytes() })
}

/// Opens a parsed payload in place (FORMAT 7).
///
/// # Errors
///
/// As [`open`].
pub async fn open_payload(
    payload: UntrustedPayload,
    encrypted_dek: &[u8],
    content: Content,
    context: &Context<'_>,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<Plaintext, OpenError> {
    let data_key = unwrap_data_key(encrypted_dek, context, provider).await?;
    payload.open(content, context, &data_key)
}

/// The data key that `encrypted_dek` wraps for `context` (FORMAT 7, steps 5 and 6).
///
/// # Errors
///
/// As [`open`], except for errors of the payload.
pub async fn unwrap_data_key(
    encrypted_dek: &[u8],
    context: &Context<'_>,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<DataKey, OpenError> {
    unwrap(&EncryptedDek::parse(encrypted_dek)?, context, provider).await
}

/// A new data key, and the stored form of its wrapped keys.
pub(crate) async fn generate(
    context: &Context<'_>,
    provider: &(impl WrapKey + ?Sized),
) -> Result<(DataKey, EncryptedDek), KeyError> {
    let GeneratedKey { data_key, wrapped } =
        provider.generate(&context.encryption_context()).await?;
    let dek = EncryptedDek::new(context.context_form(), wrapped).map_err(|error| {
        KeyError::invalid_response(format!(
            "the key provider returned unusable wrapped keys: {error}"
        ))
    })?;
    Ok((data_key, dek))
}

/// The data key that `dek` wraps (FORMAT 7, steps 5 and 6).
pub(crate) async fn unwrap(
    dek: &EncryptedDek,
    context: &Context<'_>,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<DataKey, OpenError> {
    // Otherwise the writer of the bytes could choose the form, and make a reader that hashes its
    // keys send them to KMS in clear.
    if dek.form() != context.context_form() {
        return Err(OpenError::ContextForm {
            written: dek.form(),
            expected: context.context_form(),
        });
    }
    Ok(provider.unwrap_key(dek.keys(), &context.encryption_context()).await?)
}

/// Serializes bytes as base64 in human-readable formats, and as bytes in binary ones.
mod binary {
    use super::{Deserializer, Serializer, Visitor, de, fmt};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&base64_simd::STANDARD.encode_to_string(bytes))
        } else {
            serializer.serialize_bytes(bytes)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Binary)
        } else {
            deserializer.deserialize_byte_buf(Binary)
        }
    }

    struct Binary;

    impl<'de> Visitor<'de> for Binary {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("base64 text or bytes")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
            base64_simd::STANDARD.decode_to_vec(text).map_err(|_| E::custom("not base64"))
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = seq.next_element()? {
                bytes.push(byte);
            }
            Ok(bytes)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Sealed;

    /// JSON gets base64, and CBOR (of the crate `ciborium`) gets bytes.
    #[test]
    fn sealed_bytes_are_base64_in_json_and_bytes_in_cbor() {
        let sealed = Sealed { encrypted_payload: vec![0, 255, 7], encrypted_dek: vec![1; 300] };
        let json = serde_json::to_vec(&sealed).unwrap();
        assert_eq!(serde_json::from_slice::<Sealed>(&json).unwrap(), sealed);
        let mut cbor = Vec::new();
        ciborium::into_writer(&sealed, &mut cbor).unwrap();
        assert!(cbor.len() < 300 + 50, "{} bytes", cbor.len());
        assert_eq!(ciborium::from_reader::<Sealed, _>(cbor.as_slice()).unwrap(), sealed);
    }
}

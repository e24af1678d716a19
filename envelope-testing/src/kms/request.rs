//! The members of a request. A member that an operation does not know is refused, not ignored.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use base64_simd::STANDARD;
use serde_json::{Map, Value};

use super::blob::EncryptionContext;
use super::refusal::Refusal;

/// A call: its operation, the region whose keys it uses, and its members.
pub(super) struct Request<'r> {
    operation: &'r str,
    region: &'r str,
    members: Map<String, Value>,
}

impl<'r> Request<'r> {
    pub(super) fn parse(operation: &'r str, region: &'r str, body: &[u8]) -> Result<Self, Refusal> {
        let members = serde_json::from_slice(body)
            .map_err(|_| Refusal::new("SerializationException", "the request is not JSON"))?;
        Ok(Self { operation, region, members })
    }

    pub(super) fn operation(&self) -> &str {
        self.operation
    }

    pub(super) fn region(&self) -> &str {
        self.region
    }

    /// Refuses the request if it has a member that is not among `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                Err(Refusal::not_implemented(format_args!("{name} of {}", self.operation)))
            }
            None => Ok(()),
        }
    }

    /// An absent member, and `null`, are `None`.
    fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        self.member(name).map(|value| value.as_str().ok_or_else(|| mistyped(name))).transpose()
    }

    /// A text that must be there and not be empty.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        let text = self.text(name)?.ok_or_else(|| missing(name))?;
        if text.is_empty() { Err(Refusal::invalid(format!("{name} is empty"))) } else { Ok(text) }
    }

    pub(super) fn number(
        &self,
        name: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Refusal> {
        let Some(value) = self.member(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::invalid(format!("{name} is not within {range:?}"))),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        let value = self.member(name).map_or(Some(false), Value::as_bool);
        value.ok_or_else(|| mistyped(name))
    }

    /// Bytes, which JSON has in base64.
    pub(super) fn bytes(
        &self,
        name: &str,
        length: RangeInclusive<usize>,
    ) -> Result<Vec<u8>, Refusal> {
        let text = self.text(name)?.ok_or_else(|| missing(name))?;
        let bytes = STANDARD.decode_to_vec(text).map_err(|_| mistyped(name))?;
        if length.contains(&bytes.len()) {
            Ok(bytes)
        } else {
            Err(Refusal::invalid(format!("{name} has not a length within {length:?}")))
        }
    }

    /// An encryption context. None is the same as an empty one.
    pub(super) fn context(&self, name: &str) -> Result<EncryptionContext, Refusal> {
        let Some(value) = self.member(name) else { return Ok(BTreeMap::new()) };
        let pairs = value.as_object().ok_or_else(|| mistyped(name))?;
        pairs
            .iter()
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect::<Option<_>>()
            .ok_or_else(|| mistyped(name))
    }

    /// No grant was ever made here, so that every token is a wrong one.
    pub(super) fn no_grants(&self) -> Result<(), Refusal> {
        let tokens = self.member("GrantTokens");
        if tokens.is_none_or(|tokens| tokens.as_array().is_some_and(Vec::is_empty)) {
            return Ok(());
        }
        Err(Refusal::new("InvalidGrantTokenException", "the embedded KMS has no grants"))
    }

    /// The last check of a call that asks whether it would succeed.
    pub(super) fn not_dry(&self) -> Result<(), Refusal> {
        if self.flag("DryRun")? {
            let message = "The request would have succeeded, but the DryRun option is set.";
            return Err(Refusal::new("DryRunOperationException", message));
        }
        Ok(())
    }

    /// The keys here are symmetric.
    pub(super) fn symmetric(&self, name: &str) -> Result<(), Refusal> {
        match self.text(name)? {
            None | Some("SYMMETRIC_DEFAULT") => Ok(()),
            Some("RSAES_OAEP_SHA_1" | "RSAES_OAEP_SHA_256" | "SM2PKE") => Err(Refusal::new(
                "InvalidKeyUsageException",
                format!("{name} does not fit the key, which is symmetric"),
            )),
            Some(_) => Err(Refusal::invalid(format!("{name} is not an encryption algorithm"))),
        }
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::invalid(format!("{name} is missing"))
}

fn mistyped(name: &str) -> Refusal {
    Refusal::new("SerializationException", format!("{name} has another type"))
}

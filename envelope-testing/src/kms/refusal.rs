//! Why a call was refused: the codes of AWS, as the SDK reads them.

use std::fmt::Display;

use serde_json::json;

/// An error that the client gets.
#[derive(Debug)]
pub(super) struct Refusal {
    code: &'static str,
    message: Option<String>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    pub(super) fn to_json(&self) -> String {
        match &self.message {
            Some(message) => json!({ "__type": self.code, "message": message }).to_string(),
            None => json!({ "__type": self.code }).to_string(),
        }
    }

    pub(super) fn unsigned() -> Self {
        Self::new("MissingAuthenticationTokenException", "Missing Authentication Token")
    }

    pub(super) fn unknown_operation(operation: &str) -> Self {
        let message = format!("the embedded KMS has no operation {operation}");
        Self::new("UnknownOperationException", message)
    }

    /// AWS would carry this out.
    pub(super) fn not_implemented(what: impl Display) -> Self {
        let message = format!("the embedded KMS does not implement {what}");
        Self::new("UnsupportedOperationException", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new("NotFoundException", message)
    }

    pub(super) fn invalid_state(message: impl Into<String>) -> Self {
        Self::new("KMSInvalidStateException", message)
    }

    /// AWS sends no message, so that nobody learns why a ciphertext does not open.
    pub(super) fn invalid_ciphertext() -> Self {
        Self { code: "InvalidCiphertextException", message: None }
    }
}

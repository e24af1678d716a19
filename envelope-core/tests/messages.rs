//! The messages, faults and sources of errors.
#![allow(clippy::unwrap_used)]

use std::error::Error;

use envelope_core::{
    ContextError, ContextForm, Fault, FormatError, KeyError, KeyErrorKind, NumberError, OpenError,
    RootKeyError, SealError,
};

const KINDS: [(KeyErrorKind, &str, Fault, bool); 12] = [
    (KeyErrorKind::AccessDenied, "access denied", Fault::Operator, false),
    (KeyErrorKind::KeyDisabled, "key disabled", Fault::Operator, false),
    (KeyErrorKind::PendingDeletion, "key pending deletion or unusable", Fault::Operator, false),
    (KeyErrorKind::KeyNotFound, "key not found", Fault::Operator, false),
    (KeyErrorKind::WrongKey, "wrong key", Fault::Operator, false),
    (KeyErrorKind::ContextMismatch, "wrapped for another context, or changed", Fault::Data, false),
    (KeyErrorKind::InvalidKeyUsage, "key cannot wrap data keys", Fault::Operator, false),
    (KeyErrorKind::Throttled, "throttled", Fault::Operator, true),
    (KeyErrorKind::Unreachable, "unreachable", Fault::Operator, true),
    (KeyErrorKind::InvalidResponse, "invalid response", Fault::Operator, false),
    (KeyErrorKind::Configuration, "invalid configuration", Fault::Caller, false),
    (KeyErrorKind::Other, "key provider failed", Fault::Operator, false),
];

#[test]
fn each_kind_of_key_error_says_what_it_is_and_who_must_act() {
    for (kind, words, fault, retryable) in KINDS {
        let error = KeyError::new(kind, "alias/users");
        assert_eq!(error.to_string(), format!("{words}: alias/users"));
        assert_eq!((error.kind(), error.fault(), error.is_retryable()), (kind, fault, retryable));
        assert!(error.request_id().is_none() && error.source().is_none());
    }
}

#[test]
fn a_key_error_keeps_the_request_id_and_the_source() {
    let error = KeyError::new(KeyErrorKind::Throttled, "KMS")
        .with_request_id("a1b2")
        .with_source("too many requests");
    assert_eq!(error.to_string(), "throttled: KMS (request a1b2)");
    assert_eq!(error.request_id(), Some("a1b2"));
    assert_eq!(error.source().unwrap().to_string(), "too many requests");
}

fn key_error() -> KeyError {
    KeyError::new(KeyErrorKind::ContextMismatch, "the record").with_source("HTTP 400")
}

/// The source behind the cause that the message names.
fn behind(error: &dyn Error) -> Option<String> {
    error.source().map(ToString::to_string)
}

#[test]
fn an_error_of_sealing_names_its_cause() {
    let pair = || ContextError::Pair("tenant".to_owned());
    for (error, message, fault, source) in [
        (
            SealError::from(pair()),
            "invalid context: the pair `tenant` of the encryption context has an empty value or is \
             named twice",
            Fault::Caller,
            None,
        ),
        (
            key_error().into(),
            "could not get a data key: wrapped for another context, or changed: the record",
            Fault::Data,
            Some("HTTP 400"),
        ),
        (
            SealError::TooLong,
            "the plaintext is longer than one AES-GCM message can be (64 GiB less 32 bytes): seal \
             it as a stream",
            Fault::Caller,
            None,
        ),
        (
            SealError::TooManyChunks,
            "the stream has more than 2^32 chunks: use larger chunks or several streams",
            Fault::Caller,
            None,
        ),
    ] {
        assert_eq!(error.to_string(), message);
        assert_eq!((error.fault(), behind(&error).as_deref()), (fault, source), "{message}");
    }
}

#[test]
fn an_error_of_opening_names_its_cause() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (error, message, fault, source) in [
        (
            FormatError::UnknownSuite(7).into(),
            "the stored bytes are not sealed data: sealed with cipher suite 7, which this program \
             does not know: upgrade the program",
            Fault::Data,
            None,
        ),
        (
            ContextError::DuplicateAttribute("plan".to_owned()).into(),
            "invalid context: the authenticated attribute `plan` is named twice",
            Fault::Caller,
            None,
        ),
        (
            OpenError::ContextForm { written: ContextForm::Hashed, expected: ContextForm::Raw },
            "sealed under the KMS context form `hashed`, but the reader uses `raw`: set \
             kms_context = \"hashed\", or rewrite the records that have the other form",
            Fault::Caller,
            None,
        ),
        (
            OpenError::AuthenticatedNames { written: names(&["plan", "at"]), given: names(&[]) },
            "sealed with the authenticated attributes [plan, at], but the reader names []",
            Fault::Caller,
            None,
        ),
        (
            key_error().into(),
            "could not unwrap the data key: wrapped for another context, or changed: the record",
            Fault::Data,
            Some("HTTP 400"),
        ),
        (
            OpenError::Authentication,
            "not authentic: the record was changed, moved from another place, or sealed under \
             another key",
            Fault::Data,
            None,
        ),
    ] {
        assert_eq!(error.to_string(), message);
        assert_eq!((error.fault(), behind(&error).as_deref()), (fault, source), "{message}");
    }
    assert_eq!(ContextForm::Table.to_string(), "table");
}

#[test]
fn a_format_error_names_the_malformed_part() {
    for (error, message) in [
        (FormatError::Truncated("encrypted_dek"), "encrypted_dek is truncated"),
        (FormatError::TrailingBytes("encrypted_dek"), "unexpected bytes follow encrypted_dek"),
        (
            FormatError::UnknownVersion("encrypted_payload", 9),
            "encrypted_payload has format version 9, which this program does not know: upgrade the \
             program, unless these bytes are not sealed data",
        ),
        (
            FormatError::UnknownSuite(9),
            "sealed with cipher suite 9, which this program does not know: upgrade the program",
        ),
        (FormatError::Malformed("a wrapped key"), "a wrapped key is malformed"),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_context_error_names_the_pair_or_attribute() {
    for (error, message) in [
        (
            ContextError::ReservedName("aws:x\n".to_owned()),
            "the encryption context cannot have a pair named `aws:x\\n`: a name must not be empty \
             or start with `aws:`, and the format itself sets `table`, `partition_key`, `sort_key` \
             and `envelope`",
        ),
        (
            ContextError::Pair("t".to_owned()),
            "the pair `t` of the encryption context has an empty value or is named twice",
        ),
        (
            ContextError::DuplicateAttribute("t".to_owned()),
            "the authenticated attribute `t` is named twice",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(
        NumberError.to_string(),
        "not a DynamoDB number: expected a decimal number with at most 38 significant digits, from \
         1E-130 to 9.99E+125"
    );
}

#[test]
fn an_error_of_a_root_key_names_its_cause() {
    for (error, message) in [
        (
            RootKeyError::Environment("KEY".to_owned()),
            "the environment variable `KEY` is not set or is not UTF-8: set it to 64 hexadecimal \
             digits (`openssl rand -hex 32`)",
        ),
        (
            RootKeyError::File { path: "key".into(), source: std::io::Error::other("gone") },
            "could not read the root key file `key`: gone",
        ),
        (
            RootKeyError::Malformed,
            "not a root key: expected 32 bytes, 64 hexadecimal digits, or 32 bytes in base64",
        ),
    ] {
        assert_eq!((error.to_string().as_str(), behind(&error)), (message, None));
    }
}

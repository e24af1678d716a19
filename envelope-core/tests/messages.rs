//! What errors say: to a person, to a program that decides what to do, and to whoever follows their
//! sources.
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
    (KeyErrorKind::ContextMismatch, "not wrapped for this place, or changed", Fault::Data, false),
    (KeyErrorKind::InvalidKeyUsage, "key not usable for data keys", Fault::Operator, false),
    (KeyErrorKind::Throttled, "throttled", Fault::Operator, true),
    (KeyErrorKind::Unreachable, "unreachable", Fault::Operator, true),
    (KeyErrorKind::InvalidResponse, "invalid answer", Fault::Operator, false),
    (KeyErrorKind::Configuration, "configuration", Fault::Caller, false),
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
fn a_key_error_keeps_the_request_and_what_lies_behind_it() {
    let error = KeyError::new(KeyErrorKind::Throttled, "KMS")
        .with_request_id("a1b2")
        .with_source("too many requests");
    assert_eq!(error.to_string(), "throttled: KMS (request a1b2)");
    assert_eq!(error.request_id(), Some("a1b2"));
    assert_eq!(error.source().unwrap().to_string(), "too many requests");
}

fn key_error() -> KeyError {
    KeyError::new(KeyErrorKind::ContextMismatch, "the record")
}

#[test]
fn an_error_of_sealing_says_what_was_missing_and_names_its_source() {
    let pair = || ContextError::Pair("tenant".to_owned());
    for (error, message, fault, source) in [
        (SealError::from(pair()), "the context cannot be bound", Fault::Caller, true),
        (key_error().into(), "no data key to seal with", Fault::Data, true),
        (
            SealError::TooLong,
            "the plaintext is longer than one AES-GCM message may be",
            Fault::Caller,
            false,
        ),
        (
            SealError::TooManyChunks,
            "the stream is longer than 2^32 chunks: take larger chunks, or several streams",
            Fault::Caller,
            false,
        ),
    ] {
        assert_eq!(error.to_string(), message);
        assert_eq!((error.fault(), error.source().is_some()), (fault, source), "{message}");
    }
}

#[test]
fn an_error_of_opening_says_what_is_wrong_and_names_its_source() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (error, message, fault, source) in [
        (
            FormatError::UnknownSuite(7).into(),
            "the stored bytes are not a sealed record",
            Fault::Data,
            true,
        ),
        (
            ContextError::Pair("tenant".to_owned()).into(),
            "the context cannot be bound",
            Fault::Caller,
            true,
        ),
        (
            OpenError::ContextForm { written: ContextForm::Hashed, expected: ContextForm::Raw },
            "sealed under the KMS context form `hashed`, but the reader uses `raw`: a form cannot change while there are \
             records under another (set kms_context = \"hashed\", or rewrite them)",
            Fault::Caller,
            false,
        ),
        (
            OpenError::AuthenticatedNames { written: names(&["plan", "at"]), given: names(&[]) },
            "sealed with authenticated attributes [plan, at], but opened with []",
            Fault::Caller,
            false,
        ),
        (key_error().into(), "the data key could not be unwrapped", Fault::Data, true),
        (
            OpenError::Authentication,
            "not authentic: the record was changed, moved from another place, or sealed under another key",
            Fault::Data,
            false,
        ),
    ] {
        assert_eq!(error.to_string(), message);
        assert_eq!((error.fault(), error.source().is_some()), (fault, source), "{message}");
    }
    assert_eq!(ContextForm::Table.to_string(), "table");
}

#[test]
fn what_is_no_record_is_named_by_its_part() {
    for (error, message) in [
        (FormatError::Truncated("encrypted_dek"), "encrypted_dek is cut short"),
        (FormatError::TrailingBytes("encrypted_dek"), "encrypted_dek has bytes after its end"),
        (
            FormatError::UnknownVersion("encrypted_payload", 9),
            "encrypted_payload has format version 9, which this reader does not know: upgrade it, or the bytes are no record",
        ),
        (
            FormatError::UnknownSuite(9),
            "sealed with suite 9, which this reader does not know: upgrade it",
        ),
        (FormatError::Malformed("a wrapped key"), "a wrapped key is malformed"),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn what_cannot_be_bound_is_named() {
    for (error, message) in [
        (
            ContextError::ReservedName("aws:x\n".to_owned()),
            "the encryption context cannot have a pair named `aws:x\\n`: names are not empty, do not start with `aws:`, \
             and `table`, `partition_key`, `sort_key` and `envelope` are taken",
        ),
        (
            ContextError::Pair("t".to_owned()),
            "the encryption context pair `t` is empty or stands twice",
        ),
        (
            ContextError::DuplicateAttribute("t".to_owned()),
            "the authenticated attribute `t` stands twice",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(
        NumberError.to_string(),
        "not a number that DynamoDB can hold (decimal, at most 38 significant digits, 1E-130 to 9.99E+125)"
    );
}

#[test]
fn a_root_key_that_cannot_be_read_is_said_to_be_so() {
    for (error, message, source) in [
        (
            RootKeyError::Environment("KEY".to_owned()),
            "the environment variable `KEY` is not set, or not text: set it to 64 hexadecimal digits (`openssl rand -hex 32`)",
            false,
        ),
        (
            RootKeyError::File(std::io::Error::other("gone")),
            "the root key file cannot be read",
            true,
        ),
        (
            RootKeyError::Malformed,
            "a root key is 32 bytes, 64 hexadecimal digits, or 32 bytes in base64",
            false,
        ),
    ] {
        assert_eq!((error.to_string().as_str(), error.source().is_some()), (message, source));
    }
}

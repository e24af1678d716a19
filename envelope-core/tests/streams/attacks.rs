//! Attacks by somebody who can write the stored object.

use envelope_core::{Context, OpenError, OpenStreamErrorKind, UntrustedStreamHeader};
use proptest::prelude::*;

use crate::{
    CHUNK, TAG, context, header_bytes, is_authentication, open, open_for, parts, plaintext, sealed,
};

/// Asserts that the stream is not authentic, and that this number of chunks was released.
#[track_caller]
fn refused_after(chunks: usize, stream: &[u8]) {
    let (released, outcome) = open(stream);
    let error = outcome.unwrap_err();
    assert!(is_authentication(&error), "{error:?}");
    assert_eq!(released, plaintext(3 * CHUNK + 5)[..chunks * CHUNK]);
    assert_eq!(error.released_bytes(), released.len() as u64);
}

fn stream() -> Vec<u8> {
    sealed(&plaintext(3 * CHUNK + 5))
}

fn joined(header: &[u8], chunks: &[&[u8]]) -> Vec<u8> {
    [header, &chunks.concat()].concat()
}

#[test]
fn a_stream_truncated_at_any_byte_does_not_open() {
    let stream = stream();
    let header = header_bytes(&stream);
    for length in 0..stream.len() {
        let (released, outcome) = open(&stream[..length]);
        let error = outcome.unwrap_err();
        if length < header {
            assert!(
                matches!(error.kind(), OpenStreamErrorKind::Open(OpenError::Format(_))),
                "{length}: {error:?}"
            );
            assert!(released.is_empty());
        } else {
            assert!(is_authentication(&error), "{length}: {error:?}");
            // A chunk is released when another byte follows.
            let whole = (length - header).saturating_sub(1) / (CHUNK + TAG);
            assert_eq!(released, plaintext(whole * CHUNK), "{length}");
        }
    }
}

#[test]
fn a_stream_with_any_bit_flipped_does_not_open() {
    let stream = sealed(&plaintext(CHUNK + 5));
    for bit in 0..stream.len() * 8 {
        let mut changed = stream.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let (released, outcome) = open(&changed);
        assert!(outcome.is_err(), "bit {bit}");
        assert!(released.len() <= CHUNK && plaintext(CHUNK).starts_with(&released), "bit {bit}");
    }
}

#[test]
fn reordered_repeated_and_missing_chunks_are_noticed() {
    let stream = stream();
    let (header, c) = parts(&stream);
    assert_eq!(c.len(), 4);
    refused_after(0, &joined(header, &[c[1], c[0], c[2], c[3]]));
    refused_after(1, &joined(header, &[c[0], c[2], c[1], c[3]]));
    refused_after(1, &joined(header, &[c[0], c[0], c[1], c[2], c[3]]));
    refused_after(1, &joined(header, &[c[0], c[2], c[3]]));
    refused_after(0, &joined(header, &[c[1], c[2], c[3]]));
    refused_after(3, &joined(header, &[c[0], c[1], c[2], c[3], c[3]]));
    refused_after(2, &joined(header, &[c[0], c[1], c[3]]));
}

#[test]
fn a_stream_truncated_at_a_chunk_boundary_is_noticed() {
    let stream = stream();
    let (header, c) = parts(&stream);
    refused_after(0, header);
    refused_after(0, &joined(header, &c[..1]));
    refused_after(1, &joined(header, &c[..2]));
    refused_after(2, &joined(header, &c[..3]));
}

#[test]
fn bytes_after_the_end_are_noticed() {
    let stream = stream();
    refused_after(3, &[&stream[..], &[0]].concat());
    refused_after(3, &[&stream[..], &[0; 5000]].concat());
    refused_after(3, &[&stream[..], &stream].concat());

    let whole = sealed(&plaintext(CHUNK));
    let (released, outcome) = open(&[&whole[..], &[0]].concat());
    assert!(released.is_empty() && is_authentication(&outcome.unwrap_err()));
}

#[test]
fn a_chunk_of_another_stream_does_not_open() {
    let [stream, other] = [stream(), stream()];
    let (header, c) = parts(&stream);
    let (other_header, o) = parts(&other);
    refused_after(0, &joined(header, &[o[0], c[1], c[2], c[3]]));
    refused_after(2, &joined(header, &[c[0], c[1], o[2], c[3]]));
    refused_after(3, &joined(header, &[c[0], c[1], c[2], o[3]]));
    refused_after(0, &joined(other_header, &c));
}

#[test]
fn a_stream_with_a_changed_chunk_size_does_not_open() {
    let stream = stream();
    for exponent in 0..=255 {
        let mut changed = stream.clone();
        changed[6] = exponent;
        let (released, outcome) = open(&changed);
        assert!(
            if exponent == 10 { outcome.is_ok() } else { outcome.is_err() && released.is_empty() },
            "{exponent}"
        );
    }
}

#[test]
fn a_moved_stream_does_not_open() {
    let stream = stream();
    let elsewhere = [
        Context::new("receipts").pair("object", "2026/11/invoice-7.pdf").unwrap(),
        Context::new("invoices").pair("object", "2026/11/invoice-8.pdf").unwrap(),
        Context::new("invoices"),
        context().authenticated("type", None).unwrap(),
    ];
    for context in elsewhere {
        let (released, outcome) = open_for(&stream, &context);
        assert!(outcome.is_err() && released.is_empty(), "{context:?}");
    }
}

#[test]
fn streams_and_payloads_cannot_be_exchanged() {
    let stream = sealed(b"text");
    let (_, chunks) = parts(&stream);
    assert!(envelope_core::UntrustedPayload::parse(stream.clone()).is_err());

    let payload =
        crate::block_on(envelope_core::seal(b"text", &context(), &crate::provider())).unwrap();
    assert!(UntrustedStreamHeader::parse(&payload.encrypted_payload).is_err());
    // The ciphertext of a payload, in place of the only chunk of a stream.
    let ciphertext =
        &payload.encrypted_payload[payload.encrypted_payload.len() - chunks[0].len()..];
    let (released, outcome) = open(&joined(parts(&stream).0, &[ciphertext]));
    assert!(released.is_empty() && is_authentication(&outcome.unwrap_err()));
}

#[test]
fn errors_show_no_plaintext() {
    let secret = b"4111 1111 1111 1111".repeat(100);
    let stream = sealed(&secret);
    let mut said = String::new();
    for length in 0..stream.len() {
        let error = open(&stream[..length]).1.unwrap_err();
        said += &format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            said += &format!("{error} {error:?}");
            source = error.source();
        }
    }
    assert!(!said.contains("4111"));
    assert!(said.contains("the bytes are not a sealed stream"));
    assert!(said.contains("the header of the stream is truncated"));
    assert!(said.contains("not authentic: the stream was changed, truncated, moved"));
    assert!(
        said.contains("(1024 bytes of plaintext were released and are incomplete: discard them)")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A header of arbitrary bytes.
    #[test]
    fn arbitrary_bytes_never_open_and_never_panic(bytes: Vec<u8>, magic: bool) {
        let start: &[u8] = if magic { b"envs\x01\x01\x0a" } else { b"" };
        let bytes = [start, &bytes].concat();
        prop_assert!(open(&bytes).1.is_err());
        if let Ok(header) = UntrustedStreamHeader::parse(&bytes) {
            prop_assert!(bytes.len() >= 67 && header.encrypted_dek().keys().len() <= 16);
        }
    }

    /// Arbitrary bytes in any pieces, behind a valid header.
    #[test]
    fn arbitrary_chunks_never_open_and_never_panic(pieces in proptest::collection::vec(any::<Vec<u8>>(), 0..40)) {
        let stream = sealed(b"");
        let mut opener = crate::opener(&mut &stream[..], &context()).unwrap();
        let mut failed = false;
        'pieces: for mut piece in pieces.iter().map(Vec::as_slice) {
            while !piece.is_empty() {
                match opener.push(piece) {
                    Ok(n) => piece = &piece[n..],
                    Err(_) => { failed = true; break 'pieces }
                }
            }
        }
        prop_assert!(opener.output().is_empty());
        prop_assert!(opener.finish().is_err());
        prop_assert!(opener.finish().is_err() && opener.push(b"more").is_err(), "it stays refused");
        prop_assert!(!opener.is_finished() && opener.space().is_empty() == failed || !failed);
    }

    /// A stream in which a range of bytes is replaced.
    #[test]
    fn a_replaced_range_never_opens(at in any::<prop::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 1..200)) {
        let stream = stream();
        let at = at.index(stream.len());
        let end = (at + with.len()).min(stream.len());
        let changed = [&stream[..at], &with, &stream[end..]].concat();
        prop_assume!(changed != stream);
        let (released, outcome) = open(&changed);
        prop_assert!(outcome.is_err());
        prop_assert!(plaintext(3 * CHUNK).starts_with(&released));
    }
}

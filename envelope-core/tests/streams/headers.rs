//! Headers of streams, and the messages of errors.

use std::error::Error as _;
use std::io;

use envelope_core::{
    FormatError, KeyError, KeyErrorKind, MAX_KEY_ID_BYTES, MAX_WRAPPED_KEY_BYTES, MAX_WRAPPED_KEYS,
    OpenStreamError, SealError, SealReader, SealStreamError, UntrustedStreamHeader,
};

use crate::{context, header_bytes, open, plaintext, sealed, sealer};

/// Bytes of a header before its wrapped key (FORMAT 12.2).
const FIXED: usize = 67;
/// Version, form and count, then kind, lengths, id and wrapped key of each entry (FORMAT 3.1).
const LONGEST_DEK: usize = 3 + MAX_WRAPPED_KEYS * (4 + MAX_KEY_ID_BYTES + MAX_WRAPPED_KEY_BYTES);

fn header() -> Vec<u8> {
    let mut stream = sealed(b"");
    stream.truncate(header_bytes(&stream));
    stream
}

#[test]
fn the_missing_bytes_of_a_header_are_known() {
    let header = header();
    for length in 0..=header.len() {
        let whole = if length < FIXED { FIXED } else { header.len() };
        assert_eq!(
            UntrustedStreamHeader::missing(&header[..length]),
            Ok(whole - length),
            "{length}"
        );
    }
    let behind = [&header[..], b"and more"].concat();
    assert_eq!(UntrustedStreamHeader::missing(&behind), Ok(0));
}

#[test]
fn a_wrapped_key_is_as_long_as_the_format_allows_and_no_longer() {
    let mut header = header();
    header.truncate(FIXED);
    let mut missing = |bytes: usize| {
        header[FIXED - 4..].copy_from_slice(&u32::try_from(bytes).unwrap().to_be_bytes());
        UntrustedStreamHeader::missing(&header)
    };
    for bytes in [1, LONGEST_DEK - 1, LONGEST_DEK] {
        assert_eq!(missing(bytes), Ok(bytes));
    }
    for bytes in [0, LONGEST_DEK + 1, u32::MAX as usize] {
        assert!(matches!(missing(bytes), Err(FormatError::Malformed(_))), "{bytes}");
    }
}

#[test]
fn a_header_is_parsed_only_if_it_is_exact() {
    let header = header();
    let parsed = UntrustedStreamHeader::parse(&header).unwrap();
    assert_eq!(UntrustedStreamHeader::read(&header[..]).unwrap(), parsed);
    for more in [&b"\0"[..], b"a chunk"] {
        let longer = [&header[..], more].concat();
        assert!(matches!(
            UntrustedStreamHeader::parse(&longer),
            Err(FormatError::TrailingBytes(_))
        ));
    }
    for length in 0..header.len() {
        assert!(UntrustedStreamHeader::parse(&header[..length]).is_err(), "{length}");
    }
}

fn source(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

#[test]
fn an_error_names_its_cause() {
    let disk = || io::Error::other("the disk is on fire");
    for error in [SealStreamError::Read(disk()), SealStreamError::Write(disk())] {
        assert!(error.to_string().ends_with("does not open): the disk is on fire"), "{error}");
        assert!(error.source().is_none(), "the message names it already: {error}");
    }
    let denied = || KeyError::new(KeyErrorKind::AccessDenied, "no").with_source("HTTP 400");
    let error = SealStreamError::from(denied());
    assert_eq!(
        error.to_string(),
        format!("could not seal the stream: {}", SealError::from(denied()))
    );
    assert_eq!(source(&error), "HTTP 400");

    let (_, outcome) = open(b"%PDF-2.0, and no stream that anybody sealed");
    let error = outcome.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the bytes are not a sealed stream: the mark at the start of the stream is malformed"
    );
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.get_ref().unwrap().is::<OpenStreamError>());

    let mut stream = sealed(&plaintext(5));
    *stream.last_mut().unwrap() ^= 1;
    let (_, outcome) = open(&stream);
    assert!(
        outcome.unwrap_err().source().is_none(),
        "there is one answer after a key has been used"
    );
}

/// A derived `Debug` would print the plaintext of a reader of memory.
#[test]
fn debug_of_a_sealing_reader_does_not_show_the_plaintext() {
    let reader = SealReader::new(sealer(&context()), &b"4111 1111"[..]);
    let sealer = format!("{:?}", sealer(&context()));
    assert_eq!(format!("{reader:?}"), format!("SealReader {{ sealer: {sealer}, .. }}"));
}

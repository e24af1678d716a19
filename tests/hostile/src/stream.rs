//! Opening a stream that somebody without a key may have made.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::LazyLock;

use envelope_core::{
    Context, LocalKeyProvider, OpenReader, OpenStreamError, RootKey, UntrustedStreamHeader, Value,
};

use crate::allocation::within;
use crate::vectors::{hex, vector, vectors};

/// The end of a header that parses is known. A stream that opens to its end is exactly that of a
/// vector, except for its wrapped keys: anybody may remove or add wrapped keys of others.
///
/// The bytes are a whole stream. The context of the reader is that of most vectors in
/// `vectors/stream-v1`.
pub fn stream(bytes: &[u8]) {
    let mut rest = bytes;
    // An entry of 5 bytes becomes two vectors and a kind.
    let Ok(header) = within(20, bytes.len(), || UntrustedStreamHeader::read(&mut rest)) else {
        return;
    };
    let (start, _) = bytes.split_at(bytes.len() - rest.len());
    assert_eq!(UntrustedStreamHeader::missing(start), Ok(0));
    assert_eq!(UntrustedStreamHeader::parse(start).as_ref(), Ok(&header));
    assert!(start.ends_with(&header.encrypted_dek().to_bytes()));

    let vectors = &*VECTORS;
    // The buffer of a chunk is allocated when the header is authentic, and not before.
    let room = header.chunk_size().bytes();
    let Ok(opener) = within(80, bytes.len() + room, || {
        crate::ready(header.clone().open(&vectors.context, &vectors.provider))
    }) else {
        return;
    };
    let mut reader = OpenReader::new(opener, rest);
    let mut plaintext = Vec::new();
    match reader.read_to_end(&mut plaintext) {
        Ok(_) => assert!(
            vectors.streams.contains(&without_dek(bytes, &header)),
            "a forged stream opened"
        ),
        Err(error) => {
            let said = error.to_string();
            assert!(said.len() < 1_024 && !said.contains('\n'), "{said}");
            let released = error.downcast::<OpenStreamError>().unwrap().released_bytes();
            assert_eq!(released, plaintext.len() as u64);
            assert!(
                reader
                    .read(&mut [0])
                    .is_err_and(|again| again.kind() == io::ErrorKind::InvalidData)
            );
        }
    }
    let is_the_start = |whole: &Vec<u8>| whole.starts_with(&plaintext);
    assert!(
        plaintext.is_empty() || vectors.plaintexts.iter().any(is_the_start),
        "a forged chunk was released"
    );
}

/// `stream` without its `encrypted_dek` and the length of it, which end the header (FORMAT 12.2).
fn without_dek(stream: &[u8], header: &UntrustedStreamHeader) -> Vec<u8> {
    const BEFORE_LENGTH: usize = 63;
    let (start, rest) = stream.split_at(BEFORE_LENGTH);
    let chunks = &rest[4 + header.encrypted_dek().to_bytes().len()..];
    [start, chunks].concat()
}

fn whole_without_dek(stream: &[u8]) -> Option<Vec<u8>> {
    let header = UntrustedStreamHeader::read(stream).ok()?;
    Some(without_dek(stream, &header))
}

/// The streams of `vectors/stream-v1`, and the reader of most of them.
struct Vectors {
    provider: LocalKeyProvider,
    context: Context<'static>,
    /// The streams without their wrapped keys.
    streams: HashSet<Vec<u8>>,
    /// The plaintexts of complete streams, and those before the fault of the others.
    plaintexts: Vec<Vec<u8>>,
}

static VECTORS: LazyLock<Vectors> = LazyLock::new(|| {
    let (whole, vectors) = (vector("stream-v1", "stream-whole"), vectors("stream-v1"));
    let context = Context::new(whole["table"].as_str().unwrap().to_owned());
    let pairs = whole["pairs"].as_object().unwrap();
    let context = pairs.iter().fold(context, |context, (name, value)| {
        context.pair(name.clone(), value.as_str().unwrap().to_owned()).unwrap()
    });
    let attributes = whole["attributes"].as_object().unwrap();
    let context = attributes.iter().fold(context, |context, (name, value)| {
        let value = Value::string(value["S"].as_str().unwrap().to_owned());
        context.authenticated(name.clone(), Some(value)).unwrap()
    });
    Vectors {
        provider: LocalKeyProvider::new(RootKey::from_bytes(&hex(&whole["root_key"])).unwrap()),
        context,
        streams: vectors
            .iter()
            .filter_map(|vector| whole_without_dek(&hex(&vector["stream"])))
            .collect(),
        plaintexts: vectors
            .iter()
            .flat_map(|vector| [&vector["plaintext"], &vector["released"]])
            .filter(|text| text.is_string())
            .map(hex)
            .collect(),
    }
});

//! Opening a stream that somebody who has no key may have made.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::LazyLock;

use envelope_core::{
    Context, LocalKeyProvider, OpenReader, OpenStreamError, RootKey, UntrustedStreamHeader, Value,
};

use crate::allocation::within;
use crate::vectors::{hex, vector, vectors};

/// A header that parses is told from what follows it, and a stream that opens to its end is one of
/// a vector, to the byte, wrapped keys aside: anybody may drop or add those of others.
///
/// The bytes are a whole stream. The reader's place is that of most vectors in `vectors/stream-v1`.
pub fn stream(bytes: &[u8]) {
    let mut rest = bytes;
    // An entry of 5 bytes of the wrapped key is two vectors and a kind.
    let Ok(header) = within(20, bytes.len(), || UntrustedStreamHeader::read(&mut rest)) else {
        return;
    };
    let (start, _) = bytes.split_at(bytes.len() - rest.len());
    assert_eq!(UntrustedStreamHeader::missing(start), Ok(0));
    assert_eq!(UntrustedStreamHeader::parse(start).as_ref(), Ok(&header));
    assert!(start.ends_with(&header.encrypted_dek().to_bytes()));

    let vectors = &*VECTORS;
    // A chunk has its room as soon as the header is authentic, and not before.
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

/// `stream` without its `encrypted_dek` and the length of that, which end its header (FORMAT 12.2).
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

/// What the vectors in `vectors/stream-v1` have, and the reader of most of them.
struct Vectors {
    provider: LocalKeyProvider,
    context: Context<'static>,
    /// Without their wrapped keys.
    streams: HashSet<Vec<u8>>,
    /// What whole streams hold, and what is before the fault in the others.
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

//! The vectors in `vectors/stream-v1`: streams are opened, refused and written byte by byte.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Expect, Hex, Reader, Wrapped, block_on, in_folder, kind, with_own};
use crate::kdf::hkdf_sha256;
use crate::{
    ChunkSize, Context, DataKey, OpenStreamError, OpenStreamErrorKind, StreamOpener, StreamSealer,
    UntrustedStreamHeader,
};

#[derive(Deserialize)]
struct Vector {
    expect: Expect,
    #[serde(flatten)]
    reader: Reader,
    stream: Hex,
    /// The plaintext of the chunks before the one that fails.
    released: Option<Hex>,
    #[serde(flatten)]
    rest: Json,
}

/// The further fields of a vector that opens: the choices of the writer, and the intermediate
/// values.
#[derive(Deserialize)]
struct Steps {
    data_key: Hex,
    salt: Hex,
    wrap_salt: Hex,
    chunk_size: u32,
    encryption_context: BTreeMap<String, String>,
    wrapped_keys: Vec<Wrapped>,
    stream_key: Hex,
    commitment: Hex,
    associated_data: Hex,
    plaintext: Hex,
}

impl Vector {
    /// With all attributes of the vector authenticated, because a stream does not list their names.
    fn with_context<T>(&self, run: impl FnOnce(&Context<'_>) -> T) -> T {
        let names: Vec<_> = self.reader.attributes.keys().cloned().collect();
        run(&self.reader.context(&names).unwrap())
    }

    /// The plaintext that is released, up to the end or a failure, and the outcome.
    fn open(&self) -> (Vec<u8>, Expect) {
        let mut released = Vec::new();
        let outcome = self.open_into(&mut released);
        let expect = outcome.err().map_or(Expect::Opens, |error| match error.kind() {
            OpenStreamErrorKind::Open(error) => kind(error),
            other => panic!("no vector expects {other:?}"),
        });
        (released, expect)
    }

    fn open_into(&self, released: &mut Vec<u8>) -> Result<(), OpenStreamError> {
        let mut bytes = &self.stream.0[..];
        let header = UntrustedStreamHeader::read(&mut bytes)?;
        let opened =
            self.with_context(|context| block_on(header.open(context, &self.reader.provider())));
        let mut opener: StreamOpener = opened?;
        while !opener.is_finished() {
            match opener.push(bytes)? {
                0 => opener.finish()?,
                n => bytes = &bytes[n..],
            }
            released.extend_from_slice(opener.output());
            opener.consume(opener.output().len());
        }
        Ok(())
    }
}

fn vectors() -> Vec<(String, Vector)> {
    in_folder("stream-v1")
}

fn vectors_that_open() -> impl Iterator<Item = (String, Vector, Steps)> {
    vectors().into_iter().filter(|(_, vector)| vector.expect == Expect::Opens).map(
        |(name, vector)| {
            let steps = serde_json::from_value(vector.rest.clone())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, vector, steps)
        },
    )
}

#[test]
fn every_stream_opens_or_fails_and_releases_as_expected() {
    for (name, vector) in vectors() {
        let (released, outcome) = vector.open();
        assert_eq!(outcome, vector.expect, "{name}");
        if let Some(expected) = vector.released {
            assert_eq!(released, expected.0, "{name}");
        }
    }
}

#[test]
fn every_kind_of_outcome_has_a_stream() {
    let kinds: BTreeSet<_> = vectors().into_iter().map(|(_, vector)| vector.expect).collect();
    assert_eq!(kinds.len(), Expect::Authentication as usize + 1, "only {kinds:?}");
}

#[test]
fn every_intermediate_value_of_the_streams_matches() {
    for (name, vector, steps) in vectors_that_open() {
        vector.with_context(|context| {
            let pairs = context.encryption_context();
            let pairs: BTreeMap<_, _> =
                pairs.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(pairs, steps.encryption_context, "{name}");
            assert_eq!(context.stream_associated_data(1, 1), steps.associated_data.0, "{name}");
        });
        let exponent = u8::try_from(steps.chunk_size).unwrap();
        let mut okm = [0; 64];
        hkdf_sha256(
            &steps.data_key.0,
            &steps.salt.0,
            &[&b"envelope stream 1 1"[..], &[exponent]].concat(),
            &mut okm,
        );
        assert_eq!(okm[..], [steps.stream_key.0, steps.commitment.0].concat(), "{name}");

        let header = UntrustedStreamHeader::read(&vector.stream.0[..]).unwrap();
        assert_eq!(header.chunk_size().bytes(), 1 << steps.chunk_size, "{name}");
        assert_eq!(
            header.encrypted_dek().keys().iter().map(Wrapped::of).collect::<Vec<_>>(),
            steps.wrapped_keys,
            "{name}"
        );
        assert_eq!(vector.open().0, steps.plaintext.0, "{name}");
    }
}

#[test]
fn the_writer_writes_the_bytes_of_the_streams() {
    for (name, vector, steps) in vectors_that_open() {
        let header = UntrustedStreamHeader::read(&vector.stream.0[..]).unwrap();
        let chunk_size = ChunkSize::new(1 << steps.chunk_size).unwrap();
        let sealed = vector.with_context(|context| {
            let (_, own) = vector.reader.wrap(
                &steps.data_key,
                &steps.wrap_salt,
                &context.encryption_context(),
            );
            assert!(header.encrypted_dek().keys().contains(&own), "{name}");
            let dek = with_own(header.encrypted_dek(), &own);
            let data_key = DataKey::from_slice(&steps.data_key.0).unwrap();
            let mut sealer =
                StreamSealer::with_salt(chunk_size, context, data_key, &dek, &steps.salt.array());
            assert_eq!(
                sealer.sealed_len(steps.plaintext.0.len() as u64),
                Some(vector.stream.0.len() as u64),
                "{name}"
            );
            let (mut plaintext, mut sealed) = (&steps.plaintext.0[..], Vec::new());
            while !sealer.is_finished() {
                sealed.extend_from_slice(sealer.output());
                sealer.consume(sealer.output().len());
                match sealer.push(plaintext).unwrap() {
                    0 => sealer.finish().unwrap(),
                    n => plaintext = &plaintext[n..],
                }
            }
            sealed
        });
        assert_eq!(sealed, vector.stream.0, "{name}");
    }
}

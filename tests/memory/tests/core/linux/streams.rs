//! Streams: their chunks and their key.

use envelope_core::{StreamSealer, UntrustedStreamHeader};
use envelope_memory_tests::{
    Masked, Search, Seed, Service, alone, assert_nothing, at_once, hkdf, leave_behind,
};
use zeroize::Zeroize;

use super::context;
use super::seeded::{self, Seeded};

const CHUNKS: Seed = Seed(0xa54f_f53a_5f1d_36f1);
/// More than a chunk of 64 KiB.
const PARTS: usize = 1_000;
const PART_LETTERS: usize = 80;

#[test]
fn nothing_of_an_object_stays_in_memory() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let sealed = sealed();
        opened(&sealed);
        sealed
    });
    let sought = || {
        let mut search = Search::default();
        let [extracted, stream_key] =
            hkdf(&seeded::masked(0), salt(&service.output), &info(&service.output));
        search.add("data key", &seeded::masked(0));
        search.add("extracted key", &extracted);
        search.add("stream key", &stream_key);
        for part in 0..PARTS {
            search.add(
                "plaintext",
                &Masked::new(PART_LETTERS, |at| u8::try_from(CHUNKS.letter(part, at)).unwrap()),
            );
        }
        search
    };
    assert_nothing(sought, service.stack());
}

fn sealed() -> Vec<u8> {
    let mut sealer = at_once(StreamSealer::new(&context(), &Seeded::default())).unwrap();
    let mut sealed = Vec::new();
    for part in 0..PARTS {
        let mut text = CHUNKS.text(part, PART_LETTERS);
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            take(&mut sealed, &mut sealer);
            let taken = sealer.push(rest).unwrap();
            rest = &rest[taken..];
        }
        text.zeroize();
    }
    while !sealer.is_finished() {
        take(&mut sealed, &mut sealer);
        sealer.finish().unwrap();
    }
    take(&mut sealed, &mut sealer);
    sealed
}

fn take(sealed: &mut Vec<u8>, sealer: &mut StreamSealer) {
    sealed.extend_from_slice(sealer.output());
    sealer.consume(sealer.output().len());
}

/// Reads the object to its end, and keeps nothing.
fn opened(mut sealed: &[u8]) {
    let header = UntrustedStreamHeader::read(&mut sealed).unwrap();
    let mut opener = at_once(header.open(&context(), &Seeded::default())).unwrap();
    let mut bytes = 0;
    while !opener.is_finished() {
        let taken = opener.output().len();
        opener.consume(taken);
        bytes += taken;
        match opener.push(sealed).unwrap() {
            0 if opener.output().is_empty() => opener.finish().unwrap(),
            pushed => sealed = &sealed[pushed..],
        }
    }
    assert_eq!(bytes, PARTS * PART_LETTERS);
}

/// FORMAT 12.2.
fn salt(sealed: &[u8]) -> &[u8] {
    &sealed[7..31]
}

/// FORMAT 12.3.
fn info(sealed: &[u8]) -> Vec<u8> {
    [b"envelope stream 1 1", &sealed[6..7]].concat()
}

//! Objects of all lengths, and all ways to split their bytes.

use std::io::{self, Read, Write};

use envelope_core::{OpenReader, SealReader, SealWriter};
use proptest::prelude::*;

use crate::{CHUNK, TAG, context, header_bytes, open, opener, plaintext, sealed, sealer};

/// Lengths at and around the boundaries of chunks, and any others.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        3 => (0..4usize, 0..5usize).prop_map(|(chunks, more)| (chunks * CHUNK + more).saturating_sub(2)),
        1 => 0..4 * CHUNK,
    ]
}

/// Reads and writes as many bytes at a time as `sizes` says in turn.
pub(crate) struct Choppy<T> {
    inner: T,
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl<T> Choppy<T> {
    pub(crate) fn new(inner: T, sizes: Vec<usize>) -> Self {
        Self { inner, sizes: sizes.into_iter().cycle() }
    }

    fn next(&mut self, most: usize) -> io::Result<usize> {
        match self.sizes.next().unwrap() {
            0 => Err(io::ErrorKind::Interrupted.into()),
            n => Ok(n.min(most)),
        }
    }
}

impl<R: Read> Read for Choppy<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.next(to.len())?;
        self.inner.read(&mut to[..n])
    }
}

impl<W: Write> Write for Choppy<W> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let n = self.next(from.len())?;
        self.inner.write(&from[..n])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Sizes of reads and writes. 0 is an interruption by a signal, after which the call is repeated.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![Just(0), 1..20usize, CHUNK - 2..CHUNK + 20, Just(5000)];
    (proptest::collection::vec(size, 0..6), 1..2000usize).prop_map(|(mut sizes, some)| {
        sizes.push(some);
        sizes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sealed_stream_has_the_announced_length_and_opens(length in length()) {
        let plaintext = plaintext(length);
        let stream = sealed(&plaintext);
        let chunks = length.div_ceil(CHUNK).max(1);
        prop_assert_eq!(stream.len(), header_bytes(&stream) + length + chunks * TAG);
        prop_assert_eq!(sealer(&context()).sealed_len(length as u64), Some(stream.len() as u64));
        let (opened, outcome) = open(&stream);
        prop_assert!(outcome.is_ok());
        prop_assert_eq!(opened, plaintext);
    }

    #[test]
    fn short_reads_and_interruptions_change_nothing(length in length(), inner in sizes(), outer in sizes()) {
        let plaintext = plaintext(length);
        let mut stream = Vec::new();
        let reader = SealReader::new(sealer(&context()), Choppy::new(&plaintext[..], inner.clone()));
        Choppy::new(reader, outer.clone()).read_to_end(&mut stream).unwrap();

        let mut bytes = Choppy::new(&stream[..], inner);
        let opener = opener(&mut bytes, &context()).unwrap();
        let mut opened = Vec::new();
        Choppy::new(OpenReader::new(opener, bytes), outer).read_to_end(&mut opened).unwrap();
        prop_assert_eq!(opened, plaintext);
    }

    #[test]
    fn short_writes_interruptions_and_flushes_change_nothing(length in length(), inner in sizes(), outer in sizes()) {
        let plaintext = plaintext(length);
        let mut writer = SealWriter::new(sealer(&context()), Choppy::new(Vec::new(), inner));
        for part in plaintext.chunks(outer.iter().sum::<usize>()) {
            writer.write_all(part).unwrap();
            writer.flush().unwrap();
        }
        let stream = writer.finish().unwrap().inner;
        prop_assert_eq!(stream.len(), sealed(&plaintext).len());
        let (opened, outcome) = open(&stream);
        prop_assert!(outcome.is_ok());
        prop_assert_eq!(opened, plaintext);
    }
}

#[test]
fn two_streams_of_one_object_share_no_chunk() {
    let [first, second] = [0, 1].map(|_| sealed(&plaintext(3 * CHUNK)));
    let chunks =
        |stream: &[u8]| crate::parts(stream).1.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
    for chunk in chunks(&first) {
        assert!(!chunks(&second).contains(&chunk));
    }
}

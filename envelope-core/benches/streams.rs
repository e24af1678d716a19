//! Sealing and opening streams, compared with the raw cipher on the same chunks, in one run.
//!
//! Run `cargo bench -p envelope-core --features tokio --bench streams`, and again with the feature
//! `aws-lc-rs`. It prints medians for one chunk, and ratios, which are more reliable on a shared
//! machine.
//!
//! The raw cipher keeps its expanded key and works in place, in one buffer. Before opening, every
//! contender copies each sealed chunk into that buffer, because opening in place destroys it.
//! "Raw and copies" also copies as a reader must: from its source, and to its caller.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

#[path = "../../benches/harness.rs"]
#[expect(dead_code, reason = "no input is used up here, and a row is one chunk")]
mod harness;

use std::hint::black_box;
use std::io::Read;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

use envelope_core::{
    ChunkSize, Context, LocalKeyProvider, OpenReader, RootKey, SealReader, StreamOpener,
    StreamSealer, UntrustedStreamHeader,
};

use harness::{Contender, Medians, heading, medians, repeated, row};

const CHUNKS: usize = 16;
/// Bytes that the caller of a reader asks for.
const READ_BYTES: usize = 1 << 16;
const TAG_BYTES: usize = 16;

#[cfg(feature = "aws-lc-rs")]
mod raw {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    pub(crate) const NAME: &str = "aws-lc-rs";

    pub(crate) struct Cipher(LessSafeKey);

    impl Cipher {
        pub(crate) fn new() -> Self {
            Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap()))
        }

        pub(crate) fn seal(&self, nonce: [u8; 12], aad: &[u8], message: &mut [u8]) -> [u8; 16] {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), message).unwrap();
            tag.as_ref().try_into().unwrap()
        }

        pub(crate) fn open(&self, nonce: [u8; 12], aad: &[u8], message: &mut [u8], tag: &[u8; 16]) {
            let nonce = Nonce::assume_unique_for_key(nonce);
            self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, message).unwrap();
        }
    }
}

#[cfg(not(feature = "aws-lc-rs"))]
mod raw {
    use aes_gcm::aead::AeadInOut;
    use aes_gcm::aead::inout::InOutBuf;
    use aes_gcm::{Aes256Gcm, KeyInit};

    pub(crate) const NAME: &str = "aes-gcm";

    pub(crate) struct Cipher(Aes256Gcm);

    impl Cipher {
        pub(crate) fn new() -> Self {
            Self(Aes256Gcm::new(&[7; 32].into()))
        }

        pub(crate) fn seal(&self, nonce: [u8; 12], aad: &[u8], message: &mut [u8]) -> [u8; 16] {
            self.0
                .encrypt_inout_detached(&nonce.into(), aad, InOutBuf::from(message))
                .unwrap()
                .into()
        }

        pub(crate) fn open(&self, nonce: [u8; 12], aad: &[u8], message: &mut [u8], tag: &[u8; 16]) {
            self.0
                .decrypt_inout_detached(&nonce.into(), aad, InOutBuf::from(message), &(*tag).into())
                .unwrap();
        }
    }
}

fn nonce(chunk: usize) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&(chunk as u64).to_be_bytes());
    nonce
}

/// The local provider never waits, so one poll is the whole operation.
fn now<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) else {
        unreachable!("nothing waits")
    };
    output
}

struct Bench {
    provider: LocalKeyProvider,
    context: Context<'static>,
    chunk_size: ChunkSize,
    plaintext: Vec<u8>,
    /// A whole stream.
    sealed: Vec<u8>,
    /// The chunks of the raw cipher, each with its tag.
    raw: Vec<u8>,
}

impl Bench {
    fn new(chunk_bytes: usize) -> Self {
        let mut bench = Self {
            provider: LocalKeyProvider::new(RootKey::generate().unwrap()),
            context: Context::new("invoices").pair("object", "2026/11/invoice-7.pdf").unwrap(),
            chunk_size: ChunkSize::new(chunk_bytes).unwrap(),
            plaintext: (0..=250).cycle().take(CHUNKS * chunk_bytes).collect(),
            sealed: Vec::new(),
            raw: Vec::new(),
        };
        SealReader::new(bench.sealer(), &bench.plaintext[..])
            .read_to_end(&mut bench.sealed)
            .unwrap();
        let cipher = raw::Cipher::new();
        for (i, chunk) in bench.plaintext.chunks(chunk_bytes).enumerate() {
            let mut chunk = chunk.to_vec();
            let tag = cipher.seal(nonce(i), b"invoices", &mut chunk);
            bench.raw.extend_from_slice(&chunk);
            bench.raw.extend_from_slice(&tag);
        }
        bench
    }

    fn sealer(&self) -> StreamSealer {
        now(StreamSealer::with_chunk_size(self.chunk_size, &self.context, &self.provider)).unwrap()
    }

    fn opener(&self, stream: &mut &[u8]) -> StreamOpener {
        now(UntrustedStreamHeader::read(stream).unwrap().open(&self.context, &self.provider))
            .unwrap()
    }

    fn seal_raw(&self) {
        let (cipher, mut buffer) = (raw::Cipher::new(), vec![0; self.chunk_size.bytes()]);
        for chunk in 0..CHUNKS {
            black_box(cipher.seal(nonce(chunk), b"invoices", black_box(&mut buffer)));
        }
    }

    fn seal_raw_and_copy(&self) {
        let (cipher, mut buffer) = (raw::Cipher::new(), vec![0; self.chunk_size.bytes()]);
        let mut read = vec![0; READ_BYTES];
        for (i, chunk) in self.plaintext.chunks(self.chunk_size.bytes()).enumerate() {
            buffer.copy_from_slice(black_box(chunk));
            let tag = cipher.seal(nonce(i), b"invoices", &mut buffer);
            copy_out(&buffer, &mut read);
            copy_out(&tag, &mut read);
        }
    }

    /// The bytes that are in the sealer's space already are the plaintext, so that nothing is
    /// copied here either.
    fn seal_core(&self) {
        let (mut sealer, mut left) = (self.sealer(), self.plaintext.len());
        while !sealer.is_finished() {
            black_box(sealer.output());
            sealer.consume(sealer.output().len());
            match sealer.space().len().min(left) {
                0 => sealer.finish().unwrap(),
                n => {
                    sealer.filled(n).unwrap();
                    left -= n;
                }
            }
        }
    }

    fn seal_through_reader(&self) {
        drain(SealReader::new(self.sealer(), &self.plaintext[..]));
    }

    fn open_raw(&self) {
        self.open_raw_and(|_| ());
    }

    fn open_raw_and_copy(&self) {
        let mut read = vec![0; READ_BYTES];
        self.open_raw_and(|message| copy_out(message, &mut read));
    }

    fn open_raw_and(&self, mut take: impl FnMut(&[u8])) {
        let (cipher, mut buffer) =
            (raw::Cipher::new(), vec![0; self.chunk_size.bytes() + TAG_BYTES]);
        for (i, chunk) in self.raw.chunks(self.chunk_size.bytes() + TAG_BYTES).enumerate() {
            buffer.copy_from_slice(black_box(chunk));
            let (message, tag) = buffer.split_last_chunk_mut().unwrap();
            cipher.open(nonce(i), b"invoices", message, tag);
            take(black_box(message));
        }
    }

    fn open_core(&self) {
        let mut sealed = &self.sealed[..];
        let mut opener = self.opener(&mut sealed);
        while !opener.is_finished() {
            black_box(opener.output());
            opener.consume(opener.output().len());
            match opener.push(sealed).unwrap() {
                0 => opener.finish().unwrap(),
                n => sealed = &sealed[n..],
            }
        }
    }

    fn open_through_reader(&self) {
        let mut sealed = &self.sealed[..];
        drain(OpenReader::new(self.opener(&mut sealed), sealed));
    }
}

fn drain(mut reader: impl Read) {
    let mut buffer = vec![0; READ_BYTES];
    while reader.read(&mut buffer).unwrap() > 0 {
        black_box(&buffer);
    }
}

/// Copies as much at a time as the caller of a reader asks for.
fn copy_out(bytes: &[u8], to: &mut [u8]) {
    for part in bytes.chunks(to.len()) {
        to[..part.len()].copy_from_slice(part);
        black_box(&to);
    }
}

/// Prints the times for one chunk.
fn per_chunk<const N: usize>(name: &str, contenders: [Contender<'_>; N]) {
    let Medians { microseconds, ratios } = medians(contenders);
    row(name, &Medians { microseconds: microseconds.map(|us| us / CHUNKS as f64), ratios });
}

fn main() {
    println!(
        "objects of {CHUNKS} chunks; medians in microseconds a chunk, and ratios to {}",
        raw::NAME
    );
    let benches = [1 << 12, 1 << 16, 1 << 20].map(Bench::new);
    let name =
        |operation, bench: &Bench| format!("{operation} {} KiB", bench.chunk_size.bytes() >> 10);

    heading("whole chunks", &["core", "raw cipher"]);
    for bench in &benches {
        per_chunk(
            &name("seal", bench),
            [&mut repeated(|| bench.seal_core()), &mut repeated(|| bench.seal_raw())],
        );
        per_chunk(
            &name("open", bench),
            [&mut repeated(|| bench.open_core()), &mut repeated(|| bench.open_raw())],
        );
    }
    heading("through a reader", &["a reader", "raw cipher", "raw and copies"]);
    for bench in &benches {
        per_chunk(
            &name("seal", bench),
            [
                &mut repeated(|| bench.seal_through_reader()),
                &mut repeated(|| bench.seal_raw()),
                &mut repeated(|| bench.seal_raw_and_copy()),
            ],
        );
        per_chunk(
            &name("open", bench),
            [
                &mut repeated(|| bench.open_through_reader()),
                &mut repeated(|| bench.open_raw()),
                &mut repeated(|| bench.open_raw_and_copy()),
            ],
        );
    }
}

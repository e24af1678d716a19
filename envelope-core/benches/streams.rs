//! Sealing and opening streams, compared with the raw cipher on the same chunks, in one run.
//!
//! Run `cargo bench -p envelope-core --features tokio --bench streams`, and again with the feature
//! `aws-lc-rs`. It prints medians, and ratios, which are more reliable on a shared machine: the
//! contenders take turns, sample by sample.
//!
//! The raw cipher keeps its expanded key and works in place, in one buffer. Before opening, every
//! contender copies each sealed chunk into that buffer, because opening in place destroys it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::hint::black_box;
use std::io::Read;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use envelope_core::{
    ChunkSize, Context, LocalKeyProvider, OpenReader, RootKey, SealReader, StreamOpener,
    StreamSealer, UntrustedStreamHeader,
};

/// Small enough that most samples pass undisturbed by the rest of the machine.
const CHUNKS: usize = 16;
const SAMPLES: usize = 401;
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
        let (cipher, mut buffer) =
            (raw::Cipher::new(), vec![0; self.chunk_size.bytes() + TAG_BYTES]);
        for (i, chunk) in self.raw.chunks(self.chunk_size.bytes() + TAG_BYTES).enumerate() {
            buffer.copy_from_slice(black_box(chunk));
            let (message, tag) = buffer.split_last_chunk_mut().unwrap();
            cipher.open(nonce(i), b"invoices", message, tag);
            black_box(message);
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
    let mut buffer = vec![0; 1 << 16];
    while reader.read(&mut buffer).unwrap() > 0 {
        black_box(&buffer);
    }
}

/// Microseconds per chunk: one median per contender. The contenders take turns.
fn medians<const N: usize>(contenders: [&dyn Fn(); N]) -> [f64; N] {
    let mut samples = [(); N].map(|()| Vec::with_capacity(SAMPLES));
    for _ in 0..SAMPLES {
        for (run, samples) in contenders.iter().zip(&mut samples) {
            let start = Instant::now();
            run();
            samples.push(start.elapsed());
        }
    }
    samples.map(|mut samples: Vec<Duration>| {
        samples.sort_unstable();
        samples[SAMPLES / 2].as_secs_f64() * 1e6 / CHUNKS as f64
    })
}

fn row(operation: &str, chunk_bytes: usize, [raw, core, reader]: [f64; 3]) {
    let chunk = format!("{} KiB", chunk_bytes >> 10);
    println!(
        "{operation:<6} {chunk:>9} {raw:>12.2} {core:>10.2} {:>7.2} {reader:>12.2} {:>7.2}",
        core / raw,
        reader / raw
    );
}

fn main() {
    println!(
        "objects of {CHUNKS} chunks; medians in microseconds a chunk, and ratios to raw {}\n",
        raw::NAME
    );
    println!("         chunks   raw cipher       core   ratio     a reader   ratio");
    for chunk_bytes in [1 << 12, 1 << 16, 1 << 20] {
        let bench = Bench::new(chunk_bytes);
        row(
            "seal",
            chunk_bytes,
            medians([&|| bench.seal_raw(), &|| bench.seal_core(), &|| bench.seal_through_reader()]),
        );
        row(
            "open",
            chunk_bytes,
            medians([&|| bench.open_raw(), &|| bench.open_core(), &|| bench.open_through_reader()]),
        );
    }
}

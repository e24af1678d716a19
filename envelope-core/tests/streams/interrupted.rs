//! Readers and writers that fail, are dropped, or are used again.

use std::io::{self, Read, Write};
use std::sync::Mutex;

use envelope_core::{
    ChunkSize, DataKey, EncryptionContext, GeneratedKey, KeyFuture, OpenReader, SealReader,
    SealWriter, StreamSealer, WrapKey,
};

use crate::{
    CHUNK, block_on, context, is_authentication, open, open_error, opener, plaintext, provider,
    sealed, sealer,
};

/// Fails once, at `at` bytes.
struct FailsAt<'b> {
    bytes: &'b [u8],
    at: usize,
    failed: bool,
}

impl Read for FailsAt<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == 0 && !self.failed {
            self.failed = true;
            return Err(io::ErrorKind::TimedOut.into());
        }
        let most = if self.failed { to.len() } else { self.at.min(to.len()) };
        let n = self.bytes.read(&mut to[..most])?;
        self.at -= if self.failed { 0 } else { n };
        Ok(n)
    }
}

#[test]
fn a_stream_that_was_not_finished_does_not_open() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let mut written = Vec::new();
        let mut writer = SealWriter::new(sealer(&context()), &mut written);
        writer.write_all(&plaintext(length)).unwrap();
        writer.flush().unwrap();
        drop(writer);
        let (_, outcome) = open(&written);
        assert!(is_authentication(&outcome.unwrap_err()), "{length}");
    }
}

#[test]
fn flushing_writes_every_chunk_but_the_last() {
    let mut written = Vec::new();
    let mut writer = SealWriter::new(sealer(&context()), &mut written);
    writer.write_all(&plaintext(2 * CHUNK)).unwrap();
    writer.flush().unwrap();
    drop(writer);
    assert_eq!(crate::parts(&written).1.len(), 1);
}

#[test]
fn a_failing_reader_is_not_the_end() {
    let whole = plaintext(3 * CHUNK + 5);
    for at in [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK, whole.len()] {
        let mut reader =
            SealReader::new(sealer(&context()), FailsAt { bytes: &whole, at, failed: false });
        let mut stream = Vec::new();
        assert_eq!(reader.read_to_end(&mut stream).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(open(&stream).1.is_err(), "{at}");
        // A further read continues.
        reader.read_to_end(&mut stream).unwrap();
        assert_eq!(open(&stream).0, whole, "{at}");

        let mut bytes = &stream[..];
        let opener = opener(&mut bytes, &context()).unwrap();
        let mut reader = OpenReader::new(opener, FailsAt { bytes, at, failed: false });
        let mut opened = Vec::new();
        assert_eq!(reader.read_to_end(&mut opened).unwrap_err().kind(), io::ErrorKind::TimedOut);
        reader.read_to_end(&mut opened).unwrap();
        assert_eq!(opened, whole, "{at}");
    }
}

#[test]
fn an_error_is_never_followed_by_an_end() {
    let mut stream = sealed(&plaintext(2 * CHUNK));
    stream.pop();
    let mut bytes = &stream[..];
    let mut reader = OpenReader::new(opener(&mut bytes, &context()).unwrap(), bytes);
    let mut opened = Vec::new();
    for _ in 0..3 {
        let error = open_error(reader.read_to_end(&mut opened).unwrap_err());
        assert!(is_authentication(&error));
        assert_eq!(error.released_bytes(), CHUNK as u64);
    }
    assert_eq!(opened, plaintext(CHUNK));
}

#[test]
fn an_end_stays_an_end() {
    let stream = sealed(b"text");
    let mut bytes = &stream[..];
    let mut reader = OpenReader::new(opener(&mut bytes, &context()).unwrap(), bytes);
    assert_eq!(reader.read(&mut []).unwrap(), 0, "no bytes were asked for: this is not the end");
    let mut opened = [0; 10];
    assert_eq!(reader.read(&mut opened).unwrap(), 4);
    assert_eq!((reader.read(&mut opened).unwrap(), reader.read(&mut opened).unwrap()), (0, 0));

    let mut sealer = sealer(&context());
    sealer.consume(sealer.output().len());
    sealer.finish().unwrap();
    let last = sealer.output().to_vec();
    sealer.finish().unwrap();
    assert_eq!(sealer.output(), last);
    sealer.consume(last.len());
    sealer.finish().unwrap();
    assert!(sealer.is_finished() && sealer.output().is_empty() && sealer.space().is_empty());
    assert_eq!(sealer.push(b"more").unwrap(), 0);
}

/// A writer that accepts a number of bytes and then no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.0);
        self.0 -= n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_accepts_nothing_is_an_error() {
    let mut writer = SealWriter::new(sealer(&context()), Full(2000));
    assert_eq!(
        writer.write_all(&plaintext(5 * CHUNK)).unwrap_err().kind(),
        io::ErrorKind::WriteZero
    );
    assert_eq!(writer.finish().map(|_| ()).unwrap_err().kind(), io::ErrorKind::WriteZero);
}

#[test]
#[should_panic(expected = "take the output of the stream before finishing it")]
fn finishing_a_sealer_with_output_panics() {
    let _ = sealer(&context()).finish();
}

/// Keeps a share of the data key that it returned.
#[derive(Debug, Default)]
struct Keeping(Mutex<Option<DataKey>>);

impl WrapKey for Keeping {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move {
            let generated = provider().generate(context).await?;
            *self.0.lock().unwrap() = Some(generated.data_key.share());
            Ok(generated)
        })
    }
}

#[test]
fn a_stream_counts_its_bytes_for_the_data_key() {
    let keeping = Keeping::default();
    let sealer =
        block_on(StreamSealer::with_chunk_size(ChunkSize::MIN, &context(), &keeping)).unwrap();
    let mut writer = SealWriter::new(sealer, io::sink());
    writer.write_all(&plaintext(3 * CHUNK + 5)).unwrap();
    let counted = || keeping.0.lock().unwrap().as_ref().unwrap().sealed_bytes();
    assert_eq!(counted(), 3 * CHUNK as u64);
    writer.finish().unwrap();
    assert_eq!(counted(), 3 * CHUNK as u64 + 5);
}

//! Payloads, streams and search tags leave no plaintext in memory. The tests read the memory of
//! their own process through `/proc/self/mem`, so they run on Linux only.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

use envelope_core::search::{Definition, SearchKey, SearchValue, Step};
use envelope_core::{
    ChunkSize, Content, Context, DataKey, LocalKeyProvider, PayloadBuilder, RootKey, StreamOpener,
    StreamSealer, UntrustedPayload, UntrustedStreamHeader,
};

/// Tests that search the memory of the process run one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that occur only in the plaintext: the test itself holds one of them at a time.
const MARK_BYTES: usize = 24;

/// Lower-case letters, so that the mark can be a text after the steps of a search.
fn mark(i: usize) -> u8 {
    black_box(b'a') + ((i % MARK_BYTES) as u8).wrapping_mul(11).wrapping_add(black_box(5)) % 26
}

/// How often the mark occurs in the writable memory of this process.
fn marks_in_memory() -> usize {
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut window = vec![0; 1 << 20];
    let own = window.as_ptr_range();
    let own = own.start as usize..own.end as usize;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let writable = maps
        .lines()
        .filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")));
    let mut found = 0;
    for line in writable {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [mut at, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
        while at < end {
            let n = window.len().min(end - at);
            // Some mappings cannot be read. The buffer itself contains copies of other memory.
            let sought = memory.seek(SeekFrom::Start(at as u64));
            let read = sought.and_then(|_| memory.read(&mut window[..n])).unwrap_or(0);
            let overlaps = |position: usize| {
                own.contains(&(at + position)) || own.contains(&(at + position + MARK_BYTES))
            };
            found += positions(&window[..read]).filter(|position| !overlaps(*position)).count();
            // Reads overlap, so that a mark across a border is found.
            at += if n < window.len() { n } else { n - MARK_BYTES };
        }
    }
    window.fill(0);
    black_box(&window);
    found
}

fn positions(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let first = mark(0);
    let candidates = bytes
        .iter()
        .enumerate()
        .filter(move |(_, byte)| **byte == first)
        .map(|(position, _)| position);
    candidates.filter(|position| {
        bytes
            .get(*position..position + MARK_BYTES)
            .is_some_and(|part| part.iter().enumerate().all(|(i, b)| *b == mark(i)))
    })
}

fn provider() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&[7; 32]).unwrap())
}

/// The local provider never waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the local provider never waits"),
    }
}

/// Writes plaintext where it will be sealed, and takes the output.
fn fill(sealer: &mut StreamSealer, mut bytes: usize, sealed: &mut Vec<u8>) {
    while bytes > 0 {
        sealed.extend_from_slice(sealer.output());
        sealer.consume(sealer.output().len());
        let space = sealer.space();
        let n = space.len().min(bytes);
        space[..n].iter_mut().enumerate().for_each(|(i, byte)| *byte = mark(i));
        sealer.filled(n).unwrap();
        bytes -= n;
    }
}

fn opener(sealed: &mut &[u8]) -> StreamOpener {
    block_on(
        UntrustedStreamHeader::read(sealed).unwrap().open(&Context::new("wiping"), &provider()),
    )
    .unwrap()
}

/// The payload is longer than announced, and memory behind its buffer is in use. So the buffer
/// moves when it grows.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc/self/mem: run it on Linux")]
fn a_growing_payload_leaves_no_copy_of_its_plaintext() {
    const MARKS: usize = 4_000;
    /// Pieces of a mark that do not fill the first allocation exactly.
    const PIECE: usize = 6;
    let _alone = alone();
    let (context, key) = (Context::new("wiping"), DataKey::generate().unwrap());
    let mut in_the_way = Vec::with_capacity(MARKS);
    let mut payload = PayloadBuilder::new(0, []);
    for _ in 0..MARKS {
        for piece in 0..MARK_BYTES / PIECE {
            payload.extend_from_slice(&std::array::from_fn::<_, PIECE, _>(|i| {
                mark(piece * PIECE + i)
            }));
        }
        in_the_way.push(Box::new([0_u8; 64]));
    }
    assert_eq!(marks_in_memory(), MARKS, "each stands in the payload, and nowhere else");
    let sealed = payload.seal(Content::Bytes, &context, &key).unwrap();
    assert_eq!(marks_in_memory(), 0, "sealed in place");

    let mut dropped = PayloadBuilder::new(0, []);
    (0..MARKS * MARK_BYTES).for_each(|i| dropped.extend_from_slice(&[mark(i)]));
    assert_eq!(marks_in_memory(), MARKS);
    drop(dropped);
    assert_eq!(marks_in_memory(), 0, "dropped before it was sealed");

    let plaintext =
        UntrustedPayload::parse(sealed).unwrap().open(Content::Bytes, &context, &key).unwrap();
    assert_eq!(marks_in_memory(), MARKS, "opened in place");
    drop(plaintext);
    assert_eq!(marks_in_memory(), 0, "dropped after it was opened");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc/self/mem: run it on Linux")]
fn a_stream_leaves_no_plaintext_however_it_ends() {
    let _alone = alone();
    let context = Context::new("wiping");
    let mut sealed = Vec::new();
    let mut sealer =
        block_on(StreamSealer::with_chunk_size(ChunkSize::default(), &context, &provider()))
            .unwrap();
    assert_eq!(marks_in_memory(), 0);

    fill(&mut sealer, 200_000, &mut sealed);
    assert!(marks_in_memory() > 100, "the chunk that is being filled is seen");
    sealer.finish().unwrap();
    sealed.extend_from_slice(sealer.output());
    sealer.consume(sealer.output().len());
    assert!(sealer.is_finished());
    assert_eq!(marks_in_memory(), 0, "sealed in place");
    drop(sealer);

    let mut half_written = block_on(StreamSealer::new(&context, &provider())).unwrap();
    fill(&mut half_written, 100_000, &mut Vec::new());
    assert!(marks_in_memory() > 100);
    drop(half_written);
    assert_eq!(marks_in_memory(), 0, "dropped before it was finished");

    let mut bytes = &sealed[..];
    let mut opened = opener(&mut bytes);
    let n = opened.push(bytes).unwrap();
    assert!(marks_in_memory() > 100, "the chunk that was opened is seen");
    drop(opened);
    assert_eq!(marks_in_memory(), 0, "dropped before it was read");

    let mut bytes = &sealed[..];
    let mut failing = opener(&mut bytes);
    failing.push(bytes).unwrap();
    failing.consume(failing.output().len());
    failing.push(&bytes[n..n + 50]).unwrap();
    assert!(
        marks_in_memory() > 100,
        "behind the beginning of the next chunk there is still the last"
    );
    assert!(failing.finish().is_err());
    assert_eq!(marks_in_memory(), 0, "failed, and not yet dropped");

    let mut bytes = &sealed[..];
    let mut opened = opener(&mut bytes);
    let mut total = 0;
    while !opened.is_finished() {
        match opened.push(bytes).unwrap() {
            0 => opened.finish().unwrap(),
            n => bytes = &bytes[n..],
        }
        total += opened.output().len();
        opened.consume(opened.output().len());
    }
    assert_eq!(total, 200_000);
    assert!(marks_in_memory() > 0, "until it is dropped, the last chunk is there");
    drop(opened);
    assert_eq!(marks_in_memory(), 0, "dropped after the end");
}

/// The text is in upper case, so only copies after the steps have the mark. It begins with other
/// letters: an allocator overwrites the beginning of what is freed.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc/self/mem: run it on Linux")]
fn a_search_tag_leaves_no_copy_of_its_value() {
    let _alone = alone();
    let fields = [("email", &[Step::Trim, Step::AsciiLowercase][..])];
    let definition = Definition::new("users", "email", &fields);
    let tagger = SearchKey::generate().unwrap().tagger(&definition);
    let mut email = format!(" {}", "X".repeat(40));
    (0..MARK_BYTES).for_each(|i| email.push(mark(i).to_ascii_uppercase().into()));
    let values = [SearchValue::Text(&email)];
    assert_eq!(marks_in_memory(), 0);

    let message = tagger.message(&values).unwrap();
    assert_eq!(marks_in_memory(), 1, "in the message, and nowhere else");
    let tag = tagger.tag_of(&message);
    assert_eq!(marks_in_memory(), 1, "not in what the HMAC leaves on the stack");
    drop(message);
    assert_eq!(marks_in_memory(), 0, "dropped");
    assert_eq!(tagger.tag(&values), Some(tag));
    assert_eq!(marks_in_memory(), 0, "a tag without a message that is kept");
}

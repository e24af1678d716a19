//! The memory of a stream: one chunk, whatever its length. The test measures its own process, so it
//! is the only test in it. It reads `/proc/self/status`, so it runs on Linux only.
//!
//! `STREAM_MIB=1024 cargo test --release -p envelope-core --test stream_memory -- --nocapture`
//! streams 1 GiB.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::{self, Read};

use envelope_core::{
    Context, LocalKeyProvider, OpenReader, RootKey, SealReader, StreamSealer, UntrustedStreamHeader,
};

const MIB: u64 = 1 << 20;
/// Two chunks, two headers, and the overhead of the allocator and of the test's own buffer.
const ALLOWED_KIB: u64 = 1024;

/// The period of the object, so that all its chunks differ.
const PERIOD: usize = 65_521;

/// An object of a number of bytes, which are computed while they are read.
struct Object<'p> {
    period: &'p [u8],
    at: u64,
    end: u64,
}

impl Read for Object<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let from = &self.period[(self.at % PERIOD as u64) as usize..];
        let n = from.len().min(to.len()).min((self.end - self.at) as usize);
        to[..n].copy_from_slice(&from[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

/// The peak memory of this process, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Seals a number of bytes, opens them at the same time, and checks every byte.
fn there_and_back(bytes: u64) {
    let provider = LocalKeyProvider::new(RootKey::generate().unwrap());
    let context = Context::new("measurements");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sealer = runtime.block_on(StreamSealer::new(&context, &provider)).unwrap();
    let period: Vec<u8> = (0..PERIOD).map(|i| (i ^ (i >> 8)) as u8).collect();
    let object = || Object { period: &period, at: 0, end: bytes };
    let mut sealed = SealReader::new(sealer, object());
    let header = UntrustedStreamHeader::read(&mut sealed).unwrap();
    let mut opened =
        OpenReader::new(runtime.block_on(header.open(&context, &provider)).unwrap(), sealed);

    let (mut expected, mut seen) = (object(), 0);
    let (mut buffer, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let n = opened.read(&mut buffer).unwrap();
        if n == 0 {
            break;
        }
        expected.by_ref().read_exact(&mut right[..n]).unwrap();
        assert!(buffer[..n] == right[..n], "after {seen} bytes");
        seen += n as u64;
    }
    assert_eq!(seen, bytes);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc/self/status: run it on Linux")]
fn memory_does_not_grow_with_the_object() {
    let mib = std::env::var("STREAM_MIB").map_or(16, |mib| mib.parse().unwrap());
    there_and_back(MIB + 3);
    let before = peak_kib();
    there_and_back(mib * MIB + 3);
    let grown = peak_kib() - before;
    println!("{mib} MiB sealed and opened: the peak grew by {grown} KiB, from {before} KiB");
    assert!(grown <= ALLOWED_KIB, "{grown} KiB for {mib} MiB");
}

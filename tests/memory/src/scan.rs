//! Searches all memory of this process, or of a child, for all secrets at once.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::Child;
use std::sync::{Mutex, PoisonError};

use crate::Masked;

/// Bytes of the pieces that are searched for: few enough to find the rest of a copy that was partly
/// overwritten.
const PIECE_BYTES: usize = 8;
/// Fewer consecutive bytes than this are not counted: they are a saved register, and not a copy.
const LEAST_BYTES: usize = 16;
/// The mask of the pieces, so that the table of pieces contains no piece.
const MASK: u64 = 0xa076_1d64_78bd_642f;
const CHUNK_BYTES: usize = 1 << 20;
const FILTER_BITS: u32 = 22;

/// The form of a secret in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Unchanged.
    Plain,
    /// Every four bytes reversed, as SHA-256 reads a block on little-endian machines.
    Words,
    /// Combined with the inner padding of HMAC, 0x36.
    InnerPad,
    /// Combined with the outer padding of HMAC, 0x5c.
    OuterPad,
    /// In base64, from its first byte on, as in JSON.
    Base64,
}

const FORMS: [Form; 5] = [Form::Plain, Form::Words, Form::InnerPad, Form::OuterPad, Form::Base64];

impl Form {
    fn length(self, secret: &Masked) -> usize {
        if self == Self::Base64 { secret.len() * 8 / 6 } else { secret.len() }
    }

    fn byte(self, secret: &Masked, at: usize) -> u8 {
        match self {
            Self::Plain => secret.byte(at),
            Self::Words => secret.byte(at ^ 3),
            Self::InnerPad => secret.byte(at) ^ 0x36,
            Self::OuterPad => secret.byte(at) ^ 0x5c,
            Self::Base64 => secret.base64_digit(at),
        }
    }
}

/// Where a secret was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On the stack of the thread that did the work.
    Stack,
    /// In any other writable memory, usually on the heap.
    Heap,
}

/// A copy of a secret, or of a part of it.
#[derive(Clone, Debug)]
pub struct Find {
    /// The name under which the secret was added.
    pub name: &'static str,
    /// The number of the secret among those of the same name.
    pub number: usize,
    /// The form of the copy.
    pub form: Form,
    /// The place of the copy.
    pub place: Place,
    /// The bytes of that form that were found: the first one and how many.
    pub part: Range<usize>,
    address: usize,
}

/// The secrets to search for.
#[derive(Default)]
pub struct Search {
    sought: Vec<(&'static str, usize, Form)>,
    counts: HashMap<&'static str, usize>,
    /// Masked pieces, with the secret of each and the position in it.
    pieces: HashMap<u64, (usize, usize)>,
    filter: Vec<u64>,
}

impl Search {
    /// Adds `secret`, in every form. Several secrets may have the same `name`.
    pub fn add(&mut self, name: &'static str, secret: &Masked) {
        self.filter.resize(1 << (FILTER_BITS - 6), 0);
        let count = self.counts.entry(name).or_default();
        let number = *count;
        *count += 1;
        for form in FORMS {
            let sought = self.sought.len();
            self.sought.push((name, number, form));
            let length = form.length(secret);
            for start in (0..=length.saturating_sub(PIECE_BYTES)).step_by(PIECE_BYTES) {
                let piece = (0..PIECE_BYTES).fold(0, |piece, at| {
                    piece | u64::from(form.byte(secret, start + at) ^ masking(at)) << (8 * at)
                });
                let (word, bit) = slot(piece);
                if let Some(word) = self.filter.get_mut(word) {
                    *word |= bit;
                }
                self.pieces.insert(piece, (sought, start));
            }
        }
    }

    /// How many secrets have this `name`.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.counts.get(name).copied().unwrap_or_default()
    }

    /// Searches all memory. `stack` is an address on the stack of the thread that did the work.
    ///
    /// # Panics
    ///
    /// If the memory of this process cannot be read.
    #[must_use]
    pub fn run(&self, stack: usize) -> Vec<Find> {
        self.look_in("self", |mapping| match mapping.contains(&stack) {
            true => Place::Stack,
            false => Place::Heap,
        })
    }

    /// Searches all memory of a child of this process. All of it is [`Place::Heap`].
    ///
    /// # Panics
    ///
    /// If its memory cannot be read: Linux allows that to the parent (`ptrace`), unless a security
    /// module forbids it.
    #[must_use]
    pub fn run_in(&self, child: &Child) -> Vec<Find> {
        self.look_in(&child.id().to_string(), |_| Place::Heap)
    }

    fn look_in(&self, process: &str, place: impl Fn(&Range<usize>) -> Place) -> Vec<Find> {
        static BUFFER: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        let mut buffer = BUFFER.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.resize(CHUNK_BYTES + PIECE_BYTES, 0);
        let own = match process {
            "self" => buffer.as_ptr().addr()..buffer.as_ptr().addr() + buffer.capacity(),
            _ => 0..0,
        };
        let memory =
            File::open(format!("/proc/{process}/mem")).expect("the memory of the process is read");
        let mut finds = Vec::new();
        for mapping in writable(process).expect("the map of the process is read") {
            let place = place(&mapping);
            let mut start = mapping.start;
            while start < mapping.end {
                // A piece may be in two chunks.
                let end = mapping.end.min(start + CHUNK_BYTES + PIECE_BYTES - 1);
                let chunk = buffer.get_mut(..end - start).unwrap_or_default();
                if own.contains(&start) && own.contains(&(end - 1)) {
                    start += CHUNK_BYTES;
                    continue;
                }
                if let Err(error) = memory.read_exact_at(chunk, start as u64) {
                    let still = writable(process).expect("the map of the process is read");
                    assert!(
                        !still.contains(&mapping),
                        "{mapping:x?} is mapped, but cannot be read: {error}"
                    );
                    // The stack of a thread that has ended since.
                    break;
                }
                self.look_through(chunk, |at, sought, offset| {
                    let address = start + at;
                    if !own.contains(&address) {
                        self.note(&mut finds, address, place, sought, offset);
                    }
                });
                start += CHUNK_BYTES;
            }
        }
        buffer.fill(0);
        finds.retain(|find| find.part.len() >= LEAST_BYTES);
        finds
    }

    fn look_through(&self, chunk: &[u8], mut found: impl FnMut(usize, usize, usize)) {
        let mut window = 0u64;
        for (at, byte) in chunk.iter().enumerate() {
            window = window >> 8 | u64::from(*byte) << 56;
            let piece = window ^ MASK;
            let (word, bit) = slot(piece);
            let may_be = self.filter.get(word).is_some_and(|word| word & bit != 0);
            if may_be
                && at + 1 >= PIECE_BYTES
                && let Some((sought, offset)) = self.pieces.get(&piece)
            {
                found(at + 1 - PIECE_BYTES, *sought, *offset);
            }
        }
    }

    /// Joins consecutive pieces of one copy to one find.
    fn note(
        &self,
        finds: &mut Vec<Find>,
        address: usize,
        place: Place,
        sought: usize,
        offset: usize,
    ) {
        let Some((name, number, form)) = self.sought.get(sought).copied() else { return };
        let continues = |find: &&mut Find| {
            (find.name, find.number, find.form) == (name, number, form)
                && find.part.end == offset
                && find.address + find.part.len() == address
        };
        // Copies may be adjacent, but they do not overlap.
        match finds.iter_mut().rev().take(8).find(continues) {
            Some(find) => find.part.end += PIECE_BYTES,
            None => finds.push(Find {
                name,
                number,
                form,
                place,
                part: offset..offset + PIECE_BYTES,
                address,
            }),
        }
    }
}

fn masking(at: usize) -> u8 {
    MASK.to_le_bytes().get(at).copied().unwrap_or_default()
}

/// The position of a piece in the filter.
fn slot(piece: u64) -> (usize, u64) {
    let hash = piece.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// Every writable range of addresses. Read-only ranges contain the program, and none of its data.
fn writable(process: &str) -> io::Result<Vec<Range<usize>>> {
    let map = std::fs::read_to_string(format!("/proc/{process}/maps"))?;
    let range = |line: &str| {
        let (addresses, rest) = line.split_once(' ')?;
        let (start, end) = addresses.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        rest.starts_with("rw").then_some(range)
    };
    Ok(map.lines().filter_map(range).collect())
}

/// Describes the find, without a byte of the secret.
impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, number, form, place, part, address } = self;
        write!(f, "{name} {number}, {form:?}, bytes {part:?}, {place:?} at {address:#x}")
    }
}

impl Find {
    /// The number of finds of each kind, for the message of a test.
    #[must_use]
    pub fn summary(finds: &[Self]) -> String {
        let mut kinds: BTreeMap<_, (usize, &Self)> = BTreeMap::new();
        for find in finds {
            kinds.entry((find.name, find.form, find.place)).or_insert((0, find)).0 += 1;
        }
        kinds
            .values()
            .map(|(count, find)| format!("{count} times, for instance: {find}\n"))
            .collect()
    }
}

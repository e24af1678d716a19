//! The heads of CBOR items. Index arithmetic on encoded bytes happens only here.

/// Major types (RFC 8949, section 3.1).
pub(crate) mod major {
    pub(crate) const UNSIGNED: u8 = 0;
    pub(crate) const NEGATIVE: u8 = 1;
    pub(crate) const BYTES: u8 = 2;
    pub(crate) const TEXT: u8 = 3;
    pub(crate) const ARRAY: u8 = 4;
    pub(crate) const MAP: u8 = 5;
    pub(crate) const TAG: u8 = 6;
    pub(crate) const SIMPLE: u8 = 7;
}

/// Arguments of major type 7 (RFC 8949, section 3.3).
pub(crate) mod simple {
    pub(crate) const FALSE: u8 = 20;
    pub(crate) const TRUE: u8 = 21;
    pub(crate) const NULL: u8 = 22;
    pub(crate) const F16: u8 = 25;
    pub(crate) const F32: u8 = 26;
    pub(crate) const F64: u8 = 27;

    /// Whether the format allows this simple value. `undefined` is not one of them: it only marks a
    /// field without a value.
    pub(crate) const fn is_known(info: u8) -> bool {
        matches!(info, FALSE | TRUE | NULL | F16 | F32 | F64)
    }
}

/// The encoding of `false`.
pub(crate) const FALSE: u8 = (major::SIMPLE << 5) | simple::FALSE;
/// The encoding of `true`.
pub(crate) const TRUE: u8 = (major::SIMPLE << 5) | simple::TRUE;
/// The encoding of `null`.
pub(crate) const NULL: u8 = (major::SIMPLE << 5) | simple::NULL;
/// The encoding of `undefined`: an absent attribute or field (FORMAT 2.3 and 4.5).
pub(crate) const UNDEFINED: u8 = 0xf7;

/// Writes the shortest head of `major` with `argument`.
pub(crate) fn write_head(major: u8, argument: u64, mut write: impl FnMut(&[u8])) {
    let [.., b1, b0] = argument.to_be_bytes();
    let major = major << 5;
    if argument < 24 {
        write(&[major | b0]);
    } else if argument <= u64::from(u8::MAX) {
        write(&[major | 24, b0]);
    } else if argument <= u64::from(u16::MAX) {
        write(&[major | 25, b1, b0]);
    } else if let Ok(argument) = u32::try_from(argument) {
        write(&[major | 26]);
        write(&argument.to_be_bytes());
    } else {
        write(&[major | 27]);
        write(&argument.to_be_bytes());
    }
}

/// The length of the shortest head with `argument`.
pub(crate) fn head_bytes(argument: u64) -> usize {
    let mut bytes = 0;
    write_head(major::UNSIGNED, argument, |part| bytes += part.len());
    bytes
}

/// Why encoded bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    Truncated,
    Malformed,
}

/// A cursor over encoded bytes.
pub(crate) struct Reader<'p> {
    rest: &'p [u8],
}

/// A head: major type, additional information and argument.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) major: u8,
    pub(crate) info: u8,
    pub(crate) argument: u64,
}

impl<'p> Reader<'p> {
    pub(crate) const fn new(bytes: &'p [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) const fn rest(&self) -> &'p [u8] {
        self.rest
    }

    /// The next byte, not consumed.
    pub(crate) fn peek(&self) -> Result<u8, ReadError> {
        self.rest.first().copied().ok_or(ReadError::Truncated)
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'p [u8], ReadError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(ReadError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn take_array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ReadError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Reads a head. Only the shortest encoding of an argument is accepted, and no indefinite
    /// length.
    pub(crate) fn head(&mut self) -> Result<Head, ReadError> {
        let [initial] = self.take_array()?;
        let (major, info) = (initial >> 5, initial & 31);
        let (argument, least) = match info {
            0..24 => (u64::from(info), 0),
            24 => (u64::from(u8::from_be_bytes(self.take_array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.take_array()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.take_array()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.take_array()?), 1 << 32),
            _ => return Err(ReadError::Malformed),
        };
        // The argument of a float (major 7, 2 bytes or more) holds its bits, so any value is
        // allowed.
        if argument < least && (major != major::SIMPLE || info == 24) {
            return Err(ReadError::Malformed);
        }
        Ok(Head { major, info, argument })
    }

    /// Reads a head of `major` and its argument.
    pub(crate) fn expect(&mut self, major: u8) -> Result<u64, ReadError> {
        let head = self.head()?;
        if head.major == major { Ok(head.argument) } else { Err(ReadError::Malformed) }
    }

    /// The `length` bytes of a string whose head was read.
    pub(crate) fn bytes(&mut self, length: u64) -> Result<&'p [u8], ReadError> {
        self.take(usize::try_from(length).map_err(|_| ReadError::Truncated)?)
    }

    /// The `length` bytes of a text whose head was read.
    pub(crate) fn text(&mut self, length: u64) -> Result<&'p str, ReadError> {
        std::str::from_utf8(self.bytes(length)?).map_err(|_| ReadError::Malformed)
    }

    /// The bytes of a bignum whose `tag` was read. No other tag is allowed.
    pub(crate) fn bignum(&mut self, tag: u64) -> Result<&'p [u8], ReadError> {
        let length = self.expect(major::BYTES)?;
        let digits = self.bytes(length)?;
        // A shorter number has a shorter encoding, and no Rust type holds a longer one.
        let fits = (9..=16).contains(&digits.len()) && digits.first() != Some(&0);
        if matches!(tag, 2 | 3) && fits { Ok(digits) } else { Err(ReadError::Malformed) }
    }
}

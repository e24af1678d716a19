//! Searches printed text for a secret, in any rendering.

use base64_simd::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The bytes of each piece that is searched for.
const PIECE_BYTES: usize = 8;
/// The distance between pieces: any longer part of the secret contains a whole piece.
const STRIDE_BYTES: usize = 3;

/// A value that must not be printed: not as text, hexadecimal, base64 or a list of numbers, and not
/// in part.
///
/// ```
/// use envelope_tests::Secret;
///
/// let secret = Secret::new("tr0ub4dor&3");
/// assert_eq!(secret.found_in("a harmless text"), None);
/// assert!(secret.found_in("user tr0ub4dor").is_some());
/// assert!(secret.found_in(&format!("{:?}", "tr0ub4dor&3".as_bytes())).is_some());
/// assert!(secret.found_in("eCB0cjB1YjRkb3ImMyB4").is_some(), "base64 of more than the secret");
/// ```
#[derive(Clone, Debug)]
pub struct Secret {
    words: Vec<String>,
    lists: Vec<String>,
}

impl Secret {
    /// A secret of at least 8 bytes, so distinctive that no 8 of them occur by chance.
    ///
    /// # Panics
    ///
    /// When `bytes` are fewer than 8.
    #[must_use]
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        assert!(bytes.len() >= PIECE_BYTES, "too short to be told from chance");
        let pieces = || bytes.windows(PIECE_BYTES).step_by(STRIDE_BYTES);
        Self {
            words: pieces().flat_map(words).collect(),
            lists: pieces().flat_map(lists).collect(),
        }
    }

    /// The rendering of a piece of the secret that `text` contains, if any.
    #[must_use]
    pub fn found_in(&self, text: &str) -> Option<&str> {
        // Indented `Debug` puts each number of a list on a line of its own.
        let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let word = self.words.iter().find(|word| text.contains(*word));
        word.or_else(|| self.lists.iter().find(|list| dense.contains(*list))).map(String::as_str)
    }
}

/// Renderings of bytes as one word.
fn words(piece: &[u8]) -> Vec<String> {
    let hex = |format: fn(&u8) -> String, between: &str| {
        piece.iter().map(format).collect::<Vec<_>>().join(between)
    };
    let mut words = vec![
        piece.escape_ascii().to_string(),
        hex(|byte| format!("{byte:02x}"), ""),
        hex(|byte| format!("{byte:02X}"), ""),
        hex(|byte| format!("{byte:02x}"), ":"),
    ];
    if let Ok(text) = std::str::from_utf8(piece) {
        words.extend([
            text.to_owned(),
            text.escape_debug().to_string(),
            text.escape_default().to_string(),
        ]);
    }
    words.extend((0..3).flat_map(|offset| base64(piece, offset)));
    words.sort_unstable();
    words.dedup();
    words
}

/// Renderings of bytes as a list of numbers, without blanks.
fn lists(piece: &[u8]) -> Vec<String> {
    let formats: [fn(&u8) -> String; 5] = [
        |byte| byte.to_string(),
        |byte| format!("{byte:x}"),
        |byte| format!("{byte:X}"),
        |byte| format!("0x{byte:x}"),
        |byte| format!("0x{byte:X}"),
    ];
    formats.map(|format| piece.iter().map(format).collect::<Vec<_>>().join(",")).into()
}

/// The characters of the base64 that do not depend on the bytes around, after `offset` bytes of a
/// group of three.
fn base64(piece: &[u8], offset: usize) -> [String; 2] {
    let mut bytes = vec![0; offset];
    bytes.extend(piece);
    let (first, end) = ((offset * 8).div_ceil(6), bytes.len() * 8 / 6);
    [STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|alphabet| {
        let encoded = alphabet.encode_to_string(&bytes);
        encoded.chars().take(end).skip(first).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{STANDARD_NO_PAD, Secret, URL_SAFE_NO_PAD};

    const BYTES: [u8; 12] =
        [0xde, 0xc0, 0xad, 0x0b, 0xfb, 0xff, 0x7e, 0x91, 0x3c, 0x55, 0x08, 0xe2];

    #[test]
    fn a_secret_is_found_in_every_rendering() {
        let secret = Secret::new(BYTES);
        for ahead in 3..6 {
            let whole: Vec<u8> = vec![9; ahead].into_iter().chain(BYTES).chain([7; 5]).collect();
            for text in [
                format!("{whole:?}"),
                format!("{whole:#?}"),
                format!("{whole:x?}"),
                format!("{whole:#X?}"),
                whole.escape_ascii().to_string(),
                STANDARD_NO_PAD.encode_to_string(&whole),
                URL_SAFE_NO_PAD.encode_to_string(&whole),
            ] {
                assert!(secret.found_in(&text).is_some(), "{text}");
            }
        }
    }

    #[test]
    fn a_piece_of_a_text_is_found_however_it_is_escaped() {
        let secret = Secret::new("пароль: \"tr0ub4dor\"\n");
        for text in ["пароль: ", "\\u{43f}\\u{430}\\u{440}\\u{43e}", "\\\"tr0ub4dor", "tr0ub4dor"]
        {
            assert!(secret.found_in(text).is_some(), "{text}");
        }
        assert_eq!(secret.found_in("troubador, a password"), None);
    }
}

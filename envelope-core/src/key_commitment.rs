//! Builds an AES-GCM ciphertext that opens under two keys, and tests that no payload does.
//!
//! AES-GCM does not commit to its key: an attacker who knows two keys can compute one block of the
//! ciphertext so that both tags are equal (Y. Dodis, P. Grubbs, T. Ristenpart, J. Woodage, "Fast
//! Message Franking: From Invisible Salamanders to Encryptment", CRYPTO 2018). Two readers of one
//! record would then see different plaintexts.
#![allow(clippy::unwrap_used)]

use crate::aead::{MessageKey, TAG_BYTES};
use crate::kdf::hkdf_sha256;
use crate::payload::{COMMITMENT_BYTES, SALT_BYTES};
use crate::{Content, Context, DataKey, OpenError, UntrustedPayload, Value};

const BLOCK_BYTES: usize = 16;
const BLOCKS: usize = 4;
/// The block that is computed. The attacker chooses the others.
const FREE_BLOCK: usize = 2;

/// An element of GF(2^128) in the notation of GCM: the most significant bit is the coefficient of
/// x^0 (NIST SP 800-38D, 6.3).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Field(u128);

impl Field {
    const ONE: Self = Self(1 << 127);

    fn of(block: &[u8]) -> Self {
        Self(u128::from_be_bytes(block.try_into().unwrap()))
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    fn times(self, other: Self) -> Self {
        let (mut product, mut v) = (0, self.0);
        for bit in (0..128).rev() {
            product ^= if other.0 >> bit & 1 == 1 { v } else { 0 };
            v = (v >> 1) ^ if v & 1 == 1 { 0xe1 << 120 } else { 0 };
        }
        Self(product)
    }

    fn power(self, exponent: u128) -> Self {
        (0..128).rev().fold(Self::ONE, |power, bit| {
            let square = power.times(power);
            if exponent >> bit & 1 == 1 { square.times(self) } else { square }
        })
    }

    fn inverse(self) -> Self {
        self.power(u128::MAX - 1)
    }

    fn square_root(self) -> Self {
        self.power(1 << 127)
    }
}

/// The secrets behind the tags of a key, computed from some of its tags.
struct Tagger {
    /// The key of GHASH.
    hash_key: Field,
    /// The mask of the tag.
    mask: Field,
}

impl Tagger {
    fn of(key: &[u8; 32]) -> Self {
        let tag = |associated_data: &[u8]| {
            Field::of(&MessageKey(key).seal(associated_data, &mut []).unwrap())
        };
        // If two blocks of associated data differ by the element 1, their tags differ by the square
        // of the hash key.
        let square = tag(&[0; BLOCK_BYTES]).plus(tag(&Field::ONE.0.to_be_bytes()));
        Self { hash_key: square.square_root(), mask: tag(&[]) }
    }

    fn tag(&self, associated_data: &[u8], ciphertext: &[u8]) -> Field {
        let padded = |data: &[u8]| {
            let mut data = data.to_vec();
            data.resize(data.len().next_multiple_of(BLOCK_BYTES), 0);
            data
        };
        let mut hashed = [padded(associated_data), padded(ciphertext)].concat();
        hashed.extend((associated_data.len() as u64 * 8).to_be_bytes());
        hashed.extend((ciphertext.len() as u64 * 8).to_be_bytes());
        let ghash = hashed
            .chunks(BLOCK_BYTES)
            .fold(Field(0), |hash, block| hash.plus(Field::of(block)).times(self.hash_key));
        ghash.plus(self.mask)
    }
}

/// A ciphertext and a tag that AES-GCM accepts under both keys.
fn ciphertext_for(
    keys: [&[u8; 32]; 2],
    associated_data: &[u8],
) -> ([u8; BLOCK_BYTES * BLOCKS], [u8; TAG_BYTES]) {
    let [first, second] = keys.map(Tagger::of);
    let mut ciphertext = *b"The attacker chooses the blocks.0123456789abcdef and this one...";
    let free = BLOCK_BYTES * FREE_BLOCK..BLOCK_BYTES * (FREE_BLOCK + 1);
    ciphertext.get_mut(free.clone()).unwrap().fill(0);
    // The free block is multiplied by the hash key once for itself, once for each block behind it,
    // and once for the lengths.
    let weight = |tagger: &Tagger| tagger.hash_key.power((BLOCKS - FREE_BLOCK + 1) as u128);
    let difference =
        first.tag(associated_data, &ciphertext).plus(second.tag(associated_data, &ciphertext));
    let block = difference.times(weight(&first).plus(weight(&second)).inverse());
    ciphertext.get_mut(free).unwrap().copy_from_slice(&block.0.to_be_bytes());
    (ciphertext, first.tag(associated_data, &ciphertext).0.to_be_bytes())
}

struct Derived {
    message_key: [u8; 32],
    commitment: [u8; COMMITMENT_BYTES],
}

fn derive(data_key: &DataKey, salt: &[u8; SALT_BYTES]) -> Derived {
    let mut okm = [0; 64];
    hkdf_sha256(data_key.expose(), salt, b"envelope payload 1 1", &mut okm);
    let (message_key, commitment) = okm.split_at(32);
    Derived {
        message_key: message_key.try_into().unwrap(),
        commitment: commitment.try_into().unwrap(),
    }
}

#[test]
fn a_ciphertext_for_two_keys_opens_only_under_the_committed_key() {
    let data_keys = [DataKey::generate().unwrap(), DataKey::generate().unwrap()];
    let salt = [7; SALT_BYTES];
    let context = Context::new("users").partition_key("user_id", Value::string("u_12345"));
    let associated_data = context.associated_data(Content::Bytes, 1, 1);
    let derived = data_keys.each_ref().map(|key| derive(key, &salt));
    let (ciphertext, tag) =
        ciphertext_for(derived.each_ref().map(|key| &key.message_key), &associated_data);

    let plaintexts = derived.each_ref().map(|key| {
        let mut message = ciphertext;
        MessageKey(&key.message_key).open(&associated_data, &mut message, &tag).unwrap();
        message
    });
    assert_ne!(
        plaintexts[0], plaintexts[1],
        "AES-GCM alone opens it under both keys, to different plaintexts"
    );

    for committed in [0, 1] {
        let header =
            [&[1, 1][..], &salt, &derived.get(committed).unwrap().commitment, &[0x80]].concat();
        let bytes = [&header[..], &ciphertext, &tag].concat();
        let open = |key| {
            UntrustedPayload::parse(bytes.clone()).unwrap().open(Content::Bytes, &context, key)
        };
        let opened = data_keys.each_ref().map(open);
        for (i, outcome) in opened.into_iter().enumerate() {
            match outcome {
                Ok(plaintext) => {
                    assert_eq!(
                        (i, plaintext.expose()),
                        (committed, &plaintexts.get(committed).unwrap()[..])
                    );
                }
                Err(error) => {
                    assert_ne!(i, committed);
                    assert!(matches!(error, OpenError::Authentication));
                }
            }
        }
    }
}

//! Partners with an RSA public key, and the owner of the private key.

use ::rsa::pkcs8::{DecodePublicKey, EncodePrivateKey};
use ::rsa::rand_core::UnwrapErr;
use ::rsa::{Oaep, RsaPrivateKey};
use envelope_core::testing::TestKeyProvider;
use envelope_core::{
    DataKey, KeyErrorKind, LocalRsaKey, MultiKeyProvider, Recipient, RsaPublicKey, RsaRecipient,
};
use getrandom::SysRng;
use sha2::{Digest, Sha256, Sha512};

use super::*;

const PRIVATE: &str = include_str!("../../src/provider/rsa/test_key.pem");
const PUBLIC: &str = include_str!("../../src/provider/rsa/test_key.pub.pem");
/// Wrapped by OpenSSL with the key above: the bytes 0 to 31, for a letter to grandmother.
const WRAPPED_BY_OPENSSL: &[u8] = include_bytes!("../../src/provider/rsa/wrapped_by_openssl.bin");

fn public_key() -> RsaPublicKey {
    RsaPublicKey::from_pem(PUBLIC).unwrap()
}

fn private_key() -> LocalRsaKey {
    LocalRsaKey::from_pkcs8_pem(PRIVATE).unwrap()
}

fn partner() -> RsaRecipient {
    RsaRecipient::new(public_key()).unwrap()
}

/// An entry of our key, with any bytes.
fn entry(bytes: impl Into<Vec<u8>>) -> WrappedKey {
    let id = &Sha256::digest(public_key().as_der())[..8];
    WrappedKey::new(KeyKind::RSA_OAEP, id, bytes).unwrap()
}

async fn unwrap(wrapped: WrappedKey) -> Result<DataKey, KeyError> {
    private_key().unwrap_key(&[wrapped], &letters().encryption_context()).await
}

#[tokio::test]
async fn a_partner_seals_for_us_and_for_one_context() {
    let sealed = seal(b"dear", &letters(), &partner()).await.unwrap();
    assert_opens(&sealed, &letters(), &private_key()).await;
    assert_eq!(
        refusal(&sealed, &letter_to("grandfather"), &private_key()).await.kind(),
        KeyErrorKind::ContextMismatch
    );
    let [own] = wrapped(&sealed).try_into().unwrap();
    assert_eq!((own.kind(), own.bytes().len()), (KeyKind::RSA_OAEP, 256), "as long as the modulus");
    assert_eq!(own.id(), entry([7]).id());
}

#[tokio::test]
async fn a_record_wrapped_for_both_opens_for_both() {
    let ours = TestKeyProvider::default();
    let both = MultiKeyProvider::new(ours.clone()).also_wraps_for(partner());
    let sealed = seal(b"dear", &letters(), &both).await.unwrap();
    assert_opens(&sealed, &letters(), &ours).await;
    assert_opens(&sealed, &letters(), &private_key()).await;
}

/// Otherwise anybody with the public key could replace our records.
#[tokio::test]
async fn a_partners_record_opens_only_with_the_rsa_key() {
    let ours = TestKeyProvider::default();
    let sealed = seal(b"dear", &letters(), &partner()).await.unwrap();
    let without = MultiKeyProvider::new(ours.clone());
    assert_eq!(refusal(&sealed, &letters(), &without).await.kind(), KeyErrorKind::WrongKey);
    let with = MultiKeyProvider::new(ours).also_opens_with(private_key());
    assert_opens(&sealed, &letters(), &with).await;
}

#[tokio::test]
async fn wrapped_keys_differ_and_contain_the_same_data_key() {
    let data_key = DataKey::generate().unwrap();
    let context = letters().encryption_context();
    let [first, second] = [(); 2].map(|()| partner());
    let first = first.wrap_data_key(&data_key, &context).await.unwrap();
    let second = second.wrap_data_key(&data_key, &context).await.unwrap();
    assert_ne!(first, second);
    for wrapped in [first, second] {
        let [wrapped] = wrapped.try_into().unwrap();
        assert_eq!(unwrap(wrapped).await.unwrap().expose(), data_key.expose());
    }
}

/// FORMAT 6.4: SHA-256 both as the hash and in MGF1, and no label.
#[tokio::test]
async fn only_oaep_with_sha_256_and_without_a_label_is_opened() {
    let mut random = UnwrapErr(SysRng);
    let key = ::rsa::RsaPublicKey::from_public_key_der(public_key().as_der()).unwrap();
    let digest = Sha256::digest([b"\x82\x71envelope-rsa-oaep", LETTERS_IN_CBOR].concat());
    let message = [&[7; 32], digest.as_slice()].concat();
    let plain = key.encrypt(&mut random, Oaep::<Sha256>::new(), &message).unwrap();
    assert_eq!(*unwrap(entry(plain)).await.unwrap().expose(), [7; 32]);
    assert!(unwrap(entry(WRAPPED_BY_OPENSSL)).await.unwrap().expose().iter().copied().eq(0..32));
    for other in [
        key.encrypt(&mut random, Oaep::<Sha256>::new_with_label(*b"envelope"), &message),
        key.encrypt(&mut random, Oaep::<Sha256, Sha512>::new_with_mgf_hash(), &message),
        key.encrypt(&mut random, Oaep::<Sha512>::new(), &message),
    ] {
        let error = unwrap(entry(other.unwrap())).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
        assert_eq!(
            error.to_string(),
            "wrapped for another context, or changed: the RSA key could not unwrap this wrapped key"
        );
    }
}

#[tokio::test]
async fn a_wrapping_of_another_key_or_a_truncated_one_is_refused() {
    let strangers = RsaPublicKey::from_der(&der(&[0xff; 256])).unwrap();
    let for_another = RsaRecipient::new(strangers).unwrap();
    let context = letters().encryption_context();
    let [stranger] = for_another.generate(&context).await.unwrap().wrapped.try_into().unwrap();
    assert_eq!(
        unwrap(entry(stranger.bytes())).await.unwrap_err().kind(),
        KeyErrorKind::ContextMismatch
    );
    assert_eq!(unwrap(stranger).await.unwrap_err().kind(), KeyErrorKind::WrongKey);
    for length in [1, 255] {
        let error = unwrap(entry(&WRAPPED_BY_OPENSSL[..length])).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch, "{length}");
    }
}

/// A public key of this modulus and of the exponent 65,537: SubjectPublicKeyInfo in DER (RFC 3279,
/// section 2.3.1).
fn der(modulus: &[u8]) -> Vec<u8> {
    let part = |tag: u8, content: &[u8]| {
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, high, low], content].concat()
    };
    // A number whose first bit is set would be negative.
    let sign = if modulus[0] < 0x80 { &[][..] } else { &[0] };
    let modulus = part(2, &[sign, modulus].concat());
    let key = part(0x30, &[&modulus[..], &[2, 3, 1, 0, 1]].concat());
    let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    part(0x30, &[&algorithm[..], &part(3, &[&[0], &key[..]].concat())].concat())
}

/// A recipient whose modulus has this number of bits, all of them set.
fn of_bits(bits: usize) -> Result<RsaRecipient, KeyError> {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] >>= modulus.len() * 8 - bits;
    RsaRecipient::new(RsaPublicKey::from_der(&der(&modulus)).unwrap())
}

#[tokio::test]
async fn a_public_key_has_2048_bits_or_more() {
    for bits in [2048, 2049, 3072, 4096, 8192] {
        let generated =
            of_bits(bits).unwrap().generate(&letters().encryption_context()).await.unwrap();
        let [wrapped] = generated.wrapped.try_into().unwrap();
        assert_eq!(wrapped.bytes().len(), bits.div_ceil(8));
    }
    for bits in [2040, 2041, 2047] {
        let error = of_bits(bits).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid configuration: the RSA key is shorter than 2,048 bits",
            "{bits}"
        );
    }
    let even = RsaPublicKey::from_der(&der(&[0xfe; 256])).unwrap();
    for error in [of_bits(8193).unwrap_err(), RsaRecipient::new(even).unwrap_err()] {
        assert_eq!(
            error.to_string(),
            "invalid configuration: the RSA public key is malformed, or longer than 8,192 bits"
        );
    }
}

#[test]
fn a_private_key_has_2048_bits_or_more() {
    let short = RsaPrivateKey::new(&mut UnwrapErr(SysRng), 1024).unwrap();
    let error = LocalRsaKey::from_pkcs8_der(short.to_pkcs8_der().unwrap().as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "invalid configuration: the RSA key is shorter than 2,048 bits");
}

#[test]
fn a_private_key_reads_from_pem_and_der_and_shows_its_public_key() {
    let (_, pem) = PRIVATE.split_once("-----BEGIN PRIVATE KEY-----").unwrap();
    let body: String = pem.lines().take_while(|line| !line.starts_with("-----")).collect();
    let der = base64_simd::STANDARD.decode_to_vec(body).unwrap();
    for key in [private_key(), LocalRsaKey::from_pkcs8_der(&der).unwrap()] {
        assert_eq!(key.public_key(), &public_key());
        assert_eq!(format!("{key:?}"), format!("LocalRsaKey({:?})", public_key()));
    }
}

#[test]
fn malformed_private_keys_are_refused_and_not_printed() {
    let told = "invalid configuration: not an RSA private key: expected PKCS #8, not encrypted \
                (`-----BEGIN PRIVATE KEY-----`)";
    for pem in
        ["", PUBLIC, &PRIVATE.replace("MIIE", "MIIF"), &PRIVATE.replace("PRIVATE", "RSA PRIVATE")]
    {
        assert_eq!(LocalRsaKey::from_pkcs8_pem(pem).unwrap_err().to_string(), told);
    }
    for der in [&[][..], public_key().as_der(), PRIVATE.as_bytes()] {
        assert_eq!(LocalRsaKey::from_pkcs8_der(der).unwrap_err().to_string(), told);
    }
}

#[test]
fn debug_of_a_recipient_shows_its_key_id() {
    assert!(
        format!("{:?}", partner())
            .starts_with(&format!("RsaRecipient {{ public: {:?}", public_key()))
    );
}

//! No secret is printed: not by an error, not by `Debug`, not in a trace.
//!
//! Every test puts known values into sealed fields, keys or data keys, and searches the output for
//! every rendering of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod every_type;
mod keys;
mod logs;
mod names;
mod plaintext;
mod printed;
mod provoked;
mod reading;
mod searches;
mod traced_calls;
mod writing;

use std::fmt::Debug;
use std::sync::LazyLock;

use envelope_dynamo::item::{PlaintextItems, from_item_or_plaintext, to_plaintext_item};
use envelope_dynamo::{Envelope, Error, LocalKeyProvider, RootKey, from_item, to_item};
use envelope_tests::{Item, Secret, all_it_says};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The content of a sealed field.
const TEXT: &str = "tr0ub4dor&3-cörrect-horse";
/// The content of a sealed field, as bytes that are not text.
const BYTES: [u8; 20] =
    *b"\xe4\x27\xb0\x5a\x93\xcd\x16\xf8\x71\xac\x02\xdf\x4b\x85\xea\x30\x9f\x64\xbb\x18";
/// The content of a sealed field, as a number.
const NUMBER: u64 = 7_366_123_940_127_745_911;
/// A root key.
const ROOT: [u8; 32] = *b"\x3c\x83\x12\xd9\x6b\xf0\x4d\x87\xa9\x05\x7a\xe1\xce\x38\x91\x54\xbf\x20\xd6\x6c\xf3\x49\x8e\x02\xb7\x5d\x96\x10\xeb\x44\xaa\x71";
/// A data key.
const DATA_KEY: [u8; 32] = *b"\xd1\xf6\x0b\x99\x5c\xe3\x42\xa7\x18\x7e\xbd\x04\xc9\x63\x2f\x80\x9a\x51\xee\x36\x77\xfb\xc2\x1d\x0d\xb8\x94\x4e\xa3\x6a\xf5\x29";

/// None of the secrets that `select` accepts is in `told`.
#[track_caller]
fn assert_without(select: impl Fn(&str) -> bool, told: &str) {
    static SECRETS: LazyLock<[(&str, Secret); 5]> = LazyLock::new(|| {
        let number = NUMBER.to_string();
        let secrets: [(&str, &[u8]); 5] = [
            ("text", TEXT.as_bytes()),
            ("bytes", &BYTES),
            ("number", number.as_bytes()),
            ("root key", &ROOT),
            ("data key", &DATA_KEY),
        ];
        secrets.map(|(name, bytes)| (name, Secret::new(bytes)))
    });
    for (name, secret) in SECRETS.iter().filter(|(name, _)| select(name)) {
        if let Some(found) = secret.found_in(told) {
            let line = told.lines().find(|line| line.contains(found)).unwrap_or(told);
            panic!("the {name}, as {found:?}, stands in: {line}");
        }
    }
}

#[track_caller]
fn assert_clean(told: &str) {
    assert_without(|_| true, told);
}

#[track_caller]
fn assert_says_no_secret(error: &Error) {
    let (kind, record) = (error.kind(), error.record());
    assert_clean(&format!("{}\n{kind}\n{kind:?}\n{record}\n{record:?}", all_it_says(error)));
}

fn provider() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&ROOT).unwrap())
}

/// Structs that differ in the mark of one field.
macro_rules! with_a_field {
    ($($name:ident: $mark:ident;)*) => {$(
        #[derive(Envelope)]
        #[envelope(table = "patients")]
        struct $name<T> {
            #[partition_key]
            id: String,
            #[encrypted]
            anchor: String,
            #[$mark]
            field: T,
        }
    )*};
}

with_a_field! {
    Encrypted: encrypted;
    Authenticated: authenticated;
    Plaintext: plaintext;
}

async fn seal<E: Envelope>(record: E) -> Item {
    to_item(&record, &provider()).await.unwrap()
}

async fn open<E: Envelope>(item: &Item) -> Result<E, Error> {
    from_item(item.clone(), &provider()).await
}

/// Reads an item that is not sealed.
async fn open_plain<E: Envelope>(item: &Item) -> Result<E, Error> {
    from_item_or_plaintext(item.clone(), &provider(), PlaintextItems::Read).await
}

/// Writes `value` under every mark, and in plaintext, and reads it as an `R`. Each error quotes
/// nothing of it.
async fn assert_reading_says_nothing<W, R>(value: W)
where
    W: Clone + Debug + Serialize + DeserializeOwned,
    R: Debug + Serialize + DeserializeOwned,
{
    let (id, anchor) = (|| "p_1".to_owned(), || TEXT.to_owned());
    let sealed = seal(Encrypted { id: id(), anchor: anchor(), field: value.clone() }).await;
    let bound = seal(Authenticated { id: id(), anchor: anchor(), field: value.clone() }).await;
    let readable = seal(Plaintext { id: id(), anchor: anchor(), field: value.clone() }).await;
    let plain = Encrypted { id: id(), anchor: anchor(), field: value.clone() };
    let plain = to_plaintext_item(&plain).unwrap();
    let refusals = [
        open::<Encrypted<R>>(&sealed).await.map(|record| record.field),
        // Marks may change: a value is read where it was written.
        open::<Authenticated<R>>(&sealed).await.map(|record| record.field),
        open::<Plaintext<R>>(&sealed).await.map(|record| record.field),
        open::<Encrypted<R>>(&bound).await.map(|record| record.field),
        open::<Authenticated<R>>(&bound).await.map(|record| record.field),
        open::<Plaintext<R>>(&readable).await.map(|record| record.field),
        open_plain::<Encrypted<R>>(&plain).await.map(|record| record.field),
        open_plain::<Authenticated<R>>(&plain).await.map(|record| record.field),
    ];
    for refusal in refusals {
        let error =
            refusal.expect_err(&format!("{value:?} is read as {}", std::any::type_name::<R>()));
        assert_says_no_secret(&error);
        assert!(error.to_string().contains("`field`"), "{error}");
    }
}

/// Writes `value` under every mark, which fails. Each error quotes nothing of it.
async fn assert_writing_says_nothing<W: Serialize + DeserializeOwned>(value: impl Fn() -> W) {
    let (id, anchor) = (|| "p_1".to_owned(), || TEXT.to_owned());
    let provider = provider();
    let plain = Encrypted { id: id(), anchor: anchor(), field: value() };
    if let Err(error) = to_plaintext_item(&plain) {
        assert_says_no_secret(&error);
        assert!(error.to_string().contains("`field`"), "{error}");
    }
    let refusals = [
        to_item(&Encrypted { id: id(), anchor: anchor(), field: value() }, &provider).await,
        to_item(&Authenticated { id: id(), anchor: anchor(), field: value() }, &provider).await,
        to_item(&Plaintext { id: id(), anchor: anchor(), field: value() }, &provider).await,
    ];
    for refusal in refusals {
        let error = refusal.expect_err(&format!("a {} is written", std::any::type_name::<W>()));
        assert_says_no_secret(&error);
        assert!(error.to_string().contains("`field`"), "{error}");
    }
}

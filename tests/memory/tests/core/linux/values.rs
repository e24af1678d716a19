//! Values on their way through serde: the library wipes its buffers.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use envelope_core::{Content, Context, DataKey, FieldWriter, UntrustedPayload, read_fields};
use envelope_memory_tests::{
    Find, Masked, Search, Seed, Service, alone, assert_nothing, found_besides, leave_behind,
};
use serde::de::DeserializeOwned;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

const VALUES: Seed = Seed(0x3c6e_f372_fe94_f82b);
const LETTERS: usize = 64;
/// Long enough that the buffer grows several times.
const TEXTS: usize = 200;

fn text(number: usize) -> String {
    VALUES.text(number, LETTERS)
}

fn masked(number: usize) -> Masked {
    Masked::new(LETTERS, |at| u8::try_from(VALUES.letter(number, at)).unwrap())
}

fn sought(numbers: impl IntoIterator<Item = usize>) -> Search {
    let mut search = Search::default();
    numbers.into_iter().for_each(|number| search.add("value", &masked(number)));
    search
}

/// Writes `value` into a payload, seals it, opens it and reads it back.
fn there_and_back<T: Serialize, R: DeserializeOwned>(value: &T) -> R {
    let (key, context) = (DataKey::generate().unwrap(), Context::new("values"));
    let mut fields = FieldWriter::new(0, []);
    fields.field("value", value).unwrap();
    let payload = fields.finish().seal(Content::Record, &context, &key).unwrap();
    let plaintext =
        UntrustedPayload::parse(payload).unwrap().open(Content::Record, &context, &key).unwrap();
    let fields = read_fields(plaintext.expose()).unwrap();
    fields[0].1.deserialize(PhantomData).unwrap()
}

/// Texts in every possible place.
#[derive(Deserialize, Serialize)]
struct Person {
    name: String,
    nickname: Option<String>,
    address: (String, Address),
    notes: Vec<String>,
    relations: BTreeMap<String, String>,
    status: Status,
    scan: Vec<u8>,
}

#[derive(Deserialize, Serialize)]
struct Address {
    city: String,
}

#[derive(Deserialize, Serialize)]
enum Status {
    Lost { since: String },
}

impl Person {
    fn new() -> Self {
        Self {
            name: text(0),
            nickname: Some(text(1)),
            address: (text(2), Address { city: text(3) }),
            relations: [(text(4), text(5)), (text(6), text(7))].into(),
            status: Status::Lost { since: text(8) },
            scan: text(9).into_bytes(),
            notes: (10..TEXTS).map(text).collect(),
        }
    }
}

/// The application wipes its own struct.
impl Drop for Person {
    fn drop(&mut self) {
        let Status::Lost { since } = &mut self.status;
        let texts = [&mut self.name, &mut self.address.0, &mut self.address.1.city, since];
        texts
            .into_iter()
            .chain(&mut self.notes)
            .chain(&mut self.nickname)
            .for_each(Zeroize::zeroize);
        for (mut name, mut value) in std::mem::take(&mut self.relations) {
            name.zeroize();
            value.zeroize();
        }
        self.scan.zeroize();
    }
}

#[test]
fn a_value_leaves_no_copy() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let read: Person = there_and_back(&Person::new());
        assert!(read.notes == Person::new().notes, "the values are read back");
    });
    assert_nothing(|| sought(0..TEXTS), service.stack());
}

/// A sequence of unknown length, and texts that are displayed piece by piece.
struct Unforeseen;

struct Displayed(usize);

impl fmt::Display for Displayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Zeroizing::new(text(self.0));
        let (first, second) = text.split_at(LETTERS / 2);
        f.write_str(first)?;
        f.write_str(second)
    }
}

impl Serialize for Unforeseen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut texts = serializer.serialize_seq(None)?;
        (0..TEXTS).try_for_each(|number| texts.serialize_element(&Shown(number)))?;
        texts.end()
    }
}

struct Shown(usize);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Displayed(self.0))
    }
}

#[test]
fn a_value_of_unknown_length_leaves_no_copy() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let mut read: Vec<String> = there_and_back(&Unforeseen);
        assert_eq!(read.len(), TEXTS);
        read.zeroize();
    });
    assert_nothing(|| sought(0..TEXTS), service.stack());
}

/// The threat model says this of types that wipe themselves.
#[test]
fn a_zeroizing_text_leaves_nothing() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let texts: Vec<_> = (0..TEXTS).map(|number| Zeroizing::new(text(number))).collect();
        let read: Vec<Zeroizing<String>> = there_and_back(&texts);
        assert!(read == texts);
    });
    assert_nothing(|| sought(0..TEXTS), service.stack());
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(Zeroizing<String>),
}

/// The threat model says this of `flatten`, `tag` and `untagged`: serde first reads the value into
/// its own buffer.
#[test]
fn the_buffers_of_serde_stay_in_memory() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let read: Either = there_and_back(&Either::Text(Zeroizing::new(text(0))));
        assert!(matches!(&read, Either::Text(read) if *read == Zeroizing::new(text(0))));
    });
    let finds = found_besides(|| sought([0]), service.stack());
    assert!(!finds.is_empty(), "serde wipes its buffers now: say so in the threat model");
    println!("{}", Find::summary(&finds));
}

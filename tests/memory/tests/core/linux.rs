//! Records of bytes, and the modules for everything else.

mod caches;
mod providers;
mod seeded;
mod streams;
mod values;

use envelope_core::{Context, EncryptedDek, KeyProvider, Sealed, UnwrapKey, open, seal};
use envelope_memory_tests::{
    Masked, Search, Seed, Service, alone, assert_nothing, at_once, hkdf, leave_behind,
};
use zeroize::Zeroize;

const RECORDS: usize = 1_000;
const TEXTS: Seed = Seed(0x5be0_cd19_137e_2179);
const TEXT_LETTERS: usize = 80;

/// The `info` of the keys that are derived for a payload (FORMAT 4.3).
const PAYLOAD_INFO: &[u8] = b"envelope payload 1 1";

fn context() -> Context<'static> {
    Context::new("letters")
        .form(envelope_core::ContextForm::Table)
        .pair("to", "grandmother")
        .unwrap()
}

/// Seals and opens texts of the seed, and wipes its own copies.
fn seal_and_open(records: usize, provider: &dyn KeyProvider) -> Vec<Sealed> {
    let context = context();
    at_once(async {
        let mut sealed = Vec::with_capacity(records);
        for number in 0..records {
            let mut text = TEXTS.text(number, TEXT_LETTERS);
            sealed.push(seal(text.as_bytes(), &context, provider).await.unwrap());
            let opened = open(&sealed[number], &context, provider).await.unwrap();
            assert!(opened.expose() == text.as_bytes());
            text.zeroize();
        }
        sealed
    })
}

/// The data key of a record, unwrapped by `reader`.
fn data_key_of(record: &Sealed, reader: &dyn UnwrapKey) -> Masked {
    let dek = EncryptedDek::parse(&record.encrypted_dek).unwrap();
    let key = at_once(reader.unwrap_key(dek.keys(), &context().encryption_context())).unwrap();
    Masked::of(key.expose())
}

/// The secrets of records: data keys, keys that are derived from them, and plaintexts.
fn secrets_of(records: &[Sealed], data_key: impl Fn(usize, &Sealed) -> Masked) -> Search {
    let mut search = Search::default();
    for (number, record) in records.iter().enumerate() {
        let data_key = data_key(number, record);
        let [extracted, message_key] =
            hkdf(&data_key, &record.encrypted_payload[2..26], PAYLOAD_INFO);
        search.add("data key", &data_key);
        search.add("extracted key", &extracted);
        search.add("message key", &message_key);
        search.add(
            "plaintext",
            &Masked::new(TEXT_LETTERS, |at| u8::try_from(TEXTS.letter(number, at)).unwrap()),
        );
    }
    search
}

#[test]
fn nothing_of_a_thousand_records_stays_in_memory() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        seal_and_open(RECORDS, &seeded::Seeded::default())
    });
    assert_nothing(
        || secrets_of(&service.output, |number, _| seeded::masked(number)),
        service.stack(),
    );
}

/// Records that do not open leave nothing either.
#[test]
fn nothing_of_a_record_that_was_refused_stays_in_memory() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = seeded::Seeded::default();
        let records = seal_and_open(1, &provider);
        for at in [30, 70, records[0].encrypted_payload.len() - 1] {
            let mut changed = records[0].clone();
            changed.encrypted_payload[at] ^= 1;
            assert!(at_once(open(&changed, &context(), &provider)).is_err());
        }
        records
    });
    assert_nothing(
        || secrets_of(&service.output, |number, _| seeded::masked(number)),
        service.stack(),
    );
}

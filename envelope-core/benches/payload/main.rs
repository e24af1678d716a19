//! Sealing and opening payloads, compared with the AES-GCM inside, in one run. See
//! `benches/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

#[path = "../../../benches/harness.rs"]
mod harness;
mod raw;

use std::hint::black_box;

use envelope_core::{Content, Context, DataKey, PayloadBuilder, UntrustedPayload, Value};

use harness::{contest, heading, repeated, with_inputs};

const SIZES: [(&str, usize); 5] = [
    ("250 B", 250),
    ("1 KiB", 1 << 10),
    ("4 KiB", 4 << 10),
    ("64 KiB", 64 << 10),
    ("390 KiB", 390 << 10),
];

fn main() {
    let data_key = DataKey::generate().unwrap();
    let context = Context::new("users").partition_key("user_id", Value::string("u_12345"));
    let seal = |plaintext: &[u8]| {
        let mut payload = PayloadBuilder::new(plaintext.len(), context.authenticated_names());
        payload.extend_from_slice(plaintext);
        payload.seal(Content::Record, &context, &data_key).unwrap()
    };
    let open = |payload| {
        UntrustedPayload::parse(payload)
            .unwrap()
            .open(Content::Record, &context, &data_key)
            .unwrap()
    };

    println!("AES-256-GCM by {}; medians in microseconds, and ratios to them", raw::BACKEND);
    let against = ["payload", "AES-GCM", "HKDF + random", "seal"];
    heading("seal", &against[..3]);
    for (name, bytes) in SIZES {
        let plaintext = vec![7; bytes];
        contest(
            &format!("seal {name}"),
            [
                &mut repeated(|| seal(black_box(&plaintext))),
                &mut repeated(|| raw::seal(black_box(&plaintext))),
                &mut repeated(|| raw::derive_and_seal(black_box(&plaintext))),
            ],
        );
    }
    heading("open", &against);
    for (name, bytes) in SIZES {
        let plaintext = vec![7; bytes];
        let (sealed, ciphertext) = (seal(&plaintext), raw::seal(&plaintext));
        contest(
            &format!("open {name}"),
            [
                &mut with_inputs(|| sealed.clone(), open),
                &mut with_inputs(|| ciphertext.clone(), raw::open),
                &mut with_inputs(|| ciphertext.clone(), raw::derive_and_open),
                &mut repeated(|| seal(black_box(&plaintext))),
            ],
        );
    }
}

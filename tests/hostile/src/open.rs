//! Opening bytes that somebody without a key may have made.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use envelope_core::{
    Content, Context, LocalKeyProvider, Number, RootKey, UntrustedPayload, Value, open_payload,
    read_fields,
};

use crate::allocation::within;
use crate::input::Input;
use crate::vectors::{hex, vector, vectors};

/// A payload that opens is exactly that of a vector: no other payload was made with the key.
///
/// The bytes are the length of an `encrypted_dek` in two bytes, the dek, and an
/// `encrypted_payload`. The context of the reader is that of the worked example of FORMAT 11, with
/// the attributes of most vectors.
pub fn open(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let length = u16::from_be_bytes([input.byte(), input.byte()]);
    let rest = input.rest();
    let (dek, payload) = rest.split_at(usize::from(length).min(rest.len()));
    let vectors = &*VECTORS;
    // Measured: 43. Each name is in the payload, in the context, and in the associated data.
    let opened = within(80, bytes.len(), || {
        let payload = UntrustedPayload::parse(payload.to_vec()).ok()?;
        let names = payload.authenticated_names().to_vec();
        let context = vectors.context(&names);
        let opened = open_payload(payload, dek, Content::Record, &context, &vectors.provider);
        crate::ready(opened).ok()
    });
    if let Some(plaintext) = opened {
        assert!(vectors.payloads.contains(payload), "a forged payload opened");
        let _ = read_fields(plaintext.expose());
    }
}

/// The payloads of `vectors/v1`, and the reader of the worked example.
struct Vectors {
    provider: LocalKeyProvider,
    attributes: HashMap<String, Value<'static>>,
    payloads: HashSet<Vec<u8>>,
}

static VECTORS: LazyLock<Vectors> = LazyLock::new(|| {
    let example = vector("v1", "record-local-raw");
    Vectors {
        provider: LocalKeyProvider::new(RootKey::from_bytes(&hex(&example["root_key"])).unwrap()),
        attributes: HashMap::from([
            ("plan".to_owned(), Value::string("pro")),
            ("logins".to_owned(), Value::Number(Number::parse("7").unwrap())),
        ]),
        payloads: vectors("v1").iter().map(|vector| hex(&vector["encrypted_payload"])).collect(),
    }
});

impl Vectors {
    fn context<'n>(&self, names: &'n [String]) -> Context<'n> {
        let context = Context::new("users").partition_key("user_id", Value::string("u_12345"));
        names.iter().fold(context.pair("purpose", "pii").unwrap(), |context, name| {
            context.authenticated(name, self.attributes.get(name).cloned()).unwrap()
        })
    }
}

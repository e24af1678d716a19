use envelope_dynamo::Envelope;
use envelope_dynamo::record::IntoKey;

#[derive(Envelope)]
#[envelope(table = "events")]
struct Event {
    #[partition_key]
    stream: String,
    #[sort_key]
    sequence: u64,
    #[encrypted]
    body: String,
}

fn get<E: Envelope>(_key: impl IntoKey<E::Key>) -> Option<E> {
    None
}

fn use_it() {
    get::<Event>("s_1");
}

fn main() {}

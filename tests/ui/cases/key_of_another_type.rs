use envelope_dynamo::Envelope;
use envelope_dynamo::record::IntoKey;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: u64,
    #[encrypted]
    email: String,
}

fn get<E: Envelope>(_key: impl IntoKey<E::Key>) -> Option<E> {
    None
}

fn use_it() {
    get::<User>("u_1");
}

fn main() {}

use envelope_dynamo::{Envelope, IntoKey};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    email: String,
}

fn get<E: Envelope>(_key: impl IntoKey<E::Key>) -> Option<E> {
    None
}

fn use_it() -> Option<String> {
    let by_id = get::<User>("u_1");
    let by_pair = get::<User>(("u_1", 7));
    Some(by_id.or(by_pair)?.email)
}

fn main() {}

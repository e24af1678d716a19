use envelope_dynamo::{Envelope, View};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

#[derive(View)]
struct OfNothing {
    id: String,
}

#[derive(View)]
#[view(off = User)]
struct Misspelt {
    id: String,
}

#[derive(View)]
#[view(of = User)]
struct Marked {
    #[plaintext]
    id: String,
}

#[derive(View)]
#[view(of = User)]
struct Generic<T> {
    id: T,
}

#[derive(View)]
#[view(of = User)]
struct Tuple(String);

#[derive(View)]
#[view(of = "User")]
struct Quoted {
    id: String,
}

fn main() {}

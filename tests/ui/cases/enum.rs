use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
enum User {
    Somebody { id: String },
    Nobody,
}

fn main() {}

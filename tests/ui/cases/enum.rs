use envelope_dynamo::Envelope;

#[derive(Envelope)]
enum User {
    Somebody { id: String },
    Nobody,
}

fn main() {}

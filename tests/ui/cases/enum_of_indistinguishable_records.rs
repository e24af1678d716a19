use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

#[derive(Envelope)]
#[envelope(table = "users", entity(kind = "group"))]
struct Group {
    #[partition_key]
    id: String,
    #[encrypted]
    members: Vec<String>,
}

#[derive(Envelope)]
enum Entity {
    Group(Group),
    User(User),
}

fn main() {}

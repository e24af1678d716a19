use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", entity(kind = "user"))]
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
    group: String,
    #[encrypted]
    members: Vec<String>,
}

#[derive(Envelope)]
#[envelope(table = "users", entity(kind = "visit"))]
struct Visit {
    #[partition_key]
    id: String,
    #[sort_key]
    day: String,
    #[encrypted]
    notes: String,
}

#[derive(Envelope)]
enum Entity {
    User(User),
    Group(Group),
    Visit(Visit),
}

fn main() {}

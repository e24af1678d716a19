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

#[derive(Envelope)]
#[envelope(table = "jobs")]
#[partition_key(name = "pk", format = "JOB#{number:09}")]
struct Call {
    #[key]
    number: u32,
    #[encrypted]
    phone: String,
}

#[derive(Envelope)]
#[envelope(table = "jobs", entity(kind = "mail"))]
#[partition_key(name = "pk", format = "JOB#{id}")]
struct Mail {
    #[key]
    id: String,
    #[encrypted]
    body: String,
}

#[derive(Envelope)]
enum Job {
    Call(Call),
    Mail(Mail),
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-phone", partition_key = phone)
)]
#[searchable]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(lowercase))]
    email: String,
    #[encrypted]
    #[searchable(digits)]
    #[searchable(normalize(trim))]
    phone: String,
    #[encrypted]
    #[searchable(name = "by-card", normalise(digits))]
    card: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "users",
    context(blind_purpose = "pii"),
    entity(blind_kind = "user"),
    index(name = "by-email", partition_key = email),
    index(name = "by-plan", partition_key(name = "blind_plan", format = "{plan}"))
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(name = "email_2")]
    email: String,
    #[encrypted]
    #[serde(alias = "blind_card")]
    card: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    blind_email: String,
}

fn main() {}

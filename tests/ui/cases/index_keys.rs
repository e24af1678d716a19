use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "users",
    index(name = "by_plan", partition_key = plam),
    index(name = "by_created", partition_key = "plan"),
    index(name = "by_nothing"),
    index(name = "by_both", partition_key = plan, sort_key = plan),
    index(name = "by_cache", partition_key = cache),
    index(name = "by_active", partition_key = active),
    index(name = "by_doctor", partition_key = doctor),
    index(name = "by_tags", partition_key = tags),
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    active: bool,
    #[plaintext]
    doctor: Option<String>,
    #[plaintext]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    #[serde(skip)]
    cache: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop", index(name = "by_user", partition_key = user_id))]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Profile {
    #[key]
    user_id: String,
    #[encrypted]
    email: String,
}

fn main() {}

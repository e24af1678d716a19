use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "users",
    index(partition_key = plan),
    index(name = plan, partition_key = plan),
    index(name = "by plan", partition_key = plan),
    index(name = "ix", partition_key = plan),
    index(name = "by_plan", partition_key = plan),
    index(name = "by-plan", partition_key = plan),
    index(name = "by_plan", partition_key = plan),
    index(name = "by_size", partition_key = plan, sort = user_id),
    index(nam = "by_sort", partition_key = plan),
    index = "by_plan",
    indx(name = "by_plan", partition_key = plan),
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    plan: String,
}

fn main() {}

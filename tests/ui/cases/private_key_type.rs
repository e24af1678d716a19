mod users {
    use envelope_dynamo::Envelope;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct UserId(String);

    #[derive(Envelope)]
    #[envelope(table = "users")]
    pub struct User {
        #[partition_key]
        id: UserId,
        #[encrypted]
        email: String,
    }
}

fn main() {}

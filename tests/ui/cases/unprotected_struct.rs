use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop", unprotected)]
#[partition_key(name = "pk", format = "USER#{user}")]
struct Coupon {
    #[key]
    user: String,
    #[authenticated]
    percent: u32,
}

#[derive(Envelope)]
#[envelope(table = "shop", unprotected)]
struct Setting {
    #[partition_key]
    name: String,
    #[plaintext]
    value: String,
}

fn main() {}

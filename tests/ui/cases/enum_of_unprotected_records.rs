use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop", entity(kind = "order"))]
#[partition_key(name = "pk", format = "USER#{user}")]
struct Order {
    #[key]
    user: String,
    #[encrypted]
    card: String,
}

#[derive(Envelope)]
#[envelope(table = "shop", unprotected)]
#[partition_key(name = "pk", format = "USER#COUPON#{code}")]
struct Coupon {
    #[key]
    code: String,
    #[plaintext]
    percent: u32,
}

#[derive(Envelope)]
enum Shop {
    Order(Order),
    Coupon(Coupon),
}

fn main() {}

use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(table = "shop", entity(kind = "order"))]
struct Order {
    #[partition_key]
    id: String,
    #[encrypted]
    card: String,
    #[plaintext]
    #[version]
    version: u64,
}

#[derive(Envelope)]
#[envelope(table = "shop", entity(kind = "coupon"))]
struct Coupon {
    #[partition_key]
    id: String,
    #[encrypted]
    code: String,
}

#[derive(Envelope)]
enum Shop {
    Coupon(Coupon),
    Order(Order),
}

fn put_all(orders: Table<Order>, order: Order, shop: Table<Shop>, record: Shop) {
    let _ = orders.batch_put([order]);
    let _ = shop.batch_put([record]);
}

fn main() {}

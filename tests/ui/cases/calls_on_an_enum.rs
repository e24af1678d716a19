use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};

#[derive(Envelope)]
#[envelope(table = "shop", entity(kind = "order"))]
struct Order {
    #[partition_key]
    id: String,
    #[encrypted]
    card: String,
    #[plaintext]
    state: String,
}

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

#[derive(Envelope)]
enum Shop {
    Order(Order),
}

struct NoRecord;

fn keys() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::generate().unwrap())
}

async fn call(shop: Table<Shop>) {
    let _ = shop.get("o_1");
    let _ = shop.update("o_1").set(|order| order.state, "sent").send().await;
    let _ = shop.of::<User>();
    let _ = Table::<NoRecord>::new(shop.client().clone(), keys());
}

fn main() {}

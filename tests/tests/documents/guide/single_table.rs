//! The code of docs/guide/single-table.md.

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")] // zeros, so that it sorts
struct Order {
    #[key]
    user_id: String, // stored in the key alone
    #[key]
    created: u64,
    #[authenticated]
    order_id: String, // stored as an attribute as well
    #[encrypted]
    card: String,
}

//! Properties of composed keys, for random parts.

use envelope_dynamo::{Envelope, from_item, to_item};
use proptest::prelude::*;

use super::composed::{Event, Pair, provider};
use envelope_tests::Item;

use crate::shop::Order;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The item of a record, which reads back; `None` if its key is refused.
fn item<T: Envelope + PartialEq + std::fmt::Debug>(record: &T) -> Option<Item> {
    let provider = provider();
    let item = run(to_item(record, &provider)).ok()?;
    assert_eq!(run(from_item::<T>(item.clone(), &provider)).unwrap(), *record);
    Some(item)
}

fn order(user_id: String, created: u64, order_id: String) -> Order {
    Order { user_id, created, order_id, card: String::new(), state: String::new() }
}

proptest! {
    #[test]
    fn different_parts_make_different_keys(
        a in ("[a-c#-]{0,5}", 0..3_u64, "[a-c#-]{0,5}"),
        b in ("[a-c#-]{0,5}", 0..3_u64, "[a-c#-]{0,5}"),
    ) {
        let same = a == b;
        let (first, second) = (item(&order(a.0, a.1, a.2)), item(&order(b.0, b.1, b.2)));
        if let (Some(first), Some(second)) = (first, second) {
            let keys_agree = first["pk"] == second["pk"] && first["sk"] == second["sk"];
            prop_assert_eq!(keys_agree, same);
        }
    }

    #[test]
    fn parts_that_look_like_the_format_text_stay_distinct(
        a in ("[ab-]{0,6}", "[ab-]{0,6}"),
        b in ("[ab-]{0,6}", "[ab-]{0,6}"),
    ) {
        let pair = |(first, second): &(String, String)| item(&Pair { first: first.clone(), second: second.clone(), value: 0 });
        if let (Some(first), Some(second)) = (pair(&a), pair(&b)) {
            prop_assert_eq!(first["pk"] == second["pk"], a == b);
        }
    }

    #[test]
    fn anything_without_a_separator_is_a_part(
        user in "[^#|/:]{1,20}", order_id in "[^#|/:]{1,20}", created: u64
    ) {
        prop_assert!(item(&order(user, created, order_id)).is_some());
    }

    #[test]
    fn zero_padded_numbers_sort_as_numbers(a in 0..10_000_i64, b in 0..10_000_i64) {
        let key = |at| item(&Event { at, id: 1, value: 0 }).unwrap()["sk"].as_s().unwrap().clone();
        prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
    }
}

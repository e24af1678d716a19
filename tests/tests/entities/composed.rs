//! Keys composed of fields, without servers.

use envelope_dynamo::{
    Composite, Envelope, ErrorKind, Fault, IntoKey, LocalKeyProvider, Partition, Parts, RootKey, from_item, to_item,
};

use crate::records::{Item, Order, Profile, order, profile, string};

fn provider() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::generate().unwrap())
}

fn names(item: &Item) -> Vec<&str> {
    let mut names: Vec<_> = item.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn keys_are_made_of_fields_and_the_fields_come_back_from_them() {
    let provider = provider();
    let item = to_item(&order(1_700_000_000, "o_1"), &provider).await.unwrap();
    assert_eq!(item["pk"], string("USER#u_1"));
    assert_eq!(item["sk"], string("ORDER#00000000001700000000#o_1"));
    assert_eq!(item["kind"], string("order"));
    assert_eq!(
        names(&item),
        ["encrypted_dek", "encrypted_payload", "kind", "order_id", "pk", "sk", "state"],
        "what is in the key alone is stored nowhere else"
    );
    assert_eq!(from_item::<Order>(item, &provider).await.unwrap(), order(1_700_000_000, "o_1"));

    let item = to_item(&profile(), &provider).await.unwrap();
    assert_eq!((&item["pk"], &item["sk"]), (&string("USER#u_1"), &string("PROFILE")));
    assert_eq!(names(&item), ["encrypted_dek", "encrypted_payload", "logins", "pk", "sk"]);
    assert_eq!(from_item::<Profile>(item, &provider).await.unwrap(), profile());
}

#[test]
fn a_key_is_typed_by_the_parts_that_vary() {
    let key: <Order as Envelope>::Key = ("u_1", (1_700_000_000, "o_1")).into_key();
    assert_eq!(key, Composite { partition: "u_1".to_owned(), sort: Parts((1_700_000_000, "o_1".to_owned())) });
    let key: <Profile as Envelope>::Key = "u_1".into_key();
    assert_eq!(key, Partition { partition: "u_1".to_owned() });
}

use envelope_examples::servers::create_table;

use super::*;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop", index(name = "by-state", partition_key = state))]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{created:010}#{order_id}")]
struct Order {
    #[key]
    user_id: String,
    #[key]
    created: u64,
    #[key]
    order_id: String,
    #[encrypted]
    card: String,
    #[authenticated]
    state: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Profile {
    #[key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Shop {
    Profile(Profile),
    Order(Order),
}

fn order(user: &str, created: u64) -> Order {
    Order {
        user_id: user.into(),
        created,
        order_id: format!("o_{created}"),
        card: SECRET.into(),
        state: "paid".into(),
    }
}

#[tokio::test]
async fn a_query_returns_its_own_entity_type_and_resumes_among_others() {
    use ScalarAttributeType::S;
    let (servers, table) = (Servers::from_env().await.unwrap(), unique_name("shop"));
    create_table(servers.dynamodb(), &table, ("pk", S), Some(("sk", S))).await.unwrap();
    let keys = TestKeyProvider::new(RootKey::generate().unwrap());
    let orders = Table::<Order>::new(servers.dynamodb().clone(), keys.clone()).named(table.clone());
    let profiles = Table::<Profile>::new(servers.dynamodb().clone(), keys.clone()).named(table);
    for user in ["u_1", "u_2"] {
        profiles.put(&Profile { user_id: user.into(), email: SECRET.into() }).send().await.unwrap();
        for created in [5, 40, 300, 2_000] {
            orders.put(&order(user, created)).send().await.unwrap();
        }
    }
    let all = [5, 40, 300, 2_000].map(|created| order("u_1", created));
    assert_eq!(orders.query("u_1").send().await.unwrap(), all);
    assert_eq!(orders.query("u_1").descending().limit(1).send().await.unwrap(), all[3..]);
    assert_eq!(profiles.query("u_1").limit(1).send().await.unwrap().len(), 1);
    assert_eq!(orders.scan().page_size(3).send().await.unwrap().len(), 8);
    assert_eq!(profiles.scan().segments(2).send().await.unwrap().len(), 2);

    // Zero-padded numbers sort as numbers, and a key value stands for all its parts.
    let late = orders.query("u_1").sort(|key| key.ge((300_u64, "o_300")));
    assert_eq!(late.send().await.unwrap(), all[2..]);
    assert_eq!(
        orders.query("u_1").sort(|key| key.begins_with("ORDER#00000000")).send().await.unwrap(),
        all[..2]
    );

    for taken in 0..=4 {
        let mut records = orders.query("u_1").page_size(1).stream().unwrap();
        let mut read = Vec::new();
        for _ in 0..taken {
            read.push(records.next().await.unwrap().unwrap());
        }
        let token =
            records.resume_token().map(|token| token.to_string().parse::<ResumeToken>().unwrap());
        if token.is_some() {
            read.extend(orders.query("u_1").resume(token).send().await.unwrap());
        }
        assert_eq!(read, all, "{taken}");
    }
    let shop = Table::<Shop>::new(servers.dynamodb().clone(), keys).named(orders.name());
    let mut expected: Vec<_> = all.into_iter().map(Shop::Order).collect();
    expected.push(Shop::Profile(Profile { user_id: "u_1".into(), email: SECRET.into() }));
    assert_eq!(shop.query("u_1").page_size(2).send().await.unwrap(), expected);
    assert_eq!(shop.scan().send().await.unwrap().len(), 10);
    let error = orders.query("u#1").send().await.unwrap_err();
    assert!(error.to_string().contains("contains a separator"), "{error}");
}

//! The code of docs/guide/single-table.md.

use envelope_dynamo::{Envelope, Table};
use envelope_examples::servers::unique_name;
use envelope_tests::{local_keys, servers};

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
    #[plaintext]
    state: String,
}

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Profile {
    #[key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[derive(Envelope)]
enum Shop {
    Profile(Profile),
    Order(Order),
}

#[tokio::test]
async fn the_guide_calls_by_the_key_of_one_type() -> Result<(), Box<dyn std::error::Error>> {
    let shop = Table::<Shop>::new(servers().await.dynamodb().clone(), local_keys(1));
    let shop = shop.named(unique_name("shop"));
    shop.create_table().send().await?;
    let profile = Profile { user_id: "u_1".to_owned(), email: "zoe@example.com".to_owned() };
    let placed = Order {
        user_id: "u_1".to_owned(),
        created: 1_700_000_000,
        order_id: "o_1".to_owned(),
        card: "4242".to_owned(),
        state: "paid".to_owned(),
    };
    shop.put(&Shop::Profile(profile)).send().await?;
    shop.put(&Shop::Order(placed)).send().await?;

    let orders = shop.of::<Order>();
    let key = || ("u_1", (1_700_000_000, "o_1"));
    let order: Option<Order> = orders.get(key()).consistent_read().send().await?;
    orders.update(key()).set(|order| order.state, "sent").send().await?;
    orders.update(key()).modify(|order| order.card = "4000".into()).send().await?;
    orders.delete(key()).condition(|order| order.state.eq("sent")).send().await?;
    assert_eq!(order.map(|order| order.card).as_deref(), Some("4242"));
    let [Shop::Profile(left)] = &shop.query("u_1").consistent_read().send().await?[..] else {
        panic!("the order is still there")
    };
    assert_eq!(left.email, "zoe@example.com");
    Ok(())
}

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "AUDIT#{at:020}")]
struct Audit {
    #[key]
    user_id: String,
    #[key]
    at: u64,
    #[authenticated]
    action: String, // readable in the table
}

#[derive(Envelope)]
#[envelope(table = "shop", unprotected)]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "COUPON#{code}")]
struct Coupon {
    #[key]
    user_id: String,
    #[key]
    code: String,
    #[plaintext]
    used: u32,
}

#[derive(Envelope)]
enum Account {
    Order(Order),
    Audit(Audit),
    Coupon(Coupon),
}

#[tokio::test]
async fn the_guide_stores_types_without_secrets() -> Result<(), Box<dyn std::error::Error>> {
    let shop = Table::<Account>::new(servers().await.dynamodb().clone(), local_keys(1));
    let shop = shop.named(unique_name("shop"));
    shop.create_table().send().await?;
    let (user_id, order_id, card) = ("u_1".to_owned(), "o_1".to_owned(), "4111".to_owned());
    let order =
        Order { user_id: user_id.clone(), created: 7, order_id, card, state: "paid".to_owned() };
    let audit = Audit { user_id: user_id.clone(), at: 7, action: "bought".to_owned() };
    let coupon = Coupon { user_id, code: "a".to_owned(), used: 1 };
    for record in [Account::Order(order), Account::Audit(audit), Account::Coupon(coupon)] {
        shop.put(&record).send().await?;
    }
    let kinds = shop.query("u_1").send().await?.into_iter().map(|record| match record {
        Account::Order(order) => order.card,
        Account::Audit(audit) => audit.action,
        Account::Coupon(coupon) => format!("{} used", coupon.used),
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["bought", "1 used", "4111"]);
    Ok(())
}

#[derive(Envelope)]
#[envelope(
    table = "clinic",
    index(
        name = "gsi1",
        partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"),
        sort_key(name = "gsi1sk", format = "VISIT#{day}#{start:04}"),
    )
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "VISIT#{visit}")]
struct Visit {
    #[key]
    patient: String,
    #[key]
    visit: String,
    #[authenticated]
    doctor: Option<String>, // without a doctor, the index does not list the visit
    #[authenticated]
    day: String,
    #[authenticated]
    start: u32,
    #[encrypted]
    notes: String,
}

#[derive(Envelope)]
#[envelope(
    table = "clinic",
    index(
        name = "gsi1",
        partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"),
        sort_key(name = "gsi1sk", format = "BILL#{number:06}"),
    )
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "BILL#{number:06}")]
struct Bill {
    #[key]
    patient: String,
    #[key]
    number: u32,
    #[authenticated]
    doctor: String,
    #[encrypted]
    amount: u64,
}

#[derive(Envelope)]
enum Clinic {
    Visit(Visit),
    Bill(Bill),
}

#[tokio::test]
async fn the_guide_queries_composed_keys_of_indexes() -> Result<(), Box<dyn std::error::Error>> {
    let clinic = Table::<Clinic>::new(servers().await.dynamodb().clone(), local_keys(1));
    let clinic = clinic.named(unique_name("clinic"));
    clinic.create_table().send().await?;
    for (visit, doctor, day, start) in [
        ("v_1", Some("d_1"), "2026-03-02", 930),
        ("v_2", Some("d_1"), "2026-03-08", 800),
        ("v_3", None, "2026-03-02", 930),
    ] {
        let visit = Visit {
            patient: "p_1".to_owned(),
            visit: visit.to_owned(),
            doctor: doctor.map(str::to_owned),
            day: day.to_owned(),
            start,
            notes: "gout".to_owned(),
        };
        clinic.put(&Clinic::Visit(visit)).send().await?;
    }
    let (patient, doctor) = ("p_1".to_owned(), "d_1".to_owned());
    clinic.put(&Clinic::Bill(Bill { patient, number: 7, doctor, amount: 70 })).send().await?;

    let visits = clinic.of::<Visit>();
    let by_doctor = visits.index(|indexes| indexes.gsi1);
    let days = by_doctor.query("d_1").sort(|key| key.between_parts("2026-03-02", "2026-03-08"));
    assert_eq!(days.send().await?.len(), 2);
    let from_nine =
        by_doctor.query("d_1").sort(|key| key.between_parts(("2026-03-02", 900), "2026-03-02"));
    assert_eq!(from_nine.send().await?.len(), 1);

    let by_doctor = clinic.index_of(Visit::indexes().gsi1);
    let mut kinds = Vec::new();
    for record in by_doctor.query("d_1").send().await? {
        kinds.push(match record {
            Clinic::Visit(visit) => visit.visit,
            Clinic::Bill(bill) => format!("bill {}", bill.number),
        });
    }
    assert_eq!(kinds, ["bill 7", "v_1", "v_2"]);
    Ok(())
}

#[derive(Envelope)]
#[envelope(
    table = "appointments",
    index(name = "by-doctor", partition_key = (clinic, doctor), sort_key = (day, start))
)]
struct Appointment {
    #[partition_key]
    id: String,
    #[authenticated]
    clinic: String,
    #[authenticated]
    doctor: String,
    #[authenticated]
    day: String,
    #[authenticated]
    start: u32,
    #[encrypted]
    reason: String,
}

#[tokio::test]
async fn the_guide_queries_keys_of_several_attributes() {
    let client = servers().await.dynamodb().clone();
    let appointments = Table::<Appointment>::new(client, local_keys(1));
    let late = appointments
        .index(|indexes| indexes.by_doctor)
        .query(("c_1", "d_1"))
        .sort(|day| day.eq("2026-03-07").and(|start| start.ge(1_200_u32)));
    assert!(late.send().await.is_err(), "the table does not exist");
}

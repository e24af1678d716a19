//! Queries by composed keys, by their parts, and of several types at once.

use super::*;

fn visits() -> Vec<Visit> {
    vec![
        visit("v_1", "d_1", "2026-03-07", 900),
        visit("v_2", "d_1", "2026-03-07", 1_000),
        visit("v_3", "d_1", "2026-03-08", 90),
        visit("v_4", "d_1", "2026-03-09", 900),
    ]
}

fn ids(visits: &[Visit]) -> Vec<&str> {
    visits.iter().map(|visit| visit.visit.as_str()).collect()
}

#[tokio::test]
async fn parts_of_the_sort_key_are_conditions() {
    let bench = Bench::new().await;
    bench.put(&visits()).await;
    bench.put(&[visit("v_9", "d_2", "2026-03-07", 900)]).await;
    let table = bench.visits();
    let by_doctor = table.index(|indexes| indexes.gsi1);
    let query = || by_doctor.query("d_1");

    assert_eq!(query().send().await.unwrap(), visits());
    let day = query().sort(|key| key.begins_with_parts("2026-03-07")).send().await.unwrap();
    assert_eq!(ids(&day), ["v_1", "v_2"]);
    let hour = query().sort(|key| key.begins_with_parts(("2026-03-07", 900))).send().await.unwrap();
    assert_eq!(ids(&hour), ["v_1"]);
    let part = query().sort(|key| key.begins_with_parts("2026-03-0")).send().await.unwrap();
    assert_eq!(ids(&part), [""; 0], "a part is whole: its separator follows");
    let text = query().sort(|key| key.begins_with("VISIT#2026-03-0")).send().await.unwrap();
    assert_eq!(text, visits());

    let days = query().sort(|key| key.between_parts("2026-03-07", "2026-03-08"));
    assert_eq!(ids(&days.send().await.unwrap()), ["v_1", "v_2", "v_3"]);
    let times = query().sort(|key| key.between_parts(("2026-03-07", 950), ("2026-03-08", 90)));
    assert_eq!(ids(&times.send().await.unwrap()), ["v_2", "v_3"]);
    let mixed = query().sort(|key| key.between_parts(("2026-03-07", 950), "2026-03-09"));
    assert_eq!(ids(&mixed.send().await.unwrap()), ["v_2", "v_3", "v_4"]);

    let exact = query().sort(|key| key.begins_with_parts(("2026-03-08", 90, "r-7")));
    assert_eq!(ids(&exact.send().await.unwrap()), ["v_3"]);
    let prefix = query().sort(|key| key.begins_with_parts(("2026-03-08", 90, "r-")));
    assert_eq!(ids(&prefix.send().await.unwrap()), [""; 0]);
    let to = query().sort(|key| key.between_parts(("2026-03-07", 950), ("2026-03-08", 90, "r-7")));
    assert_eq!(ids(&to.send().await.unwrap()), ["v_2", "v_3"]);
    let whole = query().sort(|key| key.eq(("2026-03-08", 90, "r-7"))).send().await.unwrap();
    assert_eq!(ids(&whole), ["v_3"]);
    let after = query().sort(|key| key.gt(("2026-03-08", 90, "r-7"))).descending();
    assert_eq!(ids(&after.send().await.unwrap()), ["v_4"]);
}

#[tokio::test]
async fn a_query_of_one_type_asks_for_its_keys_alone() {
    let bench = Bench::new().await;
    bench.put(&visits()).await;
    bench.clinic.of::<Bill>().put(&bill(7, "d_1")).send().await.unwrap();
    bench.faults.forget_calls();
    assert_eq!(bench.of_doctor("d_1").await, visits());
    let sent = requests(&bench.faults, "Query");
    let values = sent[0]["ExpressionAttributeValues"].to_string();
    assert!(values.contains("DOCTOR#d_1") && values.contains("\"VISIT#\""), "{values}");
}

#[tokio::test]
async fn an_enum_reads_all_types_that_share_an_index() {
    let bench = Bench::new().await;
    bench.put(&visits()[..2]).await;
    bench.clinic.put(&Clinic::Patient(patient("p_1"))).send().await.unwrap();
    bench.clinic.put(&Clinic::Bill(bill(7, "d_1"))).send().await.unwrap();
    bench.clinic.put(&Clinic::Bill(bill(8, "d_2"))).send().await.unwrap();
    let visits = visits();
    let all = [
        Clinic::Bill(bill(7, "d_1")),
        Clinic::Visit(visits[0].clone()),
        Clinic::Visit(visits[1].clone()),
    ];
    let of_visits = bench.clinic.index_of(Visit::indexes().gsi1);
    assert_eq!(of_visits.query("d_1").send().await.unwrap(), all);
    let of_bills = bench.clinic.index_of(Bill::indexes().gsi1);
    assert_eq!(of_bills.query("d_1").send().await.unwrap(), all);
    assert_eq!(of_bills.query("d_1").sort(|key| key.eq(7_u32)).send().await.unwrap(), all[..1]);
    let day = of_visits.query("d_1").sort(|key| key.begins_with_parts("2026-03-07"));
    assert_eq!(day.send().await.unwrap(), all[1..]);
    assert_eq!(of_visits.query("d_1").fetch_base_table().send().await.unwrap(), all);
    assert_eq!(of_visits.query("d_1").count().await.unwrap(), 3);
    assert_eq!(of_visits.scan().send().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_field_of_the_key_can_be_a_key_of_an_index() {
    let bench = Bench::new().await;
    bench.put(&visits()).await;
    let table = bench.visits();
    let by_visit = table.index(|indexes| indexes.gsi2);
    assert_eq!(ids(&by_visit.query("v_3").send().await.unwrap()), ["v_3"]);
    let by_ward = table.index(|indexes| indexes.by_ward);
    let early = by_ward.query(("north", "planned")).sort(|start| start.lt(950_u32));
    let early = early.send().await.unwrap();
    assert!(early.is_sorted_by_key(|visit| visit.start));
    // Two of them start at the same time, and DynamoDB returns those in any order.
    let mut early = ids(&early);
    early.sort_unstable();
    assert_eq!(early, ["v_1", "v_3", "v_4"]);
    let inverted = table.index(|indexes| indexes.inverted);
    let read = inverted.query("v_2").sort(|key| key.eq("p_1")).send().await.unwrap();
    assert_eq!(ids(&read), ["v_2"]);
}

#[tokio::test]
async fn a_query_by_a_composed_key_resumes() {
    let bench = Bench::new().await;
    bench.put(&visits()).await;
    let table = bench.visits();
    let by_doctor = table.index(|indexes| indexes.gsi1);
    let mut read = Vec::new();
    let mut token = None;
    loop {
        let mut records = by_doctor.query("d_1").page_size(2).resume(token).stream().unwrap();
        let Some(visit) = records.next().await else { break };
        read.push(visit.unwrap());
        token = records.resume_token();
        if token.is_none() {
            break;
        }
    }
    assert_eq!(read, visits());
}

/// The keys of other indexes are no values of the record.
#[tokio::test]
async fn an_index_needs_no_keys_of_other_indexes() {
    let bench = Bench::new().await;
    let attributes = Visit::attributes();
    assert_eq!((attributes.gsi1pk.name(), attributes.ward_state.name()), ("gsi1pk", "ward state"));
    bench.put(&visits()).await;
    let by_state = bench.visits();
    let filtered = by_state
        .index(|indexes| indexes.gsi2)
        .query("v_1")
        .filter(|visit| visit.gsi1sk.begins_with("VISIT#2026-03-07#"));
    assert_eq!(ids(&filtered.send().await.unwrap()), ["v_1"]);
}

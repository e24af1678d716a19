//! Keys of indexes with several attributes: what is asked for, and what the genuine server finds.

use aws_sdk_dynamodb::types::KeyType;
use aws_sdk_dynamodb::types::KeyType::{Hash, Range};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::Faults;
use envelope_examples::servers::unique_name;
use envelope_tests::{TestTable, local_keys, requests, servers};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "several",
    index(name = "by-doctor", partition_key = (clinic, doctor), sort_key = (day, start, room)),
    index(name = "by-room", partition_key = (clinic, room), sort_key = start),
    index(name = "by-clinic", partition_key = clinic, sort_key = (day, start)),
    index(name = "by-both", partition_key = (clinic, doctor, room, day)),
    index(
        name = "mixed",
        partition_key(name = "gsi1pk", format = "CLINIC#{clinic}"),
        sort_key = (day, start)
    ),
)]
struct Visit {
    #[partition_key]
    id: String,
    #[encrypted]
    notes: String,
    #[authenticated]
    clinic: String,
    #[authenticated]
    doctor: String,
    #[authenticated]
    day: String,
    #[authenticated]
    #[serde(rename = "from")]
    start: u32,
    #[plaintext]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<String>,
}

fn visit(id: &str, doctor: &str, day: &str, start: u32) -> Visit {
    Visit {
        id: id.to_owned(),
        notes: "s3cr3t".to_owned(),
        clinic: "c_1".to_owned(),
        doctor: doctor.to_owned(),
        day: day.to_owned(),
        start,
        room: (start > 800).then(|| "r_1".to_owned()),
    }
}

#[tokio::test]
async fn the_indexes_are_created_with_all_their_keys() {
    let client = servers().await.dynamodb().clone();
    let visits = Table::<Visit>::new(client, local_keys(1));
    let creation = visits.create_table().into_sdk().unwrap();
    let keys = |name: &str| {
        let indexes = creation.get_global_secondary_indexes().as_ref().unwrap();
        let index = indexes.iter().find(|index| index.index_name == name).unwrap();
        let keys = index.key_schema.iter();
        keys.map(|key| (key.attribute_name.clone(), key.key_type.clone())).collect::<Vec<_>>()
    };
    let expected = |keys: &[(&str, KeyType)]| {
        let owned = |(name, role): &(&str, KeyType)| ((*name).to_owned(), role.clone());
        keys.iter().map(owned).collect::<Vec<_>>()
    };
    let all =
        [("clinic", Hash), ("doctor", Hash), ("day", Range), ("from", Range), ("room", Range)];
    assert_eq!(keys("by-doctor"), expected(&all));
    assert_eq!(keys("by-room"), expected(&[("clinic", Hash), ("room", Hash), ("from", Range)]));
    assert_eq!(keys("by-clinic"), expected(&[("clinic", Hash), ("day", Range), ("from", Range)]));
    assert_eq!(keys("mixed"), expected(&[("gsi1pk", Hash), ("day", Range), ("from", Range)]));
    let definitions = creation.get_attribute_definitions().as_ref().unwrap();
    let types = definitions.iter().map(|key| (&*key.attribute_name, key.attribute_type.as_str()));
    let mut types: Vec<_> = types.collect();
    types.sort_unstable();
    assert_eq!(
        types,
        [
            ("clinic", "S"),
            ("day", "S"),
            ("doctor", "S"),
            ("from", "N"),
            ("gsi1pk", "S"),
            ("id", "S"),
            ("room", "S"),
        ]
    );
    assert_eq!(
        format!("{:?}", Visit::indexes().by_doctor),
        "by-doctor(clinic, doctor, day, from, room)"
    );
}

/// The key condition of the last query, with names and values in their places.
fn last_condition(faults: &Faults) -> String {
    let request = requests(faults, "Query").pop().expect("a query was sent");
    let mut text = request["KeyConditionExpression"].as_str().unwrap().to_owned();
    let entries = |map: &str| request[map].as_object().unwrap().clone();
    let mut places: Vec<(String, String)> = Vec::new();
    for (place, name) in entries("ExpressionAttributeNames") {
        places.push((place, name.as_str().unwrap().to_owned()));
    }
    for (place, value) in entries("ExpressionAttributeValues") {
        let value = value.as_object().unwrap().values().next().and_then(Value::as_str);
        places.push((place, value.unwrap().to_owned()));
    }
    places.sort_by_key(|(place, _)| std::cmp::Reverse(place.len()));
    for (place, value) in places {
        text = text.replace(&place, &value);
    }
    text
}

/// No server is needed for what is asked: the table does not exist.
#[tokio::test]
async fn conditions_on_sort_keys_go_from_left_to_right() {
    let (servers, faults) = (servers().await, Faults::new());
    let client = servers.dynamodb_through(&faults);
    let visits = Table::<Visit>::new(client, local_keys(1)).named(unique_name("none"));
    let by_doctor = visits.index(|indexes| indexes.by_doctor);
    let query = || by_doctor.query(("c_1", "d_1"));
    let both = "clinic = c_1 AND doctor = d_1";

    query().send().await.unwrap_err();
    assert_eq!(last_condition(&faults), both);
    query().sort(|day| day.eq("2026-03-07")).send().await.unwrap_err();
    assert_eq!(last_condition(&faults), format!("{both} AND day = 2026-03-07"));
    query().sort(|day| day.begins_with("2026-03")).send().await.unwrap_err();
    assert_eq!(last_condition(&faults), format!("{both} AND begins_with(day, 2026-03)"));
    query()
        .sort(|day| day.eq("2026-03-07").and(|start| start.between(900_u32, 1_000_u32)))
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        last_condition(&faults),
        format!("{both} AND day = 2026-03-07 AND (from BETWEEN 900 AND 1000)")
    );
    query()
        .sort(|day| day.eq("a").and(|start| start.eq(9_u32).and(|room| room.gt("r"))))
        .send()
        .await
        .unwrap_err();
    assert_eq!(last_condition(&faults), format!("{both} AND day = a AND from = 9 AND room > r"));

    let by_room = visits.index(|indexes| indexes.by_room);
    let early = by_room.query(("c_1", "r_1")).sort(|start| start.lt(900_u32));
    early.send().await.unwrap_err();
    assert_eq!(last_condition(&faults), "clinic = c_1 AND room = r_1 AND from < 900");
    let by_clinic = visits.index(|indexes| indexes.by_clinic);
    let day = by_clinic.query("c_1").sort(|day| day.eq("a").and(|start| start.ge(9_u32)));
    day.send().await.unwrap_err();
    assert_eq!(last_condition(&faults), "clinic = c_1 AND day = a AND from >= 9");
    let all = visits.index(|indexes| indexes.by_both).query(("c_1", "d_1", "r_1", "a"));
    all.send().await.unwrap_err();
    assert_eq!(last_condition(&faults), "clinic = c_1 AND doctor = d_1 AND room = r_1 AND day = a");
    let mixed = visits.index(|indexes| indexes.mixed).query("c_1").sort(|day| day.gt("a"));
    mixed.send().await.unwrap_err();
    assert_eq!(last_condition(&faults), "gsi1pk = CLINIC#c_1 AND day > a");
}

fn ids(visits: &[Visit]) -> Vec<&str> {
    visits.iter().map(|visit| visit.id.as_str()).collect()
}

#[tokio::test]
#[ignore = "needs DynamoDB Local of tests/real-servers.sh: the embedded server has no such indexes"]
async fn the_genuine_server_queries_keys_of_several_attributes() {
    let table = TestTable::<Visit>::with(|_, _| local_keys(1)).await;
    let visits = &table.table;
    for (id, doctor, day, start) in [
        ("v_1", "d_1", "2026-03-07", 900),
        ("v_2", "d_1", "2026-03-07", 1_000),
        ("v_3", "d_1", "2026-03-08", 900),
        ("v_4", "d_2", "2026-03-07", 900),
        ("v_5", "d_1", "2026-03-07", 700), // without a room, so not in every index
    ] {
        visits.put(&visit(id, doctor, day, start)).send().await.unwrap();
    }
    let by_doctor = visits.index(|indexes| indexes.by_doctor);
    let query = || by_doctor.query(("c_1", "d_1"));
    assert_eq!(ids(&query().send().await.unwrap()), ["v_1", "v_2", "v_3"]);
    let day = query().sort(|day| day.eq("2026-03-07")).send().await.unwrap();
    assert_eq!(ids(&day), ["v_1", "v_2"]);
    let late = query().sort(|day| day.eq("2026-03-07").and(|start| start.gt(900_u32)));
    assert_eq!(ids(&late.send().await.unwrap()), ["v_2"]);
    let days = query().sort(|day| day.between("2026-03-07", "2026-03-08")).descending();
    assert_eq!(ids(&days.send().await.unwrap()), ["v_3", "v_2", "v_1"]);
    let by_clinic = visits.index(|indexes| indexes.by_clinic);
    let day = by_clinic.query("c_1").sort(|day| day.eq("2026-03-07").and(|from| from.le(900_u32)));
    assert_eq!(day.count().await.unwrap(), 3);
    let mixed = visits.index(|indexes| indexes.mixed).query("c_1").sort(|day| day.gt("2026-03-07"));
    assert_eq!(ids(&mixed.send().await.unwrap()), ["v_3"]);

    let mut read = Vec::new();
    let mut token = None;
    loop {
        let mut records = query().page_size(1).resume(token).stream().unwrap();
        let Some(visit) = records.next().await else { break };
        read.push(visit.unwrap());
        token = records.resume_token();
        if token.is_none() {
            break;
        }
    }
    assert_eq!(ids(&read), ["v_1", "v_2", "v_3"]);
    let whole = query().fetch_base_table().send().await.unwrap();
    assert_eq!(whole, read);
}

//! A search tag among the attributes of an index key: members are found within their tenant. The
//! embedded server has no such keys, so these tests need the genuine DynamoDB Local.

use envelope_core::search::SearchKey;
use envelope_dynamo::keys::{LocalSearchKeys, SearchKeys};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use envelope_tests::{assert_never_sent, local_keys, requests, servers};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "members",
    index(name = "by-email", partition_key = (tenant, email), sort_key = (year, login)),
    index(name = "by-name", partition_key = (tenant, last_first), sort_key = year),
    index(name = "by-tenant", partition_key = tenant, sort_key = (year, email)),
    searchable(fields(last(trim, ascii_lowercase), first)),
)]
struct Member {
    #[partition_key]
    id: String,
    #[authenticated]
    tenant: String,
    #[authenticated]
    year: u32,
    #[authenticated]
    login: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
    #[encrypted]
    last: String,
    #[encrypted]
    first: String,
}

fn member(id: &str, tenant: &str, year: u32, login: &str, name: &str) -> Member {
    Member {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        year,
        login: login.to_owned(),
        email: format!("{name}@example.com"),
        last: "Quinn".to_owned(),
        first: name.to_owned(),
    }
}

/// Zoe thrice in one tenant, and once in another; Ana in the first.
fn members() -> Vec<Member> {
    vec![
        member("m_1", "t_1", 2024, "zoe-a", "Zoe"),
        member("m_2", "t_1", 2025, "zoe-b", "Zoe"),
        member("m_3", "t_1", 2025, "zoq", "Zoe"),
        member("m_4", "t_2", 2025, "zoe-b", "Zoe"),
        member("m_5", "t_1", 2025, "ana", "Ana"),
    ]
}

struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let (servers, name) = (servers().await, unique_name("members"));
        let bench = Self { servers, faults: Faults::new(), name };
        let members = bench.members(only(1));
        members.create_table().send().await.unwrap();
        members.batch_put(self::members()).send().await.unwrap();
        bench
    }

    fn members(&self, keys: impl Into<SearchKeys>) -> Table<Member> {
        let client = self.servers.dynamodb_through(&self.faults);
        Table::new(client, local_keys(7)).named(&self.name).with_search_keys(keys)
    }
}

fn search_key(byte: u8) -> SearchKey {
    SearchKey::from_slice(&[byte; 32]).unwrap()
}

fn only(byte: u8) -> LocalSearchKeys {
    LocalSearchKeys::new(search_key(byte))
}

#[track_caller]
fn assert_ids(members: &[Member], expected: &[&str]) {
    let ids: Vec<_> = members.iter().map(|member| member.id.as_str()).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
#[ignore = "needs DynamoDB Local of tests/real-servers.sh: the embedded server has no such indexes"]
async fn members_are_found_within_their_tenant() {
    let bench = Bench::new().await;
    let members = bench.members(only(1));
    let by_email = members.index(|indexes| indexes.by_email);
    let of = |tenant: &'static str| by_email.query((tenant, " ZOE@example.com"));
    assert_ids(&of("t_1").send().await.unwrap(), &["m_1", "m_2", "m_3"]);
    assert_ids(&of("t_2").send().await.unwrap(), &["m_4"]);
    assert_eq!(of("t_2").one().await.unwrap().unwrap().id, "m_4");
    of("t_1").one().await.unwrap_err(); // three of them
    assert_ids(&of("t_3").send().await.unwrap(), &[]);
    assert_ids(&by_email.query(("t_2", "ana@example.com")).send().await.unwrap(), &[]);
    assert_ids(&by_email.query(("t_1", "")).send().await.unwrap(), &[]);
    assert_ids(&of("t_1").fetch_base_table().send().await.unwrap(), &["m_1", "m_2", "m_3"]);

    let query = requests(&bench.faults, "Query").remove(0);
    let names = query["ExpressionAttributeNames"].to_string();
    assert!(names.contains("\"tenant\"") && names.contains("\"blind_email\""), "{names}");
    assert_never_sent(&bench.faults, "oe@example");
}

#[tokio::test]
#[ignore = "needs DynamoDB Local of tests/real-servers.sh: the embedded server has no such indexes"]
async fn sort_keys_behind_a_tag_are_stated_from_left_to_right() {
    let bench = Bench::new().await;
    let members = bench.members(only(1));
    let by_email = members.index(|indexes| indexes.by_email);
    let zoes = || by_email.query(("t_1", "zoe@example.com"));
    assert_ids(&zoes().sort(|year| year.eq(2025)).send().await.unwrap(), &["m_2", "m_3"]);
    assert_ids(&zoes().sort(|year| year.lt(2025)).send().await.unwrap(), &["m_1"]);
    let prefix = |year: u32, login: &'static str| {
        zoes().sort(move |of| of.eq(year).and(|of| of.begins_with(login)))
    };
    assert_ids(&prefix(2025, "zoe").send().await.unwrap(), &["m_2"]);
    assert_ids(&prefix(2025, "zo").descending().send().await.unwrap(), &["m_3", "m_2"]);
    assert_ids(&prefix(2024, "zoq").send().await.unwrap(), &[]);
    // A tag as the last sort key.
    let by_tenant = members.index(|indexes| indexes.by_tenant);
    let of = |email: &'static str| {
        by_tenant.query("t_1").sort(move |year| year.eq(2025).and(|of| of.eq(email)))
    };
    assert_ids(&of("Ana@example.com").send().await.unwrap(), &["m_5"]);
    assert_eq!(of("zoe@example.com").send().await.unwrap().len(), 2);
    assert_ids(&of("bea@example.com").send().await.unwrap(), &[]);
}

#[tokio::test]
#[ignore = "needs DynamoDB Local of tests/real-servers.sh: the embedded server has no such indexes"]
async fn a_tag_of_several_fields_is_searched_within_a_tenant() {
    let bench = Bench::new().await;
    let members = bench.members(only(1));
    let by_name = members.index(|indexes| indexes.by_name);
    let of = |tenant: &'static str, last: &'static str, first: &'static str| {
        by_name.query((tenant, (last, first)))
    };
    assert_ids(
        &of("t_1", " quinn", "Zoe").sort(|year| year.eq(2024)).send().await.unwrap(),
        &["m_1"],
    );
    assert_eq!(of("t_1", "Quinn", "Zoe").send().await.unwrap().len(), 3);
    assert_ids(&of("t_2", "Quinn", "Zoe").send().await.unwrap(), &["m_4"]);
    assert_ids(&of("t_2", "Quinn", "Ana").send().await.unwrap(), &[]);
}

/// A changed value moves the record in the index, within its tenant.
#[tokio::test]
#[ignore = "needs DynamoDB Local of tests/real-servers.sh: the embedded server has no such indexes"]
async fn changes_and_rotations_move_a_member_within_its_tenant() {
    let bench = Bench::new().await;
    let members = bench.members(only(1));
    let change = |member: &mut Member| member.email = "bea@example.com".to_owned();
    members.update("m_4").modify(change).send().await.unwrap();
    let by_email = members.index(|indexes| indexes.by_email);
    assert_ids(&by_email.query(("t_2", "zoe@example.com")).send().await.unwrap(), &[]);
    assert_ids(&by_email.query(("t_2", "bea@example.com")).send().await.unwrap(), &["m_4"]);
    assert_ids(&by_email.query(("t_1", "bea@example.com")).send().await.unwrap(), &[]);

    let rotating = || only(2).also_previous(search_key(1));
    bench.members(rotating()).update("m_1").modify(|_| ()).send().await.unwrap();
    let during = bench.members(rotating());
    let by_email = during.index(|indexes| indexes.by_email);
    // The old tag to its end, and then the new one.
    let zoes = || by_email.query(("t_1", "zoe@example.com"));
    assert_ids(&zoes().send().await.unwrap(), &["m_2", "m_3", "m_1"]);
    let (mut read, mut token) = (Vec::new(), None);
    loop {
        let mut records = zoes().page_size(1).resume(token).stream().unwrap();
        let Some(member) = records.next().await else { break };
        read.push(member.unwrap());
        token = records.resume_token();
        if token.is_none() {
            break;
        }
    }
    assert_ids(&read, &["m_2", "m_3", "m_1"]);
}

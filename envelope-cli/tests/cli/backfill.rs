//! `backfill` as a process: the command with record types of its own, as a service builds it.

use std::convert::Infallible;
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_cli::Command as Program;
use envelope_dynamo::item::{Item, is_sealed};
use envelope_dynamo::keys::{SearchKeyTable, SearchKeys};
use envelope_dynamo::maintain::{Converted, SchemaFile};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::loopback::Loopback;
use envelope_examples::servers::{create_kms_key, create_table, unique_name};
use envelope_examples::{Faults, Servers};
use serde::{Deserialize, Serialize};

use crate::process::{Ended, own_command, run};

/// The arguments of [`the_command_itself`], one in each line.
const ARGUMENTS: &str = "ENVELOPE_TEST_ARGUMENTS";

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{id}")]
struct User {
    #[key]
    id: u64,
    #[encrypted]
    email: String,
    #[encrypted(accept = "plaintext")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    city: String,
}

/// A user as the struct was before `phone` became encrypted.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{id}")]
struct OldUser {
    #[key]
    id: u64,
    #[encrypted]
    email: String,
    #[plaintext]
    phone: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "ORDER#{id}")]
struct Order {
    #[key]
    id: u64,
    #[encrypted]
    card: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    id: u64,
    #[encrypted]
    text: String,
}

/// Found by the address, which no two members share.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "members")]
struct Member {
    #[partition_key]
    id: String,
    #[encrypted]
    #[searchable(normalize(ascii_lowercase), unique)]
    email: String,
}

/// Orders whose card stands in `legacy_card`, of another program.
async fn read(item: Item) -> Result<Option<Converted<Order>>, Infallible> {
    let Some(Ok(card)) = item.get("legacy_card").map(AttributeValue::as_s) else { return Ok(None) };
    let id = item["pk"].as_s().unwrap().trim_start_matches("ORDER#").parse().unwrap();
    let order = Order { id, card: card.chars().rev().collect() };
    Ok(Some(Converted::new(order).remove("legacy_card")))
}

/// Not a test of its own: other tests start this test binary again, with arguments for the command
/// in the environment. So it runs in a process of its own, as a service builds it.
#[test]
fn the_command_itself() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let program = Program::new()
        .records::<(User, Order, Note, Member)>()
        .transform(|user: &mut User| user.email.make_ascii_lowercase());
    let program = match std::env::var("ENVELOPE_TEST_LEGACY") {
        Ok(_) => program.convert(|_| read),
        Err(_) => program,
    };
    let exit = program.run(arguments.lines().map(Into::into));
    std::process::exit(exit.code().into());
}

/// The schema of the table `shop`, as a file has it.
pub(crate) fn schema() -> String {
    SchemaFile::new().with::<User>().with::<Order>().to_string()
}

/// A table `shop` with plain items.
pub(crate) async fn plain_table(servers: &Servers) -> String {
    let name = unique_name("shop");
    let pk = ("pk", ScalarAttributeType::S);
    create_table(servers.dynamodb(), &name, pk, None).await.unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (pk, field) in [("USER#1", "email"), ("ORDER#1", "card")] {
        let put = servers.dynamodb().put_item().table_name(&name);
        put.item("pk", text(pk)).item(field, text("x")).send().await.unwrap();
    }
    name
}

/// Runs the command of the service on a table `shop`.
pub(crate) fn run_backfill(table: &str, key: &str, environment: &[(String, String)]) -> Ended {
    let arguments = ["my-envelope", "backfill", "--table", table, "--logical", "shop"];
    let arguments = [&arguments[..], &["--kms-key", key]].concat();
    let mut command = own_command("backfill::the_command_itself");
    command.env(ARGUMENTS, arguments.join("\n"));
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    Ended::of_own(command.output().unwrap())
}

struct Bench {
    servers: Servers,
    faults: Faults,
    loopback: Loopback,
    key: String,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let (servers, faults) = (Servers::embedded().await.unwrap(), Faults::new());
        let loopback = servers.loopback().faults(&faults).start().unwrap();
        let (key, name) = (create_kms_key(servers.kms()).await.unwrap(), unique_name("shop"));
        let pk = ("pk", ScalarAttributeType::S);
        create_table(servers.dynamodb(), &name, pk, None).await.unwrap();
        Self { servers, faults, loopback, key, name }
    }

    fn table<T: Envelope>(&self) -> Table<T> {
        let keys = KmsKeyProvider::new(self.servers.kms().clone(), &*self.key);
        Table::new(self.servers.dynamodb().clone(), keys).named(&*self.name)
    }

    async fn plant(&self, pk: &str, attributes: &[(&str, &str)]) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut item = Item::from([("pk".to_owned(), text(pk))]);
        item.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value))));
        let put = self.servers.dynamodb().put_item().table_name(&self.name).set_item(Some(item));
        put.send().await.unwrap();
    }

    async fn stored(&self, pk: &str) -> Item {
        let get = self.servers.dynamodb().get_item().table_name(&self.name).consistent_read(true);
        let get = get.key("pk", AttributeValue::S(pk.to_owned()));
        get.send().await.unwrap().item.unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = own_command("backfill::the_command_itself");
        command.env(ARGUMENTS, [&["my-envelope"], arguments].concat().join("\n"));
        command.envs(self.loopback.environment());
        command
    }

    /// Runs a backfill of the table.
    fn backfill(&self, more: &[&str]) -> Ended {
        self.backfill_in(&[], more)
    }

    fn backfill_in(&self, environment: &[(&str, &str)], more: &[&str]) -> Ended {
        let table = ["backfill", "--table", &self.name, "--logical", "shop"];
        let mut command = self.command(&[&table[..], &["--kms-key", &self.key], more].concat());
        command.envs(environment.iter().copied());
        Ended::of_own(command.output().unwrap())
    }
}

#[tokio::test]
async fn a_table_of_several_types_is_sealed_in_one_scan() {
    let bench = Bench::new().await;
    for id in 0..6 {
        bench.plant(&format!("USER#{id}"), &[("email", "ZOE@example.com"), ("note", "n")]).await;
    }
    bench.plant("ORDER#1", &[("card", "4111")]).await;
    bench.plant("COUNTER#1", &[("count", "7")]).await;
    bench.table::<Order>().put(&Order { id: 2, card: "4222".into() }).send().await.unwrap();
    let scans = bench.faults.calls("Scan");

    let ended = bench.backfill(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended
            .stdout
            .starts_with("sealed 7   already 1   other entity 1   failed 0\n7 KMS calls   "),
        "{}",
        ended.stdout
    );
    assert_eq!(bench.faults.calls("UpdateItem"), 7);
    assert_eq!(bench.faults.calls("Scan") - scans, 4, "one scan, of four segments");
    for part in [&format!("to {}", bench.key), "TableId", "no repl"] {
        assert!(ended.stderr.contains(part), "no {part} in {}", ended.stderr);
    }
    let user = bench.table::<User>().get(3).send().await.unwrap().unwrap();
    assert_eq!(user, User { id: 3, email: "zoe@example.com".into(), phone: None, address: None });
    let order = bench.table::<Order>().get(1).send().await.unwrap().unwrap();
    assert_eq!(order.card, "4111");
    assert!(!is_sealed(&bench.stored("COUNTER#1").await));
    assert_eq!(bench.stored("USER#3").await["note"], AttributeValue::S("n".into()));

    let again = bench.backfill(&["--output", "json"]);
    let result = again.json();
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!((&result["command"], &result["finished"]), (&"backfill".into(), &true.into()));
    let mut names: Vec<_> = result["counts"].as_object().unwrap().keys().cloned().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "already",
            "changed",
            "failed",
            "kms_calls",
            "other_entity",
            "overtaken",
            "pages",
            "read_units",
            "write_units"
        ]
    );
    assert_eq!(
        (&result["counts"]["already"], &result["counts"]["other_entity"]),
        (&8.into(), &1.into())
    );
}

/// Each for a reason of its own: an entry that the struct does not read, and an item of another
/// program with more attributes than a condition can name.
#[tokio::test]
async fn nested_values_and_wide_items_are_named_on_stdout() {
    let bench = Bench::new().await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let entry =
        [("city", "Bern"), ("zip", "SECRET")].map(|(name, value)| (name.to_owned(), text(value)));
    let unread = Item::from([
        ("pk".to_owned(), text("USER#1")),
        ("email".to_owned(), text("e")),
        ("address".to_owned(), AttributeValue::M(entry.into())),
    ]);
    let mut wide = Item::from([
        ("pk".to_owned(), text("ORDER#2")),
        ("legacy_card".to_owned(), text("SECRET")),
    ]);
    wide.extend((0..150).map(|number| (format!("attribute{number}"), text("x"))));
    for item in [&unread, &wide] {
        let put = bench.servers.dynamodb().put_item().table_name(&bench.name);
        put.set_item(Some(item.clone())).send().await.unwrap();
    }
    let ended = bench.backfill_in(&[("ENVELOPE_TEST_LEGACY", "1")], &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let failed: Vec<_> = ended.stdout.lines().filter(|it| it.starts_with("failed ")).collect();
    for (key, says) in [("USER#1", "`address`"), ("ORDER#2", "an expression of")] {
        let named = failed.iter().any(|line| line.contains(key) && line.contains(says));
        assert!(named, "no {key} and {says}: {failed:#?}");
    }
    assert!(!ended.stdout.contains("SECRET") && !ended.stderr.contains("SECRET"), "{ended:?}");
    assert_eq!((bench.stored("USER#1").await, bench.stored("ORDER#2").await), (unread, wide));
}

#[tokio::test]
async fn an_item_that_is_deleted_meanwhile_does_not_come_back() {
    let bench = Bench::new().await;
    bench.plant("USER#1", &[("email", "e")]).await;
    bench.faults.hold("UpdateItem");
    let table = ["backfill", "--table", &bench.name, "--logical", "shop"];
    let mut command = bench.command(&[&table[..], &["--kms-key", &bench.key]].concat());
    let running = tokio::task::spawn_blocking(move || Ended::of_own(command.output().unwrap()));
    while bench.faults.calls("UpdateItem") == 0 {
        tokio::task::yield_now().await;
    }
    bench.table::<User>().delete(1).send().await.unwrap();
    bench.faults.release("UpdateItem");
    let ended = running.await.unwrap();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.stdout.starts_with("sealed 0   already 0   other entity 0   failed 0"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("1 times overtaken"), "{ended:?}");
    assert_eq!(bench.table::<User>().get(1).send().await.unwrap(), None);
}

#[tokio::test]
async fn parts_of_several_processes_seal_each_item_once() {
    let bench = Bench::new().await;
    for id in 0..20 {
        bench.plant(&format!("USER#{id}"), &[("email", "e")]).await;
    }
    let mut sealed = 0;
    for index in ["0", "1", "2", "3"] {
        let of = [("JOB_COMPLETION_INDEX", index)];
        let ended = bench.backfill_in(&of, &["--part", "auto/4", "--output", "json"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        sealed += ended.json()["counts"]["changed"].as_u64().unwrap();
    }
    assert_eq!((sealed, bench.faults.calls("UpdateItem")), (20, 20));
}

#[tokio::test]
async fn items_that_cannot_be_sealed_are_named_on_stdout() {
    let bench = Bench::new().await;
    bench.plant("USER#1", &[("email", "e")]).await;
    bench.plant("USER#2", &[("emial", "SECRET")]).await;
    bench.plant("ORDER#3", &[("card", &"SECRET".repeat(68_250))]).await;
    bench.plant("ORDER#4", &[("card", "4"), ("encrypted_dek", "SECRET")]).await;
    let ended = bench.backfill(&[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let failed: Vec<_> = ended.stdout.lines().filter(|it| it.starts_with("failed ")).collect();
    assert_eq!(failed.len(), 3, "{failed:#?}");
    for (key, says) in
        [("USER#2", "email"), ("ORDER#3", "more than the 409600"), ("ORDER#4", "encrypted_dek")]
    {
        let named = failed.iter().any(|line| line.contains(key) && line.contains(says));
        assert!(named, "no {key} and {says}: {failed:#?}");
    }
    assert!(ended.stdout.contains("sealed 1 "), "{}", ended.stdout);
    assert!(!ended.stdout.contains("SECRET") && !ended.stderr.contains("SECRET"), "{ended:?}");
    assert_eq!(bench.backfill(&["--max-failed", "2"]).code, 2);
}

#[tokio::test]
async fn a_dry_run_says_what_the_run_does_and_changes_nothing() {
    let bench = Bench::new().await;
    for id in 0..20 {
        bench.plant(&format!("USER#{id}"), &[("email", &"x".repeat(id * 397))]).await;
    }
    bench.plant("COUNTER#1", &[]).await;
    let dry = bench.backfill(&["--dry-run", "--output", "json"]);
    assert_eq!((dry.code, bench.faults.calls("UpdateItem")), (0, 0), "{dry:?}");
    let (dry, run) = (dry.json(), bench.backfill(&["--output", "json"]).json());
    assert_eq!(dry["classes"]["due"].as_f64(), run["counts"]["changed"].as_f64());
    assert_eq!(dry["classes"]["other_entity"].as_f64(), run["counts"]["other_entity"].as_f64());
    assert_eq!(dry["demand"]["kms_calls"].as_f64(), run["counts"]["kms_calls"].as_f64());
    assert_eq!(dry["demand"]["write_units"].as_f64(), run["counts"]["write_units"].as_f64());
}

#[tokio::test]
async fn a_field_that_became_encrypted_is_sealed() {
    let bench = Bench::new().await;
    let old = bench.table::<OldUser>();
    for id in 0..3 {
        let user = OldUser { id, email: "e".into(), phone: format!("+41 {id}") };
        old.put(&user).send().await.unwrap();
    }
    let ended = bench.backfill(&[]);
    assert!(ended.stdout.starts_with("sealed 3   already 0"), "{ended:?}");
    for id in 0..3 {
        assert!(!bench.stored(&format!("USER#{id}")).await.contains_key("phone"));
        let user = bench.table::<User>().get(id).send().await.unwrap().unwrap();
        assert_eq!(user.phone, Some(format!("+41 {id}")));
    }
}

#[tokio::test]
async fn items_of_another_program_are_read_by_a_conversion() {
    let bench = Bench::new().await;
    bench.plant("ORDER#1", &[("legacy_card", "1114")]).await;
    bench.plant("USER#1", &[("email", "e")]).await;
    let ended = bench.backfill_in(&[("ENVELOPE_TEST_LEGACY", "1")], &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("sealed 2 "), "{}", ended.stdout);
    let order = bench.table::<Order>().get(1).send().await.unwrap().unwrap();
    assert_eq!(order.card, "4111");
    assert!(!bench.stored("ORDER#1").await.contains_key("legacy_card"));
}

#[tokio::test]
async fn records_are_sealed_under_branch_keys() {
    let bench = Bench::new().await;
    for id in 0..3 {
        bench.plant(&format!("USER#{id}"), &[("email", "e")]).await;
    }
    let branches = unique_name("branch-keys");
    let branch_keys = |more: &[&str]| {
        let table = ["--branch-keys", branches.as_str()];
        let mut command = self::envelope_at(&bench);
        command.args([&["branch-keys"], more, &table].concat());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    branch_keys(&["create-table"]);
    branch_keys(&["create", "--branch", "shop", "--kms-key", &bench.key]);
    let ended = bench.backfill(&["--branch-keys", &branches]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("sealed 3 "), "{}", ended.stdout);
    assert!(ended.stdout.contains("\n0 KMS calls"), "one call, for all: {}", ended.stdout);
}

#[tokio::test]
async fn searchable_fields_get_tags_and_unique_values_are_claimed() {
    let bench = Bench::new().await;
    let [name, claims, searches] = ["members", "claims", "search-keys"].map(unique_name);
    let dynamodb = || bench.servers.dynamodb().clone();
    let kms = || KmsKeyProvider::new(bench.servers.kms().clone(), &*bench.key);
    let store = SearchKeyTable::new(dynamodb(), "search-keys", kms()).named(&*searches);
    store.create_table().await.unwrap();
    store.create("members").await.unwrap();
    let members = Table::<Member>::new(dynamodb(), kms()).named(&*name).with_claims(&*claims);
    let members = members.with_search_keys(SearchKeys::per_table(store));
    members.create_table().send().await.unwrap();
    members.create_claims_table().await.unwrap();
    for (id, email) in [("m_1", "Zoe@x"), ("m_2", "zoe@x"), ("m_3", "ana@x")] {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = bench.servers.dynamodb().put_item().table_name(&name);
        put.item("id", text(id)).item("email", text(email)).send().await.unwrap();
    }
    let backfill = |more: &[&str]| {
        let table = ["backfill", "--table", &name, "--logical", "members"];
        let arguments = [&table[..], &["--kms-key", &bench.key], more].concat();
        Ended::of_own(bench.command(&arguments).output().unwrap())
    };
    let search = ["--search-keys", &searches, "--search-kms-key", &bench.key];
    backfill(&[]).refused(2, &["`Member` has searchable fields", "--search-kms-key"]);
    backfill(&search).refused(2, &["`Member` has unique fields", "--claims"]);

    let ended = backfill(&[&search[..], &["--claims", &claims]].concat());
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("sealed 2   already 0   other entity 0   failed 1"), "{ended:?}");
    let failed: Vec<_> = ended.stdout.lines().filter(|it| it.starts_with("failed ")).collect();
    assert!(failed[0].contains("id=m_") && failed[0].contains("email"), "{failed:?}");
    for (email, ids) in [("ana@x", &["m_3"][..]), ("ZOE@x", &["m_1", "m_2"])] {
        let found = members.unique(|member| member.email).get(email).send().await.unwrap();
        let id = found.map(|member| member.id).unwrap_or_default();
        assert!(ids.contains(&id.as_str()), "{email}: {id}");
        assert!(!failed[0].contains(&id), "{id} was sealed: {failed:?}");
    }
}

fn envelope_at(bench: &Bench) -> Command {
    let mut command = crate::process::envelope(&[]);
    command.envs(bench.loopback.environment());
    command
}

#[tokio::test]
async fn a_deadline_stops_a_run_that_continues_later() {
    let bench = Bench::new().await;
    for id in 0..5 {
        bench.plant(&format!("USER#{id}"), &[("email", "e")]).await;
    }
    bench.faults.hold("UpdateItem");
    let ended = bench.backfill(&["--deadline", "1s"]);
    assert_eq!(ended.code, 75, "{ended:?}");
    assert!(ended.stderr.contains("with work left"), "{}", ended.stderr);
    bench.faults.release("UpdateItem");
    let again = bench.backfill(&[]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(is_sealed(&bench.stored("USER#4").await));
}

#[tokio::test]
async fn mistakes_are_explained_before_anything_is_written() {
    let bench = Bench::new().await;
    let own = |arguments: &[&str]| Ended::of_own(bench.command(arguments).output().unwrap());
    own(&["backfill"]).refused(2, &["--table", "--kms-key"]);
    let table = ["backfill", "--table", &bench.name];
    own(&[&table[..], &["--kms-key", &bench.key]].concat())
        .refused(2, &["several tables (members, notes, shop)", "--logical"]);
    own(&[&table[..], &["--kms-key", &bench.key, "--logical", "notes"]].concat())
        .refused(2, &["has the key pk (S), and the schema file says id (N)"]);
    bench
        .backfill(&["--kms-key", "alias/x", "--part", "0/2"])
        .refused(2, &["alias/x is not the ARN of a key"]);
    bench.backfill(&["--branch-pair", "tenant"]).refused(2, &["--branch-keys"]);
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
}

#[test]
fn the_plain_binary_says_how_to_build_one_with_record_types() {
    for arguments in [&["backfill"][..], &["backfill", "--table", "t", "--kms-key", "k"]] {
        run(arguments)
            .refused(2, &["needs your record types", "envelope_cli::main_with::<(User, Order)>()"]);
    }
}

/// Nothing is read from a pipe that the test holds open.
#[test]
fn the_command_itself_prints_its_help() {
    let mut command = own_command("backfill::the_command_itself");
    command.env(ARGUMENTS, "my-envelope\nbackfill\n--help").stdin(Stdio::null());
    let ended = Ended::of_own(command.output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("--kms-key <KEY>"), "{}", ended.stdout);
}

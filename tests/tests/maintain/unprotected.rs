//! Records of unprotected types in maintenance: they are never due, never "not sealed" by mistake,
//! and nothing that is planted passes as one.

use envelope_dynamo::maintain::inspect::Inspection;
use envelope_dynamo::maintain::{Counts, FindingKind, Report, SchemaFile, StoredTable, Target};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::{create_kms_key, unique_name};
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, binary, plant, servers, stored, text, with};

use crate::bench::observed;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop", kms_context = "hashed")]
#[partition_key(name = "pk", format = "USER#{user}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Profile {
    #[key]
    user: String,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: String,
}

/// Sealed, without secrets.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop", kms_context = "hashed")]
#[partition_key(name = "pk", format = "USER#{user}")]
#[sort_key(name = "sk", format = "AUDIT#{at:05}")]
struct Audit {
    #[key]
    user: String,
    #[key]
    at: u32,
    #[authenticated]
    action: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop", unprotected)]
#[partition_key(name = "pk", format = "USER#{user}")]
#[sort_key(name = "sk", format = "COUPON#{code}")]
struct Coupon {
    #[key]
    user: String,
    #[key]
    code: String,
    #[plaintext]
    percent: u32,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Shop {
    Profile(Profile),
    Audit(Audit),
    Coupon(Coupon),
}

struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
    old: String,
    new: String,
}

const USERS: u32 = 4;

impl Bench {
    /// A table with one record of each type for each user.
    async fn new() -> Self {
        let servers = servers().await;
        let old = create_kms_key(servers.kms()).await.unwrap();
        let new = create_kms_key(servers.kms()).await.unwrap();
        let bench = Self { servers, faults: Faults::new(), name: unique_name("shop"), old, new };
        let shop = bench.shop(&bench.old);
        shop.create_table().send().await.unwrap();
        for number in 0..USERS {
            let user = format!("u_{number}");
            let profile = Profile { user: user.clone(), email: "s@x.y".into(), plan: "pro".into() };
            shop.put(&Shop::Profile(profile)).send().await.unwrap();
            let audit = Audit { user: user.clone(), at: 1, action: "login".into() };
            shop.put(&Shop::Audit(audit)).send().await.unwrap();
            let coupon = Coupon { user, code: "a".into(), percent: 20 };
            shop.put(&Shop::Coupon(coupon)).send().await.unwrap();
        }
        bench
    }

    fn keys(&self, key: &str) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms_through(&self.faults), key)
    }

    fn shop(&self, key: &str) -> Table<Shop> {
        Table::new(self.servers.dynamodb_through(&self.faults), self.keys(key)).named(&self.name)
    }

    /// The table as the schema file of the program describes it.
    fn table(&self) -> StoredTable {
        let dynamodb = self.servers.dynamodb_through(&self.faults);
        StoredTable::new(dynamodb, &schema(), "shop").unwrap().named(&self.name)
    }

    async fn item(&self, sk: &str) -> Item {
        let key = Item::from([("pk".into(), text("USER#u_1")), ("sk".into(), text(sk))]);
        stored(&self.servers, &self.name, key).await.unwrap()
    }

    async fn plant(&self, item: Item) {
        plant(&self.servers, &self.name, item).await;
    }

    async fn expected_sealed(&self) -> Report {
        self.table().coverage().expect_sealed().send().await.unwrap()
    }

    async fn every_run(&self) -> [Counts; 3] {
        let table = self.table();
        let kms = self.servers.kms_through(&self.faults);
        let rewrap = table.rewrap(kms.clone(), &self.old, &self.new).send().await.unwrap();
        let target = Target::kms_key(kms, &self.old);
        let reseal = table.reseal(self.keys(&self.new), self.keys(&self.old), target);
        let reseal = reseal.send().await.unwrap();
        let backfill = self.shop(&self.old).backfill().send().await.unwrap();
        [rewrap, reseal, backfill]
    }
}

fn schema() -> SchemaFile {
    SchemaFile::new().with::<Shop>().to_string().parse().unwrap()
}

fn problems(report: &Report) -> Vec<(FindingKind, u64)> {
    report.problems.iter().map(|(kind, count)| (*kind, *count)).collect()
}

#[tokio::test]
async fn every_run_leaves_unprotected_records_alone() {
    let bench = Bench::new().await;
    let before = bench.item("COUPON#a").await;
    let [rewrap, reseal, backfill] = bench.every_run().await;
    let sealed = u64::from(2 * USERS);
    for counts in [rewrap, reseal] {
        assert_eq!((counts.changed, counts.other_entity), (sealed, u64::from(USERS)), "{counts:?}");
        assert_eq!((counts.not_sealed, counts.failed), (0, 0), "{counts:?}");
    }
    assert_eq!((backfill.already, backfill.other_entity), (sealed, u64::from(USERS)));
    assert_eq!(bench.item("COUPON#a").await, before);
    assert_eq!(bench.shop(&bench.old).scan().send().await.unwrap().len(), 12);
}

#[tokio::test]
async fn an_estimate_counts_unprotected_records_apart() {
    let bench = Bench::new().await;
    let kms = bench.servers.kms_through(&bench.faults);
    let table = bench.table();
    let estimate = table.rewrap(kms, &bench.old, &bench.new).estimate().send().await.unwrap();
    let classes = estimate.classes;
    assert_eq!((classes.due, classes.other_entity), (8.0, Some(4.0)), "{classes:?}");
    assert_eq!((classes.not_sealed, classes.failed), (0.0, 0.0));
    assert!(estimate.to_string().contains("4"), "{estimate}");
}

#[tokio::test]
async fn coverage_holds_and_counts_unprotected_records_apart() {
    let bench = Bench::new().await;
    let report = bench.expected_sealed().await;
    assert!(report.holds(), "{report}");
    assert_eq!((report.read.sealed, report.read.not_sealed, report.read.unprotected), (8, 0, 4));
    let coupons = report.entities["Coupon"];
    assert_eq!((coupons.sealed, coupons.not_sealed, coupons.unprotected), (0, 0, 4));
    let text = report.to_string();
    assert!(text.contains("12 items: 8 sealed, 0 not sealed, 4 unprotected; "), "{text}");
    assert!(text.contains("  Coupon: 0 sealed, 0 not sealed, 4 unprotected\n"), "{text}");
    let opened = bench.table().coverage().open(bench.keys(&bench.old)).send().await.unwrap();
    let opened = opened.opened.unwrap();
    assert_eq!((opened.opened, opened.failed), (8, 0), "only sealed records are opened");
}

/// Each planted item fails the count, and no run takes it for an unprotected record.
#[tokio::test]
async fn nothing_planted_passes_as_an_unprotected_record() {
    let bench = Bench::new().await;
    let (profile, coupon) = (bench.item("PROFILE").await, bench.item("COUPON#a").await);
    let bare = with(&with(&profile, "encrypted_payload", None), "encrypted_dek", None);
    let under_its_key = |item: &Item| with(item, "sk", text("COUPON#x"));
    let mut sealed = profile.clone();
    sealed.extend([("sk".into(), text("COUPON#x")), ("percent".into(), coupon["percent"].clone())]);
    let audit = bench.item("AUDIT#00001").await;
    let bare_audit = with(&with(&audit, "encrypted_payload", None), "encrypted_dek", None);
    for (planted, expected) in [
        // Not sealed, under the key of a sealed type, with all that an unprotected record has.
        (with(&bare, "percent", coupon["percent"].clone()), vec![FindingKind::NotSealed]),
        (with(&bare_audit, "percent", coupon["percent"].clone()), vec![FindingKind::NotSealed]),
        // The values of a sealed type, under the key of an unprotected one.
        (with(&under_its_key(&coupon), "email", text("zoe@x.y")), vec![FindingKind::PlainField]),
        (with(&under_its_key(&coupon), "plan", text("free")), vec![FindingKind::PlainField]),
        // Something sealed under the key of an unprotected type.
        (sealed, vec![FindingKind::Malformed, FindingKind::PlainField]),
        (
            with(&under_its_key(&coupon), "encrypted_dek", binary([1, 2, 3])),
            vec![FindingKind::Malformed],
        ),
        (
            with(&under_its_key(&coupon), "encrypted_payload", binary([1, 2, 3])),
            vec![FindingKind::Malformed],
        ),
        // Under no known key.
        (with(&coupon, "sk", text("OTHER#a")), vec![FindingKind::NotSealed]),
    ] {
        bench.plant(planted.clone()).await;
        let report = bench.expected_sealed().await;
        let found: Vec<_> = problems(&report).into_iter().map(|(kind, _)| kind).collect();
        assert!(!report.holds() && found == expected, "{planted:?}\n{report}");
        assert!(report.read.unprotected <= u64::from(USERS) + 1);
        // Restored, or removed.
        let key = Item::from(["pk", "sk"].map(|name| (name.to_owned(), planted[name].clone())));
        let delete = bench.servers.dynamodb().delete_item().table_name(&bench.name);
        delete.set_key(Some(key)).send().await.unwrap();
        for item in [&profile, &audit, &coupon] {
            bench.plant(item.clone()).await;
        }
    }
}

#[tokio::test]
async fn a_run_names_what_was_sealed_under_the_key_of_an_unprotected_record() {
    let bench = Bench::new().await;
    let coupon = bench.item("COUPON#a").await;
    let dek = bench.item("PROFILE").await["encrypted_dek"].clone();
    bench.plant(with(&coupon, "encrypted_dek", dek)).await;
    let (table, kms) = (bench.table(), bench.servers.kms_through(&bench.faults));
    let run = table.rewrap(kms, &bench.old, &bench.new);
    let (counts, errors) = observed(run).await;
    let counts = counts.unwrap();
    assert_eq!((counts.failed, counts.other_entity), (1, u64::from(USERS) - 1));
    assert!(errors[0].contains("`encrypted_dek`, and records of `Coupon` are stored unprotected"));
}

#[tokio::test]
async fn an_inspection_says_that_nothing_is_authentic() {
    let bench = Bench::new().await;
    let coupon = bench.item("COUPON#a").await;
    let inspection = Inspection::of(&coupon, &schema(), "shop").unwrap();
    assert_eq!(inspection.record_type.as_deref(), Some("Coupon"));
    assert!(inspection.unprotected && !inspection.is_sealed());
    assert_eq!((inspection.record.encryption_context, inspection.problems), (None, vec![]));
    let planted = with(&coupon, "encrypted_payload", binary([1]));
    let inspection = Inspection::of(&planted, &schema(), "shop").unwrap();
    let problems: Vec<_> = inspection.problems.iter().map(|it| it.problem.as_str()).collect();
    assert!(problems.iter().any(|it| it.contains("stored unprotected")), "{problems:?}");
    let profile = bench.item("PROFILE").await;
    assert!(!Inspection::of(&profile, &schema(), "shop").unwrap().unprotected);
}

/// Two structs that no enum holds, so that the compiler cannot compare their keys.
#[test]
fn maintenance_refuses_a_schema_file_whose_keys_do_not_tell_the_types_apart() {
    #[derive(Envelope)]
    #[envelope(table = "shop")]
    #[partition_key(name = "pk", format = "USER#{user}")]
    #[sort_key(name = "sk", format = "{any}")]
    #[allow(dead_code)]
    struct Any {
        #[key]
        user: String,
        #[key]
        any: String,
        #[encrypted]
        secret: String,
    }
    let client =
        || aws_sdk_dynamodb::Client::from_conf(aws_sdk_dynamodb::Config::builder().build());
    let file = SchemaFile::new().with::<Coupon>().with::<Any>();
    let error = StoredTable::new(client(), &file, "shop").unwrap_err();
    let expected = "`Coupon` is unprotected, and a record of `Any` could have the same key";
    assert!(error.to_string().contains(expected), "{error}");
    let alone = SchemaFile::new().with::<Any>();
    assert!(StoredTable::new(client(), &alone, "shop").is_ok());
    assert!(StoredTable::new(client(), &schema(), "shop").is_ok());
}

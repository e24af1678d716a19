//! Every public type by name. A new type fails this test until it is printed with a secret inside,
//! or listed as not printable.

use std::any::type_name;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_core::search::{Definition, SearchValue, Step};
use envelope_core::testing::TestKeyProvider;
use envelope_core::{
    Content, Escaped, EscapedNames, FieldValue, FieldWriter, FragileValues, KmsKeyHint,
    PayloadBuilder, UntrustedHeader, UntrustedPayload, read_fields,
};
use envelope_dynamo::batch::*;
use envelope_dynamo::error::{ServiceError, UsageError, *};
use envelope_dynamo::expression::*;
use envelope_dynamo::item::*;
use envelope_dynamo::keys::*;
use envelope_dynamo::maintain::inspect::*;
use envelope_dynamo::maintain::policy::*;
use envelope_dynamo::maintain::*;
use envelope_dynamo::message::*;
use envelope_dynamo::read::*;
use envelope_dynamo::record::index::*;
use envelope_dynamo::record::*;
use envelope_dynamo::stream::*;
use envelope_dynamo::transaction::*;
use envelope_dynamo::write::*;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table, View};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Fault as Injected, Faults, Servers};
use envelope_tests::rsa_private_key;

use crate::printed::{Fixed, assert_prints_no_secret, data_key, wrapped};
use crate::{BYTES, DATA_KEY, NUMBER, ROOT, TEXT, provider};

/// Types that need not be printed here, and why.
const EXEMPT: [(&str, &str); 3] = [
    ("RandomError", "the operating system's number, which nobody can provoke"),
    ("Deserializer", "the one of `cbor`, which is not `Debug`"),
    ("Serializer", "the one of `cbor`, which is not `Debug`"),
];

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients", kms_context = "table", index(name = "by_note", partition_key = note, sort_key = id))]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[plaintext]
    note: String,
}

#[derive(Envelope)]
#[envelope(table = "visits", index(name = "by_name", partition_key = ward, sort_key = (name, day)))]
#[allow(dead_code)]
struct Visit {
    #[partition_key]
    id: String,
    #[encrypted]
    notes: String,
    #[plaintext]
    ward: String,
    #[plaintext]
    name: String,
    #[plaintext]
    day: String,
}

#[derive(Envelope)]
#[envelope(
    table = "people",
    index(name = "by_ward", partition_key = ward, sort_key = name),
    index(name = "by_name", partition_key = name),
)]
#[allow(dead_code)]
struct Person {
    #[partition_key]
    id: String,
    #[encrypted]
    #[searchable]
    name: String,
    #[authenticated]
    ward: String,
}

#[derive(Envelope)]
#[envelope(table = "holders")]
#[allow(dead_code)]
struct Holder {
    #[partition_key]
    id: String,
    #[encrypted]
    #[searchable(unique)]
    name: String,
}

#[derive(Debug, View)]
#[view(of = Patient)]
#[allow(dead_code)]
struct Note {
    note: String,
}

fn patient() -> Patient {
    Patient { id: "p_1".into(), name: TEXT.into(), note: TEXT.into() }
}

/// The types that were printed or excluded.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn note<T: ?Sized>(&mut self) {
        let path = type_name::<T>().split('<').next().unwrap();
        self.0.insert(path.rsplit("::").next().unwrap().to_owned());
    }

    #[track_caller]
    fn print<T: Debug>(&mut self, value: &T) {
        assert_prints_no_secret(value);
        self.note::<T>();
    }

    /// Prints the error of the group.
    #[track_caller]
    fn group(&mut self, kind: &ErrorKind) {
        match kind {
            ErrorKind::Usage(error) => self.error(error),
            ErrorKind::Data(error) => self.error(error),
            ErrorKind::Write(error) => self.error(error),
            ErrorKind::Key(error) => self.error(error),
            ErrorKind::DynamoDb(error) => self.error(error),
            other => panic!("an unknown group: {other}"),
        }
    }

    #[track_caller]
    fn error<T: std::error::Error + 'static>(&mut self, error: &T) {
        crate::assert_clean(&envelope_tests::all_it_says(error));
        self.note::<T>();
    }
}

trait UnlessDebug<Candidate> {
    fn is_not_debug() {}
}
impl<T: ?Sized> UnlessDebug<()> for T {}
struct OfDebug;
impl<T: ?Sized + Debug> UnlessDebug<OfDebug> for T {}

/// Does not compile for a type with `Debug`, because then two impls apply.
macro_rules! not_printed {
    ($seen:ident: $($type:ty;)*) => {$(
        <$type as UnlessDebug<_>>::is_not_debug();
        $seen.note::<$type>();
    )*};
}

#[tokio::test]
async fn no_public_type_prints_a_secret() {
    let mut seen = Seen::default();
    keys(&mut seen);
    values(&mut seen);
    providers(&mut seen).await;
    errors(&mut seen).await;
    streams(&mut seen).await;
    tables(&mut seen).await;
    schema_files(&mut seen);
    inspections(&mut seen).await;
    maintenance(&mut seen).await;
    seen.0.extend(EXEMPT.map(|(name, _)| name.to_owned()));
    let public = public_types();
    assert!(public.len() > 80, "not all public types: {public:?}");
    let unseen: Vec<_> = public.difference(&seen.0).collect();
    assert!(
        unseen.is_empty(),
        "print these here with a secret in them, or show that they are not `Debug`: {unseen:?}"
    );
}

fn keys(seen: &mut Seen) {
    let root = RootKey::from_bytes(&ROOT).unwrap();
    seen.print(&root);
    seen.print(&LocalKeyProvider::new(root));
    seen.print(&data_key());
    seen.print(&wrapped());
    seen.print(&KeyKind::LOCAL);
    seen.print(&KmsKeyHint::of(TEXT));
    seen.print(&GeneratedKey { data_key: data_key(), wrapped: vec![wrapped()] });
    seen.print(&EncryptedDek::new(ContextForm::Raw, vec![wrapped()]).unwrap());
    let (branch, version) = (BranchName::new(TEXT).unwrap(), BranchVersion::from_bytes([7; 16]));
    seen.print(&branch);
    seen.print(&version);
    seen.print(&BranchKey::new(branch, version, data_key()));

    let key = SearchKey::from_slice(&DATA_KEY).unwrap();
    let definition = Definition::new("patients", "name", &[("name", &[Step::Trim])]);
    let tagger = key.tagger(&definition);
    let values = [SearchValue::Text(TEXT)];
    seen.print(&key);
    seen.print(&definition);
    seen.print(&Step::Trim);
    seen.print(&tagger);
    seen.print(&tagger.generation());
    seen.print(&tagger.message(&values).unwrap());
    seen.print(&tagger.tag(&values).unwrap());
    seen.print(&values[0]);
}

fn values(seen: &mut Seen) {
    seen.print(&Value::string(TEXT));
    seen.print(&Number::parse("7366123940127745911").unwrap());
    let context = Context::new("patients")
        .partition_key("id", Value::string(TEXT))
        .pair("tenant", TEXT)
        .unwrap();
    seen.print(&context);
    seen.print(&context.encryption_context());
    seen.print(&Content::Bytes);
    seen.print(&ContextForm::Raw);
    seen.print(&Plaintext::from(TEXT.as_bytes().to_vec()));
    seen.print(&Sealed { encrypted_payload: BYTES.to_vec(), encrypted_dek: TEXT.into() });
    let mut payload = PayloadBuilder::new(0, []);
    payload.extend_from_slice(TEXT.as_bytes());
    let payload = payload.seal(Content::Bytes, &Context::new("patients"), &data_key()).unwrap();
    let header = UntrustedHeader::parse(&payload).unwrap();
    let patient = Context::new("patients").pair("tenant", TEXT).unwrap();
    seen.print(&header.bind(Content::Bytes, &patient).unwrap());
    seen.print(&header);
    seen.print(&UntrustedPayload::parse(payload).unwrap());
    not_printed! { seen: FieldValue<'_>; FieldWriter; PayloadBuilder; }
    // These types print the names that they hold.
    seen.print(&Escaped("name"));
    seen.print(&EscapedNames(&["name".to_owned()]));
    seen.print(&Partition { partition: data_key() });
    seen.print(&Composite { partition: data_key(), sort: data_key() });
    seen.print(&Parts((data_key(),)));
    seen.print(&Access::Granted(data_key()));
    seen.print(&Patient::SCHEMA.fields()[1]);
    seen.print(&Patient::SCHEMA);
    seen.print(&Mark::Encrypted);
    seen.print(&WriteOutcome::Written);
    seen.print(&Patient::attributes().note);
    seen.print(&Patient::attributes().note.eq(TEXT));
    seen.print(&Patient::attributes().note.size());
    seen.print(&Patient::attributes().note.size().gt(7));
    seen.print(&Patient::attribute::<String>("other"));
    seen.print(&AttributeType::Null);
    seen.print(&Fault::Data);
    seen.print(&PlaintextItems::Read);
    seen.print(&PlaintextEvent::Read);
    seen.print(&FragileValues::default());
}

async fn providers(seen: &mut Seen) {
    let hour = Duration::from_secs(3_600);
    let context = Context::new("patients").form(ContextForm::Table).encryption_context();
    seen.print(&CacheLimits::new(hour));
    seen.print(&SharingLimits::new(hour, 1));
    seen.print(&SystemClock);
    let counters = Arc::new(KeyCounters::default());
    seen.print(&*counters);
    seen.print(&KeyEvent::CacheHit);

    let cached = CachedKeyProvider::new(Fixed, CacheLimits::new(hour)).keeping_generated();
    cached.generate(&context).await.unwrap();
    seen.print(&cached);
    let shared = SharedKeyProvider::new(Fixed, SharingLimits::new(hour, 10));
    shared.generate(&context).await.unwrap();
    seen.print(&shared);
    let hierarchical = HierarchicalKeyProvider::per_table(OneBranch, CacheLimits::new(hour));
    hierarchical.generate(&context).await.unwrap();
    seen.print(&hierarchical);
    seen.print(&ObservedKeyProvider::new(Fixed, counters));
    seen.print(&GroupKeyProvider::new(provider()).group("medical", provider()));
    seen.print(&MultiKeyWrapper::new(provider()).with(provider()));
    seen.print(&MultiKeyProvider::new(provider()).with(provider()).also_opens_with(cached));
    let dek = EncryptedDek::new(ContextForm::Table, vec![wrapped()]).unwrap().to_bytes();
    seen.print(&ProvisionedKeyWrapper::new(&dek, Fixed).unwrap());
    let own = rsa_private_key();
    seen.print(own.public_key());
    seen.print(&RsaRecipient::new(own.public_key().clone()).unwrap());
    seen.print(&own);
    assert_prints_no_secret(&TestKeyProvider::new(RootKey::from_bytes(&ROOT).unwrap()));
}

#[derive(Debug)]
struct OneBranch;

impl BranchKeyStore for OneBranch {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(BranchVersion::from_bytes([7; 16])) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move { Ok(BranchKey::new(branch.clone(), version, data_key())) })
    }
}

async fn errors(seen: &mut Seen) {
    seen.error(&Number::parse(TEXT).unwrap_err());
    let Err(error) = read_fields(TEXT.as_bytes()) else { panic!("a text is no map") };
    seen.error(&error);
    seen.error(&RootKey::from_bytes(TEXT.as_bytes()).unwrap_err());
    seen.error(&Context::new("patients").pair("aws:tenant", TEXT).unwrap_err());
    seen.error(&EncryptedDek::parse(TEXT.as_bytes()).unwrap_err());
    let (other, context) =
        (LocalKeyProvider::new(RootKey::from_bytes(&DATA_KEY).unwrap()), Context::new("patients"));
    let sealed = seal(TEXT.as_bytes(), &context, &provider()).await.unwrap();
    let error = open(&sealed, &context, &other).await.unwrap_err();
    seen.error(&error);
    let OpenError::Key(error) = error else { panic!("{error}") };
    seen.print(&error.kind());
    seen.error(&error);
    seen.error(&SealError::Key(error));
    seen.error(&rewrap(&sealed, &other, &context, &[&other], &context).await.unwrap_err());
}

async fn streams(seen: &mut Seen) {
    let context = Context::new("patients");
    let sealer = || async { StreamSealer::new(&context, &provider()).await.unwrap() };
    let mut written = sealer().await;
    written.consume(written.output().len());
    written.push(TEXT.as_bytes()).unwrap();
    seen.print(&written);
    seen.print(&ChunkSize::default());
    // This type reads from the plaintext itself.
    seen.print(&SealReader::new(sealer().await, TEXT.as_bytes()));
    seen.print(&SealReader::new(sealer().await, std::io::Cursor::new(BYTES.to_vec())));
    let mut writer = SealWriter::new(sealer().await, Vec::new());
    std::io::Write::write_all(&mut writer, TEXT.as_bytes()).unwrap();
    seen.print(&writer);
    let sealed = writer.finish().unwrap();

    let mut rest = sealed.as_slice();
    let header = UntrustedStreamHeader::read(&mut rest).unwrap();
    seen.print(&header);
    let mut opener = header.open(&context, &provider()).await.unwrap();
    opener.push(rest).unwrap();
    opener.finish().unwrap();
    assert_eq!(opener.output(), TEXT.as_bytes());
    seen.print(&opener);
    seen.print(&OpenReader::new(opener, rest));
    let error = UntrustedStreamHeader::read(TEXT.as_bytes()).unwrap_err();
    seen.print(error.kind());
    seen.error(&error);
    seen.error(&SealStreamError::Read(std::io::Error::other("a disk")));
}

async fn tables(seen: &mut Seen) {
    let (servers, faults) = (Servers::from_env().await.unwrap(), Faults::new());
    let (dynamodb, kms) = (servers.dynamodb_through(&faults), servers.kms());
    seen.print(&KmsKeyWrapper::new(kms.clone(), servers.kms_key_id()));
    seen.print(&KmsKeyProvider::new(kms.clone(), servers.kms_key_id()));
    let public = rsa_private_key().public_key().clone();
    seen.print(&KmsRsaKey::new(kms.clone(), "alias/partners", public));

    let branches = BranchKeyTable::new(dynamodb.clone(), unique_name("branch-keys"), provider());
    branches.create_table().await.unwrap();
    branches.create(TEXT).await.unwrap();
    seen.print(&branches);
    let mut list = branches.list();
    seen.print(&list.next().await.unwrap().unwrap());
    seen.print(&list);
    seen.print(&branches.versions(TEXT).await.unwrap()[0]);
    // The message names the branch, as CloudTrail does.
    seen.print(&branches.create(TEXT).await.unwrap_err());

    let searches = SearchKeyTable::new(dynamodb.clone(), unique_name("search-keys"), provider());
    searches.create_table().await.unwrap();
    seen.print(&searches.create(TEXT).await.unwrap());
    seen.print(&searches);
    let mut list = searches.list();
    list.next().await.unwrap().unwrap();
    seen.print(&list);
    seen.print(&searches.versions(TEXT).await.unwrap()[0]);
    seen.print(&searches.create(TEXT).await.unwrap_err());
    let stored = SearchKeys::per_table(searches);
    stored.prefetch(TEXT).await.unwrap();
    seen.print(&stored);
    let local = LocalSearchKeys::new(SearchKey::from_slice(&DATA_KEY).unwrap());
    seen.print(&local);
    seen.print(&SearchKeys::from(local));

    let physical = unique_name(Patient::TABLE);
    create_table(servers.dynamodb(), &physical, ("id", ScalarAttributeType::S), None)
        .await
        .unwrap();
    let patients = Table::<Patient>::new(dynamodb, provider()).named(&*physical);
    seen.print(&patients);
    readings(seen, &patients).await;
    faults.fail_next("PutItem", Injected::error("AccessDeniedException"));
    let error = patients.put(&patient()).send().await.unwrap_err();
    seen.print(error.kind());
    seen.print(error.record());
    let ErrorKind::DynamoDb(ServiceError::Request(source)) = error.kind() else {
        panic!("{error}")
    };
    seen.print(source);
    seen.group(error.kind());
    seen.error(&error);
    faults.fail_always("BatchWriteItem", Injected::error("AccessDeniedException"));
    let error = patients.batch_put([patient()]).send().await.unwrap_err();
    seen.print(&error.failures()[0]);
    seen.error(&error);

    let (record, client) = (patient(), servers.dynamodb_through(&faults));
    let again = || transact_write(&client).put(patients.put(&record).if_not_exists());
    seen.print(&again().prepare().await.unwrap());
    again().send().await.unwrap();
    let error = again().send().await.unwrap_err();
    seen.print(error.kind());
    seen.print(&error.reasons()[0]);
    seen.group(error.reasons()[0].error().kind());
    let moved =
        patients.rewrap("p_1").unwrap_and_wrap(&provider(), &[&provider()]).send().await.unwrap();
    seen.print(&moved.unwrap());
    seen.error(&error);

    let item = to_item(&patient(), &provider()).await.unwrap();
    let other = envelope_dynamo::LocalKeyProvider::new(RootKey::generate().unwrap());
    seen.group(from_item::<Patient>(item.clone(), &other).await.unwrap_err().kind());
    let mut changed = item.clone();
    changed.insert(
        "encrypted_payload".into(),
        aws_sdk_dynamodb::types::AttributeValue::S(TEXT.into()),
    );
    seen.group(from_item::<Patient>(changed, &provider()).await.unwrap_err().kind());
    let mut item = item;
    item.insert("name".into(), aws_sdk_dynamodb::types::AttributeValue::S(NUMBER.to_string()));
    let error = from_item::<Patient>(item, &provider()).await.unwrap_err();
    let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
    seen.error(marks);
    seen.print(marks.written());
    seen.group(error.kind());

    type Records = std::vec::IntoIter<Patient>;
    type Keys = std::vec::IntoIter<String>;
    not_printed! { seen:
        Put<'_, Patient, dyn KeyProvider>;
        Get<'_, Patient, dyn KeyProvider>;
        GetView<'_, Note, dyn KeyProvider>;
        GetUnique<'_, Holder, dyn KeyProvider>;
        Delete<'_, Patient, dyn KeyProvider>;
        Update<'_, Patient, dyn KeyProvider>;
        ReturningOld<Put<'_, Patient, dyn KeyProvider>>;
        ReturningNew<Update<'_, Patient, dyn KeyProvider>>;
        BatchPut<'_, Patient, dyn KeyProvider, Records>;
        BatchGet<'_, Patient, dyn KeyProvider, Keys>;
        BatchGetStream<'_, Patient, dyn KeyProvider, Keys>;
        BatchDelete<'_, Patient, dyn KeyProvider, Keys>;
        Modify<'_, Patient, dyn KeyProvider, ()>;
        Rewrap<'_, Patient, dyn KeyProvider>;
        RewrapTo<'_, Patient, dyn KeyProvider>;
        TryModify<'_, Patient, dyn KeyProvider, ()>;
        Check<'_, Patient, dyn KeyProvider>;
        HasCondition;
        NoCondition;
        Transaction<'_>;
        TransactGet<'_, ()>;
        CreateTable<'_, Patient, dyn KeyProvider>;
        Query<'_, Patient, dyn KeyProvider>;
        Scan<'_, Patient, dyn KeyProvider>;
    }
}

/// Queries and scans: their conditions and tokens hold values.
async fn readings(seen: &mut Seen, patients: &Table<Patient>) {
    let by_note = Patient::indexes().by_note;
    seen.print(&by_note);
    seen.print(&NoIndexes);
    seen.print(&patients.index(|indexes| indexes.by_note));
    patients.put(&Patient { id: "p_2".into(), ..patient() }).send().await.unwrap();
    let mut records = patients.scan().limit(1).stream().unwrap();
    records.next().await.unwrap().unwrap();
    seen.print(&records);
    seen.print(&records.resume_token().unwrap());
    seen.error(&TEXT.parse::<ResumeToken>().unwrap_err());
    not_printed! { seen: SortedBy<(), ()>; Then<(), ()>; ThenSearched<(), ()>; }
    let by_name = Table::<Visit>::new(patients.client().clone(), envelope_tests::local_keys(1));
    let _unsent = by_name.index(|indexes| indexes.by_name).query(TEXT).sort(|name| {
        seen.print(name);
        let equal = name.eq(TEXT);
        seen.print(&equal);
        equal
    });
    let holders = Table::<Holder>::new(patients.client().clone(), envelope_tests::local_keys(1));
    seen.print(&holders.unique(|unique| unique.name));
    seen.print(&Holder::uniques().name);
    let people = Table::<Person>::new(patients.client().clone(), envelope_tests::local_keys(1));
    seen.print(&Person::indexes().by_name);
    let _unsent = people.index(|indexes| indexes.by_ward).query("w_1").sort(|name| {
        seen.print(name);
        let equal = name.eq(TEXT);
        seen.print(&equal);
        equal
    });
    let _unsent = patients.index(|indexes| indexes.by_note).query(TEXT).sort(|id| {
        seen.print(id);
        let condition = id.begins_with(TEXT);
        seen.print(&condition);
        condition
    });
}

/// A schema file has names and marks alone: nothing of a record.
fn schema_files(seen: &mut Seen) {
    let file = SchemaFile::new().with::<Patient>();
    let record = &file.records()["Patient"];
    seen.print(&file);
    seen.print(record);
    seen.print(&record.partition_key);
    seen.print(&record.fields["name"]);
    seen.print(&SchemaFile::new().with::<Person>().records()["Person"].search_tags["name"][0]);
    let before: SchemaFile = file.to_string().replace("patients", "people").parse().unwrap();
    let changes = file.changes_since(&before);
    seen.print(&changes[0]);
    seen.print(&changes[0].effect());
    let overdue =
        file.to_string().replace("\"fields\"", "\"plaintext_until\": \"2000-01-01\", \"fields\"");
    seen.print(&overdue.parse::<SchemaFile>().unwrap().overdue(SystemTime::now())[0]);
    seen.print(&"{}".parse::<SchemaFile>().unwrap_err());

    let facts = PolicyFor::new(Role::Reader, &file, "patients")
        .unwrap()
        .table("arn:aws:dynamodb:eu-central-1:111122223333:table/patients")
        .unwrap()
        .key("arn:aws:kms:eu-central-1:111122223333:key/1234abcd")
        .unwrap();
    let policy = facts.identity_policy().unwrap();
    seen.print(&facts);
    seen.print(&Role::Reader);
    seen.print(&policy);
    seen.print(&policy.statements()[0]);
    seen.error(&facts.table("users").unwrap_err());
}

/// An item with a secret in every value.
async fn inspections(seen: &mut Seen) {
    let mut item = to_item(&patient(), &provider()).await.unwrap();
    let text = aws_sdk_dynamodb::types::AttributeValue::S(TEXT.into());
    item.insert("encrypted_payload_more".into(), text);
    let schema = SchemaFile::new().with::<Patient>();
    let found = Inspection::of(&item, &schema, "patients").unwrap();
    seen.print(&found);
    seen.print(&found.record);
    seen.print(found.record.payload.as_ref().unwrap());
    let keys = found.record.wrapped_keys.as_ref().unwrap();
    seen.print(keys);
    seen.print(&keys.entries[0]);
    seen.print(&found.problems[0]);
}

/// A run over a table with a secret in every place, which fails, is refused and is stopped.
async fn maintenance(seen: &mut Seen) {
    let servers = Servers::embedded().await.unwrap();
    let schema = SchemaFile::new().with::<Patient>();
    let name = unique_name("patients");
    create_table(servers.dynamodb(), &name, ("id", ScalarAttributeType::S), None).await.unwrap();
    let table = StoredTable::new(servers.dynamodb().clone(), &schema, "patients").unwrap();
    let table = table.named(&name);
    let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let records = Table::<Patient>::new(servers.dynamodb().clone(), provider).named(&name);
    records.put(&patient()).send().await.unwrap();
    seen.print(&table);
    seen.print(&table.describe().await.unwrap());
    let key = servers.kms_key_id();
    let reader = KmsKeyProvider::new(servers.kms().clone(), key);
    let coverage = table.coverage().expect_none(key).expect_sealed().open(reader);
    seen.print(&coverage);
    let coverage = coverage.observed_by(|event| assert_prints_no_secret(&event));
    let report = coverage.send().await.unwrap();
    seen.note::<CoverageEvent<'_>>();
    seen.print(&report);
    crate::assert_clean(&report.to_string());
    crate::assert_clean(&serde_json::to_string(&report).unwrap());
    seen.print(&report.scope);
    seen.print(&report.expected);
    seen.print(&report.read);
    seen.print(&report.entities["Patient"]);
    seen.print(&report.keys[0]);
    seen.print(&report.findings[0]);
    seen.print(&report.findings[0].kind);
    seen.print(report.opened.as_ref().unwrap());
    let mut copies = report.copies.unwrap();
    seen.print(&copies);
    seen.print(&copies.not_asked.remove(0));
    seen.print(&CopyKind::Backup);
    let copy = r#"{ "kind": "index", "name": "by_note", "since": null, "detail": "" }"#;
    seen.print(&serde_json::from_str::<OtherCopy>(copy).unwrap());
    seen.error(&TEXT.parse::<FindingKind>().unwrap_err());
    seen.print(&Backfill::new(&records).transform(|it: &mut Patient| it.note.clear()));
    seen.print(&Converted::new(patient()).remove("mail"));
    seen.print(&records.backfill());
    let run = |to: &str| table.rewrap(servers.kms().clone(), key, to);
    seen.print(&run("alias/new"));
    let target = || Target::kms_key(servers.kms().clone(), key);
    seen.print(&target());
    seen.print(&table.reseal(Fixed, Fixed, target()));
    reindexing_types(seen, &servers).await;
    let estimation = run("arn:aws:kms:us-east-1:000000000000:key/new").estimate();
    seen.print(&estimation);
    let estimate = estimation.send().await.unwrap();
    seen.print(&estimate);
    crate::assert_clean(&estimate.to_string());
    seen.print(&estimate.classes);
    seen.print(&estimate.demand);
    seen.print(&estimate.times[0]);
    seen.print(&estimate.dollars);
    seen.print(&Rates::default());
    let sampled = run("arn:aws:kms:us-east-1:000000000000:key/new").estimate().pages(1);
    seen.print(&sampled.send().await.unwrap().sample.unwrap());
    seen.print(&Limits::new());
    seen.print(&Part::WHOLE);
    seen.print(&Part::of(2, 1).unwrap_err());
    let refused = run(key).send().await.unwrap_err();
    seen.error(&refused);
    seen.print(refused.kind());
    seen.print(refused.counts());
    let RunErrorKind::Refused(refusal) = refused.kind() else { panic!("{refused}") };
    seen.error(refusal);
    let no_key = "99999999-aaaa-bbbb-cccc-dddddddddddd";
    let failed = run(no_key).observed_by(|event| assert_prints_no_secret(&event));
    failed.send().await.unwrap_err();
    seen.note::<RunEvent<'_>>();
}

/// A record that is found by its secret.
#[derive(Envelope)]
#[envelope(table = "members", index(name = "by-name", partition_key = name))]
struct Member {
    #[partition_key]
    id: String,
    #[encrypted]
    #[searchable]
    name: String,
}

/// A run and a count of search tags, and why a version is not retired.
async fn reindexing_types(seen: &mut Seen, servers: &Servers) {
    let search = |byte: u8| {
        SearchKeys::from(LocalSearchKeys::new(SearchKey::from_slice(&[byte; 32]).unwrap()))
    };
    let name = unique_name("members");
    let members = Table::<Member>::new(servers.dynamodb().clone(), provider()).named(&name);
    let members = members.with_search_keys(search(1));
    members.create_table().send().await.unwrap();
    let member = Member { id: "m_1".to_owned(), name: TEXT.to_owned() };
    members.put(&member).send().await.unwrap();
    let schema = SchemaFile::new().with::<Member>();
    let table = StoredTable::new(servers.dynamodb().clone(), &schema, "members").unwrap();
    let table = table.named(&name);
    seen.print(&table.reindex(Fixed, Fixed, &search(2)));
    seen.print(&table.stale(&search(2)));
    let report = table.stale(&search(2)).send().await.unwrap();
    seen.print(&report);
    seen.print(&report.tags["Member"]["blind_name"]);
    crate::assert_clean(&report.to_string());
    crate::assert_clean(&serde_json::to_string(&report).unwrap());
    seen.print(&table.leakage());
    let leakage = table.leakage().send().await.unwrap();
    seen.print(&leakage);
    seen.print(&leakage.tags["blind_name"]);
    crate::assert_clean(&leakage.to_string());
    crate::assert_clean(&serde_json::to_string(&leakage).unwrap());
    let dynamodb = servers.dynamodb().clone();
    let store = SearchKeyTable::new(dynamodb, unique_name("search-keys"), provider());
    seen.error(&store.retire_unless_stale("members", []).await.unwrap_err());
    seen.print(&RetireError::Stale(Box::new(report)));
}

/// The structs and enums that the crates export, read from the source.
fn public_types() -> BTreeSet<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut types = BTreeSet::new();
    for krate in ["envelope-core", "envelope-dynamo"] {
        let source = workspace.join(krate).join("src");
        let defined: BTreeSet<_> =
            files(&source).iter().flat_map(|path| defined_in(path)).collect();
        let exported: BTreeSet<_> =
            files(&source).iter().flat_map(|path| exported_by(path)).collect();
        types.extend(defined.intersection(&exported).cloned());
    }
    types
}

/// The names in `pub use`, except those that only generated code names.
fn exported_by(path: &Path) -> Vec<String> {
    let source = fs::read_to_string(path).unwrap();
    let source = source.split("pub mod __private").next().unwrap();
    let exports = source.split("\npub use ").skip(1);
    exports
        .flat_map(|export| export.split(';').next().unwrap().split(|c: char| !c.is_alphanumeric()))
        .map(str::to_owned)
        .collect()
}

/// The names after `pub struct` and `pub enum`.
fn defined_in(path: &Path) -> Vec<String> {
    let source = fs::read_to_string(path).unwrap();
    let name = |line: &str| {
        let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?;
        rest.split(|c: char| !c.is_alphanumeric()).next().map(str::to_owned)
    };
    source.lines().filter_map(name).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

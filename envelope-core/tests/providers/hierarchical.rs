//! Data keys that are derived from branch keys; the store is in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use envelope_core::testing::TestClock;
use envelope_core::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, ContextForm, DataKey,
    EncryptionContext, HierarchicalKeyProvider, KeyCounters, KeyErrorKind, KeyEvent, KeyFuture,
    SALT_BYTES, Value,
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const MAX_AGE: Duration = Duration::from_secs(600);
const LIMITS: CacheLimits = CacheLimits::new(MAX_AGE);

/// Branch keys in memory.
#[derive(Debug, Default)]
pub(super) struct Branches {
    /// The last version is the active one.
    versions: Mutex<BTreeMap<String, Vec<(BranchVersion, DataKey)>>>,
    /// The calls in order: the method and the branch.
    asked: Mutex<Vec<(&'static str, String)>>,
    /// If set, every returned key names this branch and version instead of its own.
    lie: Mutex<Option<(String, BranchVersion)>>,
    failing: Mutex<Option<(BranchVersion, KeyErrorKind)>>,
}

impl Branches {
    pub(super) fn of(names: &[&str]) -> Arc<Self> {
        let store = Self::default();
        for name in names {
            store.rotate(name);
        }
        Arc::new(store)
    }

    /// Adds a version to the branch.
    fn rotate(&self, name: &str) -> BranchVersion {
        let version = BranchVersion::generate().unwrap();
        let key = DataKey::generate().unwrap();
        self.versions.lock().unwrap().entry(name.to_owned()).or_default().push((version, key));
        version
    }

    fn delete(&self, name: &str) {
        self.versions.lock().unwrap().remove(name);
    }

    fn lie(&self, name: &str, version: BranchVersion) {
        *self.lie.lock().unwrap() = Some((name.to_owned(), version));
    }

    fn fail(&self, version: BranchVersion, kind: KeyErrorKind) {
        *self.failing.lock().unwrap() = Some((version, kind));
    }

    fn version_of(&self, name: &str) -> BranchVersion {
        self.versions.lock().unwrap()[name].last().unwrap().0
    }

    fn key_of(&self, name: &str) -> DataKey {
        self.versions.lock().unwrap()[name].last().unwrap().1.share()
    }

    /// How many calls asked for active versions, and how many for keys.
    pub(super) fn calls(&self) -> (usize, usize) {
        let asked = self.asked.lock().unwrap();
        let count = |method| asked.iter().filter(|(other, _)| *other == method).count();
        (count("active"), count("branch_key"))
    }

    fn ask(&self, method: &'static str, branch: &BranchName) {
        self.asked.lock().unwrap().push((method, branch.as_str().to_owned()));
    }

    fn find(
        &self,
        branch: &BranchName,
        version: Option<BranchVersion>,
    ) -> Result<(BranchVersion, DataKey), KeyError> {
        let versions = self.versions.lock().unwrap();
        let mut found = versions.get(branch.as_str()).into_iter().flatten().rev();
        let found = found.find(|(own, _)| version.is_none_or(|version| *own == version));
        let missing =
            || KeyError::new(KeyErrorKind::KeyNotFound, format!("there is no version {version:?}"));
        found.map(|(version, key)| (*version, key.share())).ok_or_else(missing)
    }
}

impl BranchKeyStore for Branches {
    fn active<'a>(&'a self, branch: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        self.ask("active", branch);
        Box::pin(async { self.find(branch, None).map(|(version, _)| version) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        self.ask("branch_key", branch);
        Box::pin(async move {
            match *self.failing.lock().unwrap() {
                Some((failing, kind)) if failing == version => {
                    return Err(KeyError::new(kind, "as asked"));
                }
                _ => {}
            }
            let (_, key) = self.find(branch, Some(version))?;
            Ok(match self.lie.lock().unwrap().clone() {
                Some((name, version)) => BranchKey::new(BranchName::new(name)?, version, key),
                None => BranchKey::new(branch.clone(), version, key),
            })
        })
    }
}

type Provider = HierarchicalKeyProvider<Arc<Branches>>;

fn per_recipient(store: &Arc<Branches>) -> Provider {
    HierarchicalKeyProvider::per_pair(Arc::clone(store), "to", LIMITS)
}

/// An entry of a branch key, of any length.
fn entry(version: &[u8], salt: &[u8]) -> WrappedKey {
    WrappedKey::new(KeyKind::BRANCH, version, salt).unwrap()
}

async fn unwrap(wrapped: &[WrappedKey], provider: &Provider) -> Result<DataKey, KeyError> {
    provider.unwrap_key(wrapped, &letters().encryption_context()).await
}

// --- the choice of the branch

#[tokio::test]
async fn the_branch_is_the_table_a_pair_or_chosen_by_a_function() {
    let store = Branches::of(&["letters", "grandmother", "letters/grandmother"]);
    let both = |context: &EncryptionContext| {
        Ok(format!(
            "{}/{}",
            context.get("table").unwrap_or_default(),
            context.get("to").unwrap_or_default()
        ))
    };
    for (branch, provider) in [
        ("letters", HierarchicalKeyProvider::per_table(Arc::clone(&store), LIMITS)),
        ("grandmother", per_recipient(&store)),
        ("letters/grandmother", HierarchicalKeyProvider::per(Arc::clone(&store), both, LIMITS)),
    ] {
        store.asked.lock().unwrap().clear();
        let sealed = seal(b"dear", &letters(), &provider).await.unwrap();
        provider.clear();
        assert_opens(&sealed, &letters(), &provider).await;
        let expected =
            ["active", "branch_key", "branch_key"].map(|method| (method, branch.to_owned()));
        assert_eq!(
            *provider.store().asked.lock().unwrap(),
            expected,
            "for writing two, and for reading the key alone"
        );
    }
}

#[tokio::test]
async fn a_record_opens_only_in_its_own_branch() {
    let store = Branches::of(&["grandmother", "grandfather"]);
    let provider = per_recipient(&store);
    let sealed = seal(b"dear", &letters(), &provider).await.unwrap();
    assert_eq!(
        refusal(&sealed, &letter_to("grandfather"), &provider).await.kind(),
        KeyErrorKind::KeyNotFound
    );
    assert_eq!(
        refusal(&sealed, &letter_to("mallory"), &provider).await.kind(),
        KeyErrorKind::KeyNotFound
    );
    assert_opens(&sealed, &letters(), &provider).await;
}

#[tokio::test]
async fn an_error_of_the_choosing_function_is_returned() {
    let store = Branches::of(&["letters"]);
    let choose =
        |_: &EncryptionContext| Err(KeyError::new(KeyErrorKind::AccessDenied, "not on Sundays"));
    let provider = HierarchicalKeyProvider::per(Arc::clone(&store), choose, LIMITS);
    let per_table = HierarchicalKeyProvider::per_table(Arc::clone(&store), LIMITS);
    let sealed = seal(b"dear", &letters(), &per_table).await.unwrap();
    let calls = store.calls();
    for error in [
        refusal_to_seal(&letters(), &provider).await,
        refusal(&sealed, &letters(), &provider).await,
    ] {
        assert_eq!(error.to_string(), "access denied: not on Sundays");
    }
    assert_eq!(store.calls(), calls);
}

#[tokio::test]
async fn a_missing_pair_is_named_with_its_remedy() {
    let store = Branches::of(&[]);
    let keyed = || letters().partition_key("id", Value::string("7"));
    let mark = |name: &str| {
        format!(
            "mark a field of that name with #[encryption_context], or the struct with \
             #[envelope(context({name} = \"..\"))]"
        )
    };
    let of_key = |form: &str| {
        format!(
            "only records with that key have it, and only in the context forms `raw` and `hashed` \
             (this record has the form `{form}`)"
        )
    };
    for (name, context, shown, remedy) in [
        ("tenant", letters(), "tenant", mark("tenant")),
        ("Partition_key", keyed(), "Partition_key", mark("Partition_key")),
        ("a\nb", letters(), "a\\nb", mark("a\\nb")),
        ("partition_key", letters(), "partition_key", of_key("raw")),
        ("partition_key", keyed().form(ContextForm::Table), "partition_key", of_key("table")),
        ("sort_key", keyed().form(ContextForm::Hashed), "sort_key", of_key("hashed")),
    ] {
        let provider = HierarchicalKeyProvider::per_pair(Arc::clone(&store), name, LIMITS);
        let error = refusal_to_seal(&context, &provider).await;
        let expected = format!(
            "invalid configuration: the pair `{shown}` names the branch of a record, but the \
             encryption context has no such pair: {remedy}"
        );
        assert_eq!(error.to_string(), expected);
        let wrapped = [entry(&[7; 16], &[7; SALT_BYTES])];
        let error = provider.unwrap_key(&wrapped, &context.encryption_context()).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(store.calls(), (0, 0));
}

#[tokio::test]
async fn an_invalid_branch_name_is_refused_before_any_call() {
    let store = Branches::of(&[]);
    let provider = HierarchicalKeyProvider::per_table(Arc::clone(&store), LIMITS);
    for table in [String::new(), "x".repeat(256)] {
        let error = refusal_to_seal(&Context::new(&table), &provider).await;
        assert_eq!(error.kind(), KeyErrorKind::Configuration, "{error}");
    }
    assert_eq!(store.calls(), (0, 0));
}

// --- derived data keys

/// FORMAT 6.3: the salt stands in place of the wrapped key.
#[tokio::test]
async fn a_data_key_derives_from_branch_key_salt_and_context() {
    let store = Branches::of(&["grandmother"]);
    let provider = per_recipient(&store);
    let info = [b"\x82\x73envelope-branch-key", LETTERS_IN_CBOR].concat();
    let mut salts = Vec::new();
    for _ in 0..2 {
        let generated = provider.generate(&letters().encryption_context()).await.unwrap();
        let [wrapped] = generated.wrapped.as_slice() else { panic!("{:?}", generated.wrapped) };
        assert_eq!(wrapped.kind(), KeyKind::BRANCH);
        assert_eq!(wrapped.id(), store.version_of("grandmother").as_bytes());
        assert_eq!(wrapped.bytes().len(), SALT_BYTES);
        let expected = hkdf(store.key_of("grandmother").expose(), wrapped.bytes(), &info);
        assert_eq!(*generated.data_key.expose(), expected);
        assert_eq!(*unwrap(&generated.wrapped, &provider).await.unwrap().expose(), expected);
        salts.push(wrapped.bytes().to_vec());
    }
    assert_ne!(salts[0], salts[1]);
}

#[tokio::test]
async fn every_pair_the_salt_and_the_version_change_the_data_key() {
    let store = Branches::of(&["letters"]);
    let choose = |_: &EncryptionContext| Ok("letters".to_owned());
    let provider = HierarchicalKeyProvider::per(Arc::clone(&store), choose, LIMITS);
    let contexts = [
        letters(),
        letter_to("grandfather"),
        Context::new("letters"),
        Context::new("letters").pair("from", "grandmother").unwrap(),
        letters().pair("purpose", "pii").unwrap(),
        Context::new("parcels").pair("to", "grandmother").unwrap(),
        letters().partition_key("id", Value::string("7")),
        letters().partition_key("id", Value::string("8")),
        letters().sort_key("id", Value::string("7")),
    ];
    let (first, second) = (store.version_of("letters"), store.rotate("letters"));
    let mut salt = [7; SALT_BYTES];
    let mut found = Vec::new();
    for context in &contexts {
        let wrapped = [entry(first.as_bytes(), &salt)];
        found.push(
            *provider.unwrap_key(&wrapped, &context.encryption_context()).await.unwrap().expose(),
        );
    }
    let wrapped = [entry(second.as_bytes(), &salt)];
    found.push(*unwrap(&wrapped, &provider).await.unwrap().expose());
    for at in 0..SALT_BYTES {
        salt[at] ^= 1;
        found.push(*unwrap(&[entry(first.as_bytes(), &salt)], &provider).await.unwrap().expose());
        salt[at] ^= 1;
    }
    let count = found.len();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), count, "no two are the same");
    assert_eq!(count, contexts.len() + 1 + SALT_BYTES);
}

// --- the entries of records

#[tokio::test]
async fn an_entry_of_another_kind_is_skipped() {
    let store = Branches::of(&["grandmother"]);
    let provider = per_recipient(&store);
    let version = *store.version_of("grandmother").as_bytes();
    let salt = [7; SALT_BYTES];
    let strange = [
        WrappedKey::new(KeyKind::LOCAL, version, salt).unwrap(),
        WrappedKey::new(KeyKind::private(200).unwrap(), version, salt).unwrap(),
        entry(&[], &salt),
        entry(&version[..15], &salt),
        entry(&[&version[..], &[0]].concat(), &salt),
        entry(&[], &[7; 1]),
    ];
    for wrapped in [&strange[..], &[]].into_iter().chain(strange.chunks(1)) {
        let error = unwrap(wrapped, &provider).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "wrong key: no wrapped key of the record belongs to a branch key: another kind of key \
             provider wrote the record"
        );
    }
    assert_eq!(store.calls(), (0, 0));
    let beside = [&strange[..], &[entry(&version, &salt)]].concat();
    assert!(unwrap(&beside, &provider).await.is_ok(), "what others can use is passed over");
}

#[tokio::test]
async fn a_salt_of_another_length_is_refused_for_a_version_of_the_branch() {
    let store = Branches::of(&["grandmother"]);
    let provider = per_recipient(&store);
    let version = *store.version_of("grandmother").as_bytes();
    for length in [1, 23, 25, 72] {
        let good = entry(&version, &[7; SALT_BYTES]);
        let error =
            unwrap(&[entry(&version, &vec![7; length]), good], &provider).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
        assert_eq!(
            error.to_string(),
            format!(
                "wrapped for another context, or changed: the entry of a branch key must be a salt \
                 of 24 bytes, not {length} bytes"
            )
        );
    }
}

#[tokio::test]
async fn an_unknown_version_is_skipped_whatever_its_salt() {
    let store = Branches::of(&["grandmother"]);
    let provider = per_recipient(&store);
    let own = entry(store.version_of("grandmother").as_bytes(), &[7; SALT_BYTES]);
    let alone = unwrap(std::slice::from_ref(&own), &provider).await.unwrap();
    for length in [1, 23, 25, 72] {
        let unknown = entry(&[1; 16], &vec![7; length]);
        assert_eq!(
            unwrap(&[unknown.clone(), own.clone()], &provider).await.unwrap().expose(),
            alone.expose()
        );
        let error = unwrap(&[unknown], &provider).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::KeyNotFound);
    }
}

#[tokio::test]
async fn an_unknown_version_is_the_error_if_no_other_entry_opens() {
    let store = Branches::of(&["grandmother"]);
    let provider = per_recipient(&store);
    let own = entry(store.version_of("grandmother").as_bytes(), &[7; SALT_BYTES]);
    let [one, other] = [[1; 16], [2; 16]].map(|version| entry(&version, &[7; SALT_BYTES]));
    let alone = unwrap(std::slice::from_ref(&own), &provider).await.unwrap();
    let opened = unwrap(&[one.clone(), other.clone(), own], &provider).await.unwrap();
    assert_eq!(opened.expose(), alone.expose());
    assert_eq!(store.calls(), (0, 3));

    let kms = WrappedKey::new(KeyKind::AWS_KMS, [0; 4], [7; 184]).unwrap();
    let error = unwrap(&[one.clone(), other, kms], &provider).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::KeyNotFound);
    assert!(
        error.to_string().contains("02020202-0202-0202-0202-020202020202"),
        "the last of them: {error}"
    );

    let known = store.version_of("grandmother");
    let error = unwrap(&[one, entry(known.as_bytes(), &[7; 1])], &provider).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
}

#[tokio::test]
async fn every_other_error_ends_the_search() {
    let store = Branches::of(&["grandmother"]);
    let provider = per_recipient(&store);
    let first = store.version_of("grandmother");
    let wrapped = [first, store.rotate("grandmother")]
        .map(|version| entry(version.as_bytes(), &[7; SALT_BYTES]));
    for kind in
        [KeyErrorKind::AccessDenied, KeyErrorKind::Unreachable, KeyErrorKind::ContextMismatch]
    {
        let (_, before) = store.calls();
        store.fail(first, kind);
        let error = unwrap(&wrapped, &provider).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().ends_with(": as asked")),
            (kind, true),
            "{error}"
        );
        assert_eq!(store.calls(), (0, before + 1), "{kind:?}");
    }
}

#[tokio::test]
async fn a_store_that_returns_another_key_is_refused() {
    let store = Branches::of(&["grandmother", "mallory"]);
    let version = store.version_of("grandmother");
    let sealed = seal(b"dear", &letters(), &per_recipient(&store)).await.unwrap();
    let others = store.version_of("mallory");
    for (name, told) in [("mallory", version), ("mallory", others), ("grandmother", others)] {
        store.lie(name, told);
        let provider = per_recipient(&store);
        for error in [
            refusal_to_seal(&letters(), &provider).await,
            refusal(&sealed, &letters(), &provider).await,
        ] {
            assert_eq!(error.kind(), KeyErrorKind::InvalidResponse);
            assert_eq!(
                error.to_string(),
                format!(
                    "invalid response: the key store returned another branch key than the \
                     requested version {version}"
                )
            );
        }
    }
    store.lie("grandmother", version);
    assert_opens(&sealed, &letters(), &per_recipient(&store)).await;
}

// --- the caches

/// A provider with a test clock, and the counters of its events.
struct Bench {
    store: Arc<Branches>,
    clock: Arc<TestClock>,
    counters: Arc<KeyCounters>,
    provider: Provider,
}

impl Bench {
    fn new() -> Self {
        let store = Branches::of(&["grandmother"]);
        let (clock, counters) = (Arc::<TestClock>::default(), Arc::<KeyCounters>::default());
        let provider = per_recipient(&store)
            .with_clock(Arc::clone(&clock) as _)
            .observed_by(Arc::clone(&counters) as _);
        Self { store, clock, counters, provider }
    }

    /// The version under which a letter is written at present.
    async fn write(&self) -> (BranchVersion, Sealed) {
        let sealed = seal(b"dear", &letters(), &self.provider).await.unwrap();
        (BranchVersion::from_bytes(wrapped(&sealed)[0].id().try_into().unwrap()), sealed)
    }

    fn count<const N: usize>(&self, events: [KeyEvent; N]) -> [u64; N] {
        events.map(|event| self.counters.count(event))
    }
}

#[tokio::test]
async fn many_records_cost_one_version_and_one_key() {
    use KeyEvent::{ActiveVersionFetched, BranchKeyFetched, CacheHit, CacheMiss, Failed};
    let bench = Bench::new();
    let (_, sealed) = bench.write().await;
    assert_eq!(
        bench.count([ActiveVersionFetched, BranchKeyFetched, CacheMiss, CacheHit]),
        [1, 1, 2, 0]
    );
    for _ in 0..9 {
        bench.write().await;
    }
    assert_eq!(
        bench.count([ActiveVersionFetched, BranchKeyFetched, CacheMiss, CacheHit]),
        [1, 1, 2, 18]
    );
    assert_opens(&sealed, &letters(), &bench.provider).await;
    assert_eq!(
        bench.count([CacheMiss, CacheHit, Failed]),
        [2, 19, 0],
        "what is read looks up the key alone"
    );
    assert_eq!(bench.store.calls(), (1, 1));

    let error = refusal_to_seal(&letter_to("mallory"), &bench.provider).await;
    assert_eq!(error.kind(), KeyErrorKind::KeyNotFound);
    assert_eq!(bench.count([ActiveVersionFetched, BranchKeyFetched, Failed]), [1, 1, 1]);
}

#[tokio::test]
async fn versions_and_keys_age_while_the_machine_is_suspended() {
    let bench = Bench::new();
    bench.write().await;
    let new = bench.store.rotate("grandmother");
    bench.clock.suspend(10 * MINUTE);
    assert_eq!(bench.write().await.0, new);
    assert_eq!(bench.store.calls(), (2, 2));
}

#[tokio::test]
async fn a_new_version_is_used_and_old_records_still_open() {
    let bench = Bench::new();
    let (old, sealed) = bench.write().await;
    let new = bench.store.rotate("grandmother");
    bench.clock.advance(8 * MINUTE);
    assert_eq!(bench.write().await.0, old, "it is in the cache");
    assert_eq!(bench.store.calls(), (1, 1));
    bench.clock.advance(2 * MINUTE);
    let (written, sealed_anew) = bench.write().await;
    assert_eq!(written, new);
    assert_eq!(bench.store.calls(), (2, 2));
    for sealed in [sealed, sealed_anew] {
        assert_opens(&sealed, &letters(), &bench.provider).await;
    }
    assert_eq!(bench.store.calls(), (2, 3), "the old key is too old as well");
}

#[tokio::test]
async fn a_deleted_branch_is_noticed_when_the_cache_expires() {
    let bench = Bench::new();
    let (_, sealed) = bench.write().await;
    bench.store.delete("grandmother");
    bench.clock.advance(8 * MINUTE);
    bench.write().await;
    assert_opens(&sealed, &letters(), &bench.provider).await;
    bench.clock.advance(2 * MINUTE);
    assert_eq!(
        refusal(&sealed, &letters(), &bench.provider).await.kind(),
        KeyErrorKind::KeyNotFound
    );
    assert_eq!(
        refusal_to_seal(&letters(), &bench.provider).await.kind(),
        KeyErrorKind::KeyNotFound
    );
}

#[tokio::test]
async fn cleared_keys_are_fetched_again() {
    let bench = Bench::new();
    bench.write().await;
    bench.provider.clear();
    let new = bench.store.rotate("grandmother");
    assert_eq!(bench.write().await.0, new);
    assert_eq!(bench.store.calls(), (2, 2));
    // The version and the key were both removed: the version is the same, but the key is fetched
    // again.
    bench.provider.clear();
    assert_eq!(bench.write().await.0, new);
    assert_eq!(bench.store.calls(), (3, 3));
}

#[tokio::test]
async fn remove_expired_removes_versions_and_keys() {
    let bench = Bench::new();
    bench.write().await;
    bench.clock.advance(MAX_AGE - SECOND);
    bench.provider.remove_expired();
    assert_eq!(bench.count([KeyEvent::Evicted]), [0]);
    bench.clock.advance(SECOND);
    for _ in 0..2 {
        bench.provider.remove_expired();
        assert_eq!(bench.count([KeyEvent::Evicted]), [2], "a version and a key");
    }
}

#[test]
fn debug_shows_how_branches_are_chosen_and_no_branch() {
    let store = Branches::of(&[]);
    let choose = |_: &EncryptionContext| Ok(String::new());
    for (provider, shown) in [
        (HierarchicalKeyProvider::per_table(Arc::clone(&store), LIMITS), "branch_of: Table,"),
        (
            HierarchicalKeyProvider::per_pair(Arc::clone(&store), "ten\nant", LIMITS),
            "branch_of: Pair(ten\\nant),",
        ),
        (HierarchicalKeyProvider::per(store, choose, LIMITS), "branch_of: Function(..),"),
    ] {
        assert!(format!("{provider:?}").contains(shown), "{provider:?}");
    }
}

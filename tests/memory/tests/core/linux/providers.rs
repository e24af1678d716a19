//! Providers keep their own key in memory, once, and nothing else.

use std::time::Duration;

use envelope_core::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, DataKey,
    HierarchicalKeyProvider, KeyFuture, KeyProvider, LocalKeyProvider, LocalRsaKey,
    MultiKeyProvider, RootKey, RsaPublicKey, RsaRecipient, Sealed, SharedKeyProvider,
    SharingLimits,
};
use envelope_memory_tests::{
    Find, Masked, Place, Search, Seed, Service, alone, assert_nothing, found_besides, hkdf,
    leave_behind,
};

use super::{RECORDS, data_key_of, seal_and_open, secrets_of};

const ROOTS: Seed = Seed(0x9b05_688c_2b3e_6c1f);
const HOUR: Duration = Duration::from_secs(3_600);

fn local(number: usize) -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&ROOTS.key(number)).unwrap())
}

pub(crate) fn root(number: usize) -> Masked {
    Masked::new(32, |at| ROOTS.byte(number, at))
}

/// Adds a root key, and the wrapping key of each record (FORMAT 6.1).
fn add_root(search: &mut Search, number: usize, wrap_salts: &[&[u8]]) {
    search.add("root key", &root(number));
    search.add("extracted root", &hkdf(&root(number), &[], b"envelope local root key id")[0]);
    for salt in wrap_salts {
        let [extracted, wrapping] = hkdf(&root(number), salt, b"envelope local wrap 1");
        search.add("extracted root", &extracted);
        search.add("wrapping key", &wrapping);
    }
}

fn wrap_salts(records: &[Sealed]) -> Vec<&[u8]> {
    records.iter().map(|record| &record.encrypted_dek[15..39]).collect()
}

/// While the provider exists, its own key is in memory once, on the heap.
#[track_caller]
fn assert_held_once(finds: &[Find], name: &str, keys: usize) {
    let held = |find: &Find| find.name == name && find.place == Place::Heap && find.part == (0..32);
    assert!(
        finds.iter().all(held) && finds.len() == keys,
        "not {keys} of {name}:\n{}",
        Find::summary(finds)
    );
}

#[test]
fn a_root_key_is_in_memory_once_and_gone_with_its_provider() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = local(0);
        (seal_and_open(RECORDS, &provider), provider)
    });
    let sought = |records: &[Sealed], provider: &LocalKeyProvider| {
        let mut search = secrets_of(records, |_, record| data_key_of(record, provider));
        add_root(&mut search, 0, &wrap_salts(records));
        search
    };
    let stack = service.stack();
    let (records, provider) = service.output;
    assert_held_once(&found_besides(|| sought(&records, &provider), stack), "root key", 1);

    let service = Service::after(move || {
        leave_behind();
        drop(provider);
    });
    assert_nothing(|| sought(&records, &local(0)), service.stack());
}

#[test]
fn several_recipients_leave_no_data_key() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = MultiKeyProvider::new(local(1)).with(local(2));
        let records = seal_and_open(RECORDS, &provider);
        drop(provider);
        records
    });
    let records = &service.output;
    let sought = || {
        let mut search = secrets_of(records, |_, record| data_key_of(record, &local(2)));
        add_root(&mut search, 1, &wrap_salts(records));
        add_root(&mut search, 2, &[]);
        search
    };
    assert_nothing(sought, service.stack());
}

/// A store with one key of one branch.
#[derive(Debug)]
pub(crate) struct OneBranch;

const VERSION: BranchVersion = BranchVersion::from_bytes([7; 16]);

impl BranchKeyStore for OneBranch {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(VERSION) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move {
            let key = DataKey::from_slice(&ROOTS.key(3))?;
            Ok(BranchKey::new(branch.clone(), version, key))
        })
    }
}

fn hierarchical() -> HierarchicalKeyProvider<OneBranch> {
    HierarchicalKeyProvider::per_table(OneBranch, CacheLimits::new(HOUR))
}

#[test]
fn a_branch_key_is_in_memory_once_and_gone_with_its_provider() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = hierarchical();
        (seal_and_open(RECORDS, &provider), provider)
    });
    let sought = |records: &[Sealed]| {
        let mut search = secrets_of(records, |_, record| data_key_of(record, &hierarchical()));
        search.add("branch key", &root(3));
        for record in records {
            // The salt of the data key. The rest depends on the context.
            search.add(
                "extracted branch key",
                &hkdf(&root(3), &record.encrypted_dek[23..47], &[])[0],
            );
        }
        search
    };
    let stack = service.stack();
    let (records, provider) = service.output;
    assert_held_once(&found_besides(|| sought(&records), stack), "branch key", 1);

    let service = Service::after(move || {
        leave_behind();
        provider.clear();
        provider
    });
    assert_nothing(|| sought(&records), service.stack());
}

#[test]
fn a_shared_key_is_in_memory_once_and_gone_with_its_provider() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = SharedKeyProvider::new(local(4), SharingLimits::new(HOUR, 100));
        (seal_and_open(RECORDS, &provider), provider)
    });
    let sought = |records: &[Sealed]| {
        // A hundred records have one data key.
        let firsts: Vec<_> = records.iter().step_by(100).cloned().collect();
        let mut search = secrets_of(&firsts, |_, record| data_key_of(record, &local(4)));
        add_root(&mut search, 4, &wrap_salts(&firsts));
        search
    };
    let stack = service.stack();
    let (records, provider) = service.output;
    let finds = found_besides(|| sought(&records), stack);
    assert_eq!(finds.len(), 2, "{}", Find::summary(&finds));
    assert!(finds.iter().any(|find| find.name == "root key"));
    assert!(
        finds.iter().any(|find| find.name == "data key" && find.number == 9),
        "{}",
        Find::summary(&finds)
    );

    let service = Service::after(move || {
        leave_behind();
        drop(provider);
    });
    assert_nothing(|| sought(&records), service.stack());
}

const RSA_KEY: &str = include_str!("../../../../../envelope-core/src/provider/rsa/test_key.pem");

/// An RSA key pair: the partner wraps, and the owner unwraps.
#[test]
fn rsa_leaves_no_data_key() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = rsa();
        seal_and_open(20, &*provider)
    });
    let sought = || secrets_of(&service.output, |_, record| data_key_of(record, &*rsa()));
    assert_nothing(sought, service.stack());
}

fn rsa() -> Box<dyn KeyProvider> {
    let owner = LocalRsaKey::from_pkcs8_pem(RSA_KEY).unwrap();
    let partner =
        RsaRecipient::new(RsaPublicKey::from_der(owner.public_key().as_der()).unwrap()).unwrap();
    Box::new(Pair { partner, owner })
}

#[derive(Debug)]
struct Pair {
    partner: RsaRecipient,
    owner: LocalRsaKey,
}

impl envelope_core::WrapKey for Pair {
    fn generate<'a>(
        &'a self,
        context: &'a envelope_core::EncryptionContext,
    ) -> KeyFuture<'a, envelope_core::GeneratedKey> {
        self.partner.generate(context)
    }
}

impl envelope_core::UnwrapKey for Pair {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [envelope_core::WrappedKey],
        context: &'a envelope_core::EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        self.owner.unwrap_key(wrapped, context)
    }
}

//! Which key is written and searched with at which time, by clocks that may stand still.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use envelope_core::search::Definition;

use super::*;
use crate::keys::search_keys::pointer::{CLOCKS_APART, Other, Since};

const AGE: Duration = Duration::from_secs(300);
const USERS: &str = "users";
const SECOND: Duration = Duration::from_secs(1);

const OLD: BranchVersion = BranchVersion::from_bytes([1; 16]);
const NEW: BranchVersion = BranchVersion::from_bytes([2; 16]);

/// A store and the clocks of a machine.
#[derive(Debug)]
struct World {
    pointer: Mutex<Pointer>,
    clocks: Mutex<(Instant, SystemTime)>,
    pointers_read: Mutex<usize>,
    keys_read: Mutex<usize>,
    /// How long reading a pointer takes, by the time of day alone.
    delay: Mutex<Duration>,
    error: Mutex<Option<KeyErrorKind>>,
}

impl World {
    fn new(pointer: Pointer) -> Arc<Self> {
        Arc::new(Self {
            pointer: Mutex::new(pointer),
            clocks: Mutex::new((Instant::now(), SystemTime::now())),
            pointers_read: Mutex::default(),
            keys_read: Mutex::default(),
            delay: Mutex::default(),
            error: Mutex::default(),
        })
    }

    fn process(self: &Arc<Self>) -> Stored {
        let clock = Arc::clone(self) as _;
        Stored::new(Arc::clone(self) as _, Settings { clock, ..Settings::default() })
    }

    fn advance(&self, time: Duration) {
        let mut clocks = lock(&self.clocks);
        *clocks = (clocks.0 + time, clocks.1 + time);
    }

    /// The machine is suspended: `Instant` stands still.
    fn suspend(&self, time: Duration) {
        lock(&self.clocks).1 += time;
    }

    /// Somebody sets the time of day back.
    fn set_back(&self, time: Duration) {
        lock(&self.clocks).1 -= time;
    }

    fn reads(&self) -> (usize, usize) {
        (*lock(&self.pointers_read), *lock(&self.keys_read))
    }
}

impl Clock for World {
    fn now(&self) -> Instant {
        lock(&self.clocks).0
    }

    fn system_time(&self) -> SystemTime {
        lock(&self.clocks).1
    }
}

impl SearchKeyStore for World {
    fn pointer<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, Pointer> {
        Box::pin(async {
            *lock(&self.pointers_read) += 1;
            self.suspend(*lock(&self.delay));
            match *lock(&self.error) {
                Some(kind) => Err(KeyError::new(kind, "as asked")),
                None => Ok(*lock(&self.pointer)),
            }
        })
    }

    fn search_key<'a>(
        &'a self,
        _: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, SearchKey> {
        Box::pin(async move {
            *lock(&self.keys_read) += 1;
            SearchKey::from_slice(&[version.as_bytes()[0]; 32])
        })
    }
}

/// The version of a key of [`World`].
fn version(key: &SearchKey) -> BranchVersion {
    let definition = Definition::new("users", "email", &[]);
    let generation = |key: &SearchKey| key.tagger(&definition).generation();
    let is = |version: &BranchVersion| {
        let of_version = SearchKey::from_slice(&[version.as_bytes()[0]; 32]).unwrap();
        generation(&of_version) == generation(key)
    };
    *[OLD, NEW].iter().find(|version| is(version)).unwrap()
}

fn versions(live: &LiveSearchKeys) -> (BranchVersion, Vec<BranchVersion>) {
    (version(&live.write), live.search.iter().map(|key| version(key)).collect())
}

#[tokio::test]
async fn the_written_key_changes_in_time_without_another_call() {
    let world = World::new(Pointer::new(OLD, AGE));
    let process = world.process();
    assert_eq!(versions(&process.live(USERS).await.unwrap()), (OLD, vec![OLD]));
    let rotated = lock(&world.pointer).rotated(NEW, world.system_time());
    *lock(&world.pointer) = rotated;
    world.advance(AGE);
    assert_eq!(versions(&process.live(USERS).await.unwrap()), (OLD, vec![OLD, NEW]));

    // A process that has asked just before `write_from` changes over by itself.
    world.advance(CLOCKS_APART - SECOND);
    assert_eq!(versions(&process.live(USERS).await.unwrap()), (OLD, vec![OLD, NEW]));
    let reads = world.reads();
    world.advance(3 * SECOND);
    assert_eq!(versions(&process.live(USERS).await.unwrap()), (NEW, vec![OLD, NEW]));
    assert_eq!(world.reads(), reads);

    *lock(&world.pointer) = rotated.retired();
    world.advance(AGE);
    assert_eq!(versions(&process.live(USERS).await.unwrap()), (NEW, vec![NEW]));
}

/// Records move from the cancelled version to the other one, so the cancelled one comes first.
#[tokio::test]
async fn a_cancelled_version_is_searched_first_and_not_written() {
    let rotated = Pointer::new(OLD, AGE).rotated(NEW, SystemTime::now());
    let world = World::new(rotated.cancelled(rotated.other.unwrap(), SystemTime::now()));
    let process = world.process();
    assert_eq!(versions(&process.live(USERS).await.unwrap()), (OLD, vec![NEW, OLD]));
    world.advance(10 * CLOCKS_APART);
    assert_eq!(versions(&process.live(USERS).await.unwrap()), (OLD, vec![NEW, OLD]));
}

#[tokio::test]
async fn the_same_object_is_returned_while_nothing_changes() {
    let world = World::new(Pointer::new(OLD, AGE));
    let process = world.process();
    let first = process.live(USERS).await.unwrap();
    world.advance(AGE * 8 / 10);
    let second = process.live(USERS).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second) && second.is_fresh());
    assert_eq!(world.reads(), (1, 1));
    world.advance(AGE * 2 / 10);
    assert!(!second.is_fresh(), "tags that were prepared with it may not be written any more");
    let third = process.live(USERS).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &third) && third.is_fresh());
}

#[tokio::test]
async fn a_suspended_process_does_not_take_its_keys_for_young() {
    let world = World::new(Pointer::new(OLD, AGE));
    let process = world.process();
    let live = process.live(USERS).await.unwrap();
    world.suspend(AGE);
    assert!(!live.is_fresh());
    process.live(USERS).await.unwrap();
    assert_eq!(world.reads(), (2, 2));
    // Setting the time of day back does not make anything younger.
    world.advance(AGE / 2);
    world.set_back(10 * AGE);
    world.advance(AGE / 2);
    process.live(USERS).await.unwrap();
    assert_eq!(world.reads(), (3, 3));
}

#[tokio::test]
async fn an_answer_that_is_too_old_when_it_arrives_is_not_used() {
    let world = World::new(Pointer::new(OLD, AGE));
    let process = world.process();
    *lock(&world.delay) = AGE;
    let error = process.live(USERS).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Unreachable);
    assert_eq!(world.reads().0, TRIES, "the age counts from before the call");
    *lock(&world.delay) = AGE - SECOND;
    assert!(process.live(USERS).await.unwrap().is_fresh());
}

#[tokio::test]
async fn a_pointer_is_never_used_beyond_its_age() {
    let world = World::new(Pointer::new(OLD, AGE));
    let clock = Arc::clone(&world) as _;
    let settings = Settings { clock, grace: 100 * AGE, max_age: 100 * AGE, ..Settings::default() };
    let process = Stored::new(Arc::clone(&world) as _, settings);
    process.live(USERS).await.unwrap();
    for kind in [KeyErrorKind::Unreachable, KeyErrorKind::Throttled, KeyErrorKind::AccessDenied] {
        *lock(&world.error) = Some(kind);
        world.advance(AGE);
        assert_eq!(process.live(USERS).await.unwrap_err().kind(), kind);
        *lock(&world.error) = None;
        process.live(USERS).await.unwrap();
    }
}

/// A rotation by a machine whose clock is ahead, seen by one whose clock is behind, is no mistake.
#[tokio::test]
async fn a_rotation_may_seem_late_by_two_clocks_and_no_more() {
    let pointer = Pointer::new(OLD, AGE);
    for (ahead, is_taken) in [(CLOCKS_APART - SECOND, true), (CLOCKS_APART + 2 * SECOND, false)] {
        let now = SystemTime::now() + ahead;
        let rotated = pointer.rotated(NEW, now);
        let at = Since::Cancelled(now);
        let cancelled = Pointer { other: Some(Other { version: NEW, since: at }), ..pointer };
        for changed in [rotated, cancelled] {
            let outcome = World::new(changed).process().live(USERS).await;
            assert_eq!(outcome.is_ok(), is_taken, "{changed:?} {ahead:?}");
        }
    }
}

/// The keys of the branch that was used last are found without the caches. It must not be another
/// branch's, and no older than the caches allow.
#[tokio::test]
async fn what_was_returned_last_serves_its_branch_alone() {
    let world = World::new(Pointer::new(OLD, AGE));
    let process = world.process();
    let of_users = process.live(USERS).await.unwrap();
    let of_orders = process.live("orders").await.unwrap();
    assert!(!Arc::ptr_eq(&of_users, &of_orders));
    assert_eq!(world.reads(), (2, 2));
    assert!(Arc::ptr_eq(&of_users, &process.live(USERS).await.unwrap()));
    assert_eq!(world.reads(), (2, 2));
    process.clear();
    process.live(USERS).await.unwrap();
    assert_eq!(world.reads(), (3, 3));
    // From nine tenths of the age on, one caller fetches again.
    world.advance(AGE * 9 / 10);
    process.live(USERS).await.unwrap();
    assert_eq!(world.reads(), (4, 4));
    world.advance(AGE);
    process.remove_expired();
    assert!(lock(&process.latest).is_none(), "no key stays in memory");
}

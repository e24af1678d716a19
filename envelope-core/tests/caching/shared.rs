use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Wake, Waker};

use envelope_core::testing::TestClock;
use envelope_core::{
    CacheLimits, CachedKeyProvider, Context, ContextForm, KeyCounters, KeyError, KeyErrorKind,
    KeyEvent, OpenError, Sealed, SharedKeyProvider, SharingLimits, UnwrapKey, Value, WrapKey, open,
    seal,
};

use super::{MINUTE, SECOND, TICK, TestKeyProvider, poll};

/// Shared keys over a counted provider, with a clock and counters.
struct Sharing {
    calls: TestKeyProvider,
    provider: SharedKeyProvider<TestKeyProvider>,
    clock: Arc<TestClock>,
    counters: Arc<KeyCounters>,
}

fn sharing(limits: SharingLimits) -> Sharing {
    let (calls, clock, counters) =
        (TestKeyProvider::default(), Arc::<TestClock>::default(), Arc::<KeyCounters>::default());
    let provider = SharedKeyProvider::new(calls.clone(), limits)
        .with_clock(Arc::clone(&clock) as _)
        .observed_by(Arc::clone(&counters) as _);
    Sharing { calls, provider, clock, counters }
}

/// The context of the record `id` of a tenant. Its key is bound, but not part of the pairs.
fn event(tenant: &'static str, id: &'static str) -> Context<'static> {
    let key = Value::string(id);
    Context::new("events")
        .form(ContextForm::Table)
        .partition_key("id", key)
        .pair("tenant", tenant)
        .unwrap()
}

impl Sharing {
    async fn write(&self, tenant: &'static str) -> Sealed {
        seal(b"ten bytes.", &event(tenant, "1"), &self.provider).await.unwrap()
    }

    async fn key(&self, tenant: &'static str) -> Result<[u8; 32], KeyErrorKind> {
        let generated = self.provider.generate(&event(tenant, "1").encryption_context()).await;
        generated
            .map(|generated| *generated.data_key.expose())
            .map_err(|error: KeyError| error.kind())
    }

    fn count(&self, event: KeyEvent) -> u64 {
        self.counters.count(event)
    }

    fn keys_held(&self) -> usize {
        format!("{:?}", self.provider).matches("Current").count()
    }
}

#[tokio::test]
async fn ten_thousand_writes_cost_a_call_per_record_limit() {
    let calls = TestKeyProvider::default();
    let cached =
        CachedKeyProvider::new(calls.clone(), CacheLimits::new(MINUTE)).keeping_generated();
    let counters = Arc::<KeyCounters>::default();
    let provider = SharedKeyProvider::new(cached, SharingLimits::new(MINUTE, 1_000))
        .observed_by(Arc::clone(&counters) as _);
    let context = event("t1", "1");
    let mut records = Vec::new();
    for id in 0..10_000_u32 {
        records.push(seal(&id.to_be_bytes(), &context, &provider).await.unwrap());
    }
    assert_eq!(calls.generate_calls(), 10);
    assert_eq!(
        (counters.count(KeyEvent::Generated), counters.count(KeyEvent::Shared)),
        (10, 9_990)
    );
    for (id, record) in (0_u32..).zip(&records) {
        assert_eq!(open(record, &context, &provider).await.unwrap().expose(), id.to_be_bytes());
    }
    assert_eq!(calls.unwrap_calls(), 0, "a process reads its own records without a call");
    calls.assert_calls_at_most(10_000 / 1_000 + 2);

    let another = CachedKeyProvider::new(calls.clone(), CacheLimits::new(MINUTE));
    for (id, record) in (0_u32..).zip(records) {
        assert_eq!(open(&record, &context, &another).await.unwrap().expose(), id.to_be_bytes());
    }
    assert_eq!(calls.unwrap_calls(), 10, "another process makes a call per data key");
}

#[tokio::test]
async fn a_shared_key_seals_at_most_max_records() {
    let sharing = sharing(SharingLimits::new(MINUTE, 3));
    let mut keys = Vec::new();
    for _ in 0..7 {
        keys.push(sharing.key("t1").await.unwrap());
    }
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[3] == keys[4] && keys[4] == keys[5]);
    assert!(keys[2] != keys[3] && keys[5] != keys[6]);
    assert_eq!((sharing.count(KeyEvent::Generated), sharing.count(KeyEvent::Shared)), (3, 4));
    assert_eq!(sharing.count(KeyEvent::Evicted), 0, "each replaced the one before");
}

#[tokio::test]
async fn a_shared_key_is_limited_by_age() {
    let sharing = sharing(SharingLimits::new(MINUTE, u64::MAX));
    sharing.write("t1").await;
    sharing.clock.advance(MINUTE - TICK);
    sharing.write("t1").await;
    assert_eq!(sharing.calls.generate_calls(), 1);
    sharing.clock.advance(TICK);
    sharing.write("t1").await;
    assert_eq!(sharing.calls.generate_calls(), 2, "too old");
    sharing.clock.advance(MINUTE - TICK);
    sharing.write("t1").await;
    assert_eq!(sharing.calls.generate_calls(), 2, "its successor is not");
}

#[tokio::test]
async fn the_age_of_a_shared_key_counts_from_its_call() {
    let sharing = sharing(SharingLimits::new(MINUTE, u64::MAX));
    sharing.calls.hold();
    let mut writer = pin!(sharing.write("t1"));
    assert!(poll(&mut writer).is_pending());
    sharing.clock.advance(MINUTE - TICK);
    sharing.calls.release();
    assert!(poll(&mut writer).is_ready());
    sharing.write("t1").await;
    assert_eq!(sharing.calls.generate_calls(), 1);
    sharing.clock.advance(TICK);
    sharing.write("t1").await;
    assert_eq!(sharing.calls.generate_calls(), 2);
}

#[tokio::test]
async fn a_shared_key_is_limited_by_bytes() {
    for (max_bytes, calls_for_the_third) in [(19, 2), (20, 2), (21, 1)] {
        let sharing = sharing(SharingLimits::new(MINUTE, u64::MAX).max_bytes(max_bytes));
        sharing.write("t1").await;
        sharing.write("t1").await;
        assert_eq!(sharing.calls.generate_calls(), 1, "10 bytes are less than {max_bytes}");
        sharing.write("t1").await;
        assert_eq!(sharing.calls.generate_calls(), calls_for_the_third, "20 bytes of {max_bytes}");
    }
}

#[tokio::test]
async fn every_set_of_context_pairs_has_its_own_data_key() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000).max_contexts(2));
    let write = async |tenant| {
        sharing.clock.advance(SECOND);
        sharing.write(tenant).await.encrypted_dek
    };
    let (first, second, again) = (write("t1").await, write("t2").await, write("t1").await);
    assert_eq!(sharing.calls.generate_calls(), 2);
    assert_eq!(first, again);
    assert_ne!(first, second);
    assert_eq!(sharing.count(KeyEvent::Evicted), 0);
    write("t3").await;
    assert_eq!(write("t2").await, second);
    assert_eq!(sharing.calls.generate_calls(), 3, "the oldest, t1, was removed");
    assert_eq!((sharing.keys_held(), sharing.count(KeyEvent::Evicted)), (2, 1));
    assert_ne!(write("t1").await, first);
    write("t3").await;
    assert_eq!(
        (sharing.calls.generate_calls(), sharing.count(KeyEvent::Evicted)),
        (4, 2),
        "then t2"
    );
}

#[tokio::test]
async fn a_replaced_key_makes_room_only_for_its_successor() {
    let sharing = sharing(SharingLimits::new(MINUTE, 2).max_contexts(2));
    let first = sharing.key("t1").await.unwrap();
    sharing.clock.advance(TICK);
    let second = sharing.key("t2").await.unwrap();
    sharing.clock.advance(TICK);
    assert_eq!(sharing.key("t1").await.unwrap(), first);
    assert_ne!(sharing.key("t1").await.unwrap(), first, "used up");
    assert_eq!(sharing.key("t2").await.unwrap(), second);
    assert_ne!(sharing.key("t2").await.unwrap(), second, "used up");
    assert_eq!((sharing.keys_held(), sharing.count(KeyEvent::Evicted)), (2, 0));
}

#[tokio::test]
async fn keys_of_a_thousand_contexts_are_kept_by_default() {
    let sharing = sharing(SharingLimits::new(MINUTE, 10));
    let generate = async |tenant: u32| {
        let context = Context::new("events")
            .form(ContextForm::Table)
            .pair("tenant", tenant.to_string())
            .unwrap();
        sharing.provider.generate(&context.encryption_context()).await.unwrap();
    };
    for tenant in 0..1_000 {
        generate(tenant).await;
    }
    assert_eq!((sharing.keys_held(), sharing.count(KeyEvent::Evicted)), (1_000, 0));
    generate(1_000).await;
    assert_eq!((sharing.keys_held(), sharing.count(KeyEvent::Evicted)), (1_000, 1));
}

#[tokio::test]
async fn an_unused_shared_key_is_removed_in_a_tenth_of_its_age() {
    let sharing = sharing(SharingLimits::new(10 * MINUTE, 1_000));
    sharing.write("t1").await;
    sharing.clock.advance(9 * MINUTE + SECOND);
    sharing.write("t2").await;
    sharing.clock.advance(MINUTE - TICK);
    sharing.write("t2").await;
    assert_eq!(
        (sharing.keys_held(), sharing.count(KeyEvent::Evicted)),
        (2, 0),
        "looked for a moment less than that ago"
    );
    sharing.clock.advance(TICK);
    sharing.write("t2").await;
    assert_eq!((sharing.keys_held(), sharing.count(KeyEvent::Evicted)), (1, 1));
}

#[tokio::test]
async fn removing_expired_keys_postpones_the_next_removal() {
    let sharing = sharing(SharingLimits::new(10 * MINUTE, 1_000));
    sharing.write("t1").await;
    sharing.clock.advance(10 * MINUTE - SECOND);
    sharing.provider.remove_expired();
    sharing.clock.advance(MINUTE - TICK);
    sharing.write("t2").await;
    assert_eq!(sharing.count(KeyEvent::Evicted), 0);
    sharing.clock.advance(TICK);
    sharing.write("t2").await;
    assert_eq!(sharing.count(KeyEvent::Evicted), 1);
}

#[tokio::test]
async fn every_limit_makes_a_key_expire() {
    let sharing = sharing(SharingLimits::new(MINUTE, 3).max_bytes(20));
    sharing.key("t1").await.unwrap();
    sharing.clock.advance(TICK);
    for tenant in ["t2", "t2", "t3", "t3", "t4"] {
        sharing.key(tenant).await.unwrap();
    }
    sharing.write("t5").await;
    sharing.provider.remove_expired();
    assert_eq!((sharing.keys_held(), sharing.count(KeyEvent::Evicted)), (5, 0));
    sharing.key("t2").await.unwrap();
    sharing.write("t5").await;
    sharing.clock.advance(MINUTE - TICK - TICK);
    sharing.provider.remove_expired();
    assert_eq!(
        (sharing.keys_held(), sharing.count(KeyEvent::Evicted)),
        (3, 2),
        "t2 by its records, t5 by its bytes"
    );
    sharing.clock.advance(TICK);
    sharing.provider.remove_expired();
    assert_eq!((sharing.keys_held(), sharing.count(KeyEvent::Evicted)), (2, 3), "t1 by its age");
    sharing.clock.advance(TICK);
    sharing.provider.remove_expired();
    assert_eq!((sharing.keys_held(), sharing.count(KeyEvent::Evicted)), (0, 5));
}

#[tokio::test]
async fn a_key_that_is_being_made_has_not_expired() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    sharing.calls.hold();
    let (mut first, mut second) = (pin!(sharing.key("t1")), pin!(sharing.key("t1")));
    assert!(poll(&mut first).is_pending());
    sharing.clock.advance(MINUTE - TICK);
    sharing.provider.remove_expired();
    assert!(poll(&mut second).is_pending());
    sharing.calls.release();
    assert_eq!(poll(&mut second), poll(&mut first));
    assert_eq!((sharing.calls.generate_calls(), sharing.count(KeyEvent::Evicted)), (1, 0));
}

#[tokio::test]
async fn after_clearing_the_next_record_has_a_new_key() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    let (first, other) = (sharing.key("t1").await.unwrap(), sharing.key("t2").await.unwrap());
    sharing.provider.clear();
    assert_eq!(sharing.keys_held(), 0);
    assert!(sharing.key("t1").await.unwrap() != first && sharing.key("t2").await.unwrap() != other);
    assert_eq!(sharing.count(KeyEvent::Evicted), 0);
}

#[tokio::test]
async fn records_under_one_data_key_cannot_be_exchanged() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    let alice = seal(b"alice", &event("t1", "1"), &sharing.provider).await.unwrap();
    let bob = seal(b"bob", &event("t1", "2"), &sharing.provider).await.unwrap();
    assert_eq!(alice.encrypted_dek, bob.encrypted_dek);
    let error = open(&alice, &event("t1", "2"), &sharing.provider).await.unwrap_err();
    assert!(matches!(error, OpenError::Authentication), "{error}");
    assert_eq!(
        open(&alice, &event("t1", "1"), &sharing.provider).await.unwrap().expose(),
        b"alice"
    );
}

#[tokio::test]
async fn reading_goes_to_the_provider_each_time() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    let sealed = sharing.write("t1").await;
    for calls in 1..3 {
        open(&sealed, &event("t1", "1"), &sharing.provider).await.unwrap();
        assert_eq!(sharing.provider.inner().unwrap_calls(), calls);
    }
    sharing.calls.fail_next(KeyErrorKind::AccessDenied);
    let context = event("t1", "1").encryption_context();
    assert_eq!(
        sharing.provider.unwrap_key(&[], &context).await.unwrap_err().kind(),
        KeyErrorKind::AccessDenied
    );
    assert_eq!(
        (sharing.count(KeyEvent::Unwrapped), sharing.count(KeyEvent::Failed)),
        (0, 0),
        "nor is it reported"
    );
}

#[tokio::test]
async fn records_with_their_own_contexts_cannot_share_a_key() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    for (form, name) in [(ContextForm::Raw, "raw"), (ContextForm::Hashed, "hashed")] {
        let context = event("t1", "1").form(form).encryption_context();
        let error = sharing.provider.generate(&context).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Configuration);
        let expected = format!(
            "records with the context form `{name}` cannot share a data key, because each has its \
             own encryption context: choose #[envelope(kms_context = \"table\")]"
        );
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
    assert_eq!((sharing.calls.generate_calls(), sharing.keys_held()), (0, 0));
}

#[tokio::test]
async fn concurrent_writers_share_one_call() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    sharing.calls.fail_next(KeyErrorKind::Throttled);
    assert_eq!(sharing.key("t1").await, Err(KeyErrorKind::Throttled));
    assert_eq!((sharing.count(KeyEvent::Generated), sharing.count(KeyEvent::Failed)), (0, 1));
    sharing.calls.hold();
    let mut writers: Vec<_> = (0..16).map(|_| Box::pin(sharing.write("t1"))).collect();
    for writer in &mut writers {
        assert!(poll(&mut writer.as_mut()).is_pending());
    }
    assert_eq!(sharing.count(KeyEvent::Shared), 15);
    sharing.calls.release();
    for writer in &mut writers {
        assert!(poll(&mut writer.as_mut()).is_ready());
    }
    assert_eq!(sharing.calls.generate_calls(), 2);
    assert_eq!((sharing.count(KeyEvent::Generated), sharing.count(KeyEvent::Failed)), (1, 1));
}

#[tokio::test]
async fn writers_who_wait_count_as_records() {
    let sharing = sharing(SharingLimits::new(MINUTE, 2));
    sharing.calls.hold();
    let (mut first, mut second, mut third) =
        (pin!(sharing.key("t1")), pin!(sharing.key("t1")), pin!(sharing.key("t1")));
    assert!(
        poll(&mut first).is_pending()
            && poll(&mut second).is_pending()
            && poll(&mut third).is_pending()
    );
    assert_eq!(sharing.calls.generate_calls(), 2, "one for two, one for the third");
    sharing.calls.release();
    let (first, second, third) = (poll(&mut first), poll(&mut second), poll(&mut third));
    assert!(first.is_ready() && first == second && first != third);
}

#[tokio::test]
async fn all_waiters_of_a_failed_call_get_its_error() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000).max_contexts(2));
    let kept = sharing.key("t1").await.unwrap();
    sharing.calls.hold();
    sharing.calls.fail_next(KeyErrorKind::AccessDenied);
    let (mut first, mut second) = (pin!(sharing.key("t2")), pin!(sharing.key("t2")));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    sharing.calls.release();
    assert_eq!(poll(&mut first), Poll::Ready(Err(KeyErrorKind::AccessDenied)));
    assert_eq!(sharing.keys_held(), 1);
    assert_eq!(poll(&mut second), Poll::Ready(Err(KeyErrorKind::AccessDenied)));
    sharing.key("t3").await.unwrap();
    assert_eq!(sharing.key("t1").await.unwrap(), kept, "a failed call takes no entry");
    assert_eq!(sharing.count(KeyEvent::Evicted), 0);
}

#[tokio::test]
async fn a_failed_call_does_not_remove_its_successor() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    sharing.calls.hold();
    sharing.calls.fail_next(KeyErrorKind::Throttled);
    let (mut first, mut second) = (pin!(sharing.key("t1")), pin!(sharing.key("t1")));
    assert!(poll(&mut first).is_pending());
    sharing.provider.clear();
    assert!(poll(&mut second).is_pending());
    sharing.calls.release();
    assert_eq!(poll(&mut first), Poll::Ready(Err(KeyErrorKind::Throttled)));
    let Poll::Ready(second) = poll(&mut second) else { panic!("still waiting") };
    assert_eq!(sharing.key("t1").await, second);
    assert_eq!(sharing.calls.generate_calls(), 2);
}

#[tokio::test]
async fn a_dropped_writer_leaves_no_call_behind() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    sharing.calls.hold();
    assert!(poll(&mut pin!(sharing.key("t1"))).is_pending());
    sharing.calls.release();
    sharing.key("t1").await.unwrap();
    assert_eq!(sharing.calls.generate_calls(), 2);
    sharing.key("t1").await.unwrap();
    assert_eq!(sharing.calls.generate_calls(), 2);
}

#[tokio::test]
async fn a_writer_does_not_get_an_earlier_failure() {
    let sharing = sharing(SharingLimits::new(MINUTE, 1_000));
    sharing.calls.fail_next(KeyErrorKind::Unreachable);
    sharing.calls.hold();
    let mut paused = pin!(sharing.key("t1"));
    assert!(poll(&mut paused).is_pending());
    sharing.calls.release();
    assert!(sharing.key("t1").await.is_ok());
    assert_eq!(poll(&mut paused), Poll::Ready(Err(KeyErrorKind::Unreachable)));
    assert_eq!((sharing.calls.generate_calls(), sharing.keys_held()), (2, 1));
}

/// Requests a key at the moment in which it is woken.
struct Hasty(Arc<Sharing>);

impl Wake for Hasty {
    fn wake(self: Arc<Self>) {
        assert!(matches!(poll(&mut pin!(self.0.key("t1"))), Poll::Ready(Ok(_))));
    }
}

#[tokio::test]
async fn a_caller_right_after_a_failure_makes_a_new_call() {
    let sharing = Arc::new(sharing(SharingLimits::new(MINUTE, 1_000)));
    sharing.calls.fail_next(KeyErrorKind::Throttled);
    let waker = Waker::from(Arc::new(Hasty(Arc::clone(&sharing))));
    let mut writer = pin!(sharing.key("t1"));
    let outcome = writer.as_mut().poll(&mut task::Context::from_waker(&waker));
    assert_eq!(outcome, Poll::Ready(Err(KeyErrorKind::Throttled)));
    sharing.key("t1").await.unwrap();
    assert_eq!(sharing.calls.generate_calls(), 2, "the new key is kept");
}

#[tokio::test]
async fn a_key_is_not_shared_for_longer_because_the_machine_was_suspended() {
    let sharing = sharing(SharingLimits::new(5 * MINUTE, 100));
    let first = sharing.key("t1").await.unwrap();
    sharing.clock.suspend(5 * MINUTE - TICK);
    assert_eq!(sharing.key("t1").await.unwrap(), first);
    sharing.clock.suspend(TICK);
    assert_ne!(sharing.key("t1").await.unwrap(), first);
}

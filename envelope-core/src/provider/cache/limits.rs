//! How many keys a cache keeps, and for how long.

use std::time::Duration;

/// How many keys a [`CachedKeyProvider`](crate::CachedKeyProvider) or a
/// [`HierarchicalKeyProvider`](crate::HierarchicalKeyProvider) keeps, how long, and for how many
/// uses.
///
/// ```
/// use std::time::Duration;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::CacheLimits;
///
/// let five_minutes = CacheLimits::new(Duration::from_secs(300));
/// let larger = five_minutes.max_entries(10_000).while_unreachable(Duration::from_secs(600));
/// assert_ne!(larger, five_minutes, "the methods return changed limits");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    pub(super) max_age: Duration,
    pub(super) max_uses: u64,
    pub(super) max_entries: usize,
    grace: Duration,
}

impl CacheLimits {
    /// Keeps at most 1,000 keys, each for `max_age` and for any number of uses.
    ///
    /// # Security
    ///
    /// A disabled key or a revoked permission is noticed at the latest when the keys in the cache
    /// reach this age. An age is measured by the monotonic clock and by the time of day, and the
    /// longer time counts. So it also counts while a machine is suspended or a function is frozen.
    #[must_use]
    pub const fn new(max_age: Duration) -> Self {
        Self { max_age, max_uses: u64::MAX, max_entries: 1_000, grace: Duration::ZERO }
    }

    /// Fetches a key again after this many uses from the cache.
    #[must_use]
    pub const fn max_uses(mut self, uses: u64) -> Self {
        self.max_uses = uses;
        self
    }

    /// Keeps at most this many keys. The least recently used key is evicted first.
    #[must_use]
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Serves keys that are older than `max_age` by at most `grace`, while the provider is
    /// unreachable or throttles. Off by default.
    ///
    /// Each such key is reported as
    /// [`KeyEvent::ServedWhileUnreachable`](crate::KeyEvent::ServedWhileUnreachable). This never
    /// applies to a refusal: a refused key is removed at once.
    #[must_use]
    pub const fn while_unreachable(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The limits for a value that may not be kept as long as others.
    pub(super) fn at_most(mut self, max_age: Duration) -> Self {
        self.max_age = self.max_age.min(max_age);
        self
    }

    /// From this age on, nine tenths of `max_age`, one caller fetches the key again while the
    /// others are still served.
    pub(super) fn refresh_age(&self) -> Duration {
        self.max_age.saturating_sub(self.max_age / 10)
    }

    /// Up to this age, a key may be served during an outage.
    pub(super) const fn max_age_in_outage(&self) -> Duration {
        self.max_age.saturating_add(self.grace)
    }
}

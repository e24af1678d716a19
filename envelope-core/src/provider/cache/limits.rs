//! How much is kept, and for how long.

use std::time::Duration;

/// How long, how often and how many keys a [`CachedKeyProvider`](crate::CachedKeyProvider) or a
/// [`HierarchicalKeyProvider`](crate::HierarchicalKeyProvider) keeps.
///
/// ```
/// use std::time::Duration;
/// use envelope_core::CacheLimits;
///
/// let limits = CacheLimits::new(Duration::from_secs(300)).max_entries(10_000).while_unreachable(Duration::from_secs(600));
/// assert_eq!(limits, CacheLimits::new(Duration::from_secs(300)).max_entries(10_000).while_unreachable(Duration::from_secs(600)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    pub(super) max_age: Duration,
    pub(super) max_uses: u64,
    pub(super) max_entries: usize,
    grace: Duration,
}

impl CacheLimits {
    /// Keys are kept for `max_age`, for any number of uses, and at most 1,000 of them.
    ///
    /// # Security
    ///
    /// A key that is disabled, or a permission that is revoked, is noticed at the latest when the
    /// keys in the cache are as old as this.
    #[must_use]
    pub const fn new(max_age: Duration) -> Self {
        Self { max_age, max_uses: u64::MAX, max_entries: 1_000, grace: Duration::ZERO }
    }

    /// Asks again after a key has been taken from the cache this often.
    #[must_use]
    pub const fn max_uses(mut self, uses: u64) -> Self {
        self.max_uses = uses;
        self
    }

    /// Keeps this many keys at most; the one not used for longest goes first.
    #[must_use]
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Serves keys older than `max_age`, by this much at most, while the provider is unreachable or
    /// throttles; off by default.
    ///
    /// Each key served so is reported as
    /// [`KeyEvent::ServedWhileUnreachable`](crate::KeyEvent::ServedWhileUnreachable). A provider
    /// that *refuses* is believed at once, whatever this says.
    #[must_use]
    pub const fn while_unreachable(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// From this age on, a reader asks again while the others are still served: nine tenths of the
    /// way.
    pub(super) fn refresh_age(&self) -> Duration {
        self.max_age.saturating_sub(self.max_age / 10)
    }

    /// Until this age, a key is better than none.
    pub(super) const fn bridged_age(&self) -> Duration {
        self.max_age.saturating_add(self.grace)
    }
}

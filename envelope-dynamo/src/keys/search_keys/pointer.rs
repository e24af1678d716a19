//! The item that says which search keys of a branch are used, and from when (FORMAT 6.5).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{BranchName, BranchVersion, KeyError};

use crate::dynamodb::Item;
use crate::keys::key_table::item;
use crate::keys::key_table::purpose::Purpose;

/// The version whose tags are written, from [`WRITE_FROM`] on.
pub(crate) const WRITE: &str = "write";

/// The other version that is searched for. Records move from its tags to those of [`WRITE`].
pub(crate) const ALSO_SEARCH: &str = "also_search";

/// When writers change from [`ALSO_SEARCH`] to [`WRITE`], in seconds since 1970.
pub(crate) const WRITE_FROM: &str = "write_from";

/// When a rotation was cancelled, in seconds since 1970. From then on [`WRITE`] is written.
pub(crate) const CANCELLED: &str = "cancelled";

/// How long a process may use what it read of this item, in seconds.
pub(crate) const MAX_AGE: &str = "max_age";

/// All attributes that the library changes.
pub(crate) const ATTRIBUTES: [&str; 5] = [WRITE, ALSO_SEARCH, WRITE_FROM, CANCELLED, MAX_AGE];

/// By how much the clocks of two machines may differ. AWS refuses requests whose clock is off by 15
/// minutes.
pub(crate) const CLOCKS_APART: Duration = Duration::from_secs(30 * 60);

/// The maximal age of a branch, if its creator chose no other.
pub(crate) const DEFAULT_MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// The longest maximal age. A rotation takes longer than it.
pub(crate) const LONGEST_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Which versions of a branch's search key are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    pub(crate) write: BranchVersion,
    pub(crate) other: Option<Other>,
    pub(crate) max_age: Duration,
}

/// The version that is searched for, beside the one that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) version: BranchVersion,
    pub(crate) since: Since,
}

/// From when on the other version is not written any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// It is the older one, and is written until this time.
    WriteFrom(SystemTime),
    /// It is the newer one, and its rotation was cancelled at this time.
    Cancelled(SystemTime),
}

impl Pointer {
    pub(crate) const fn new(write: BranchVersion, max_age: Duration) -> Self {
        Self { write, other: None, max_age }
    }

    /// The pointer after a rotation at `now`. Every process that may write under the new version
    /// will do so after every other one searches for it.
    pub(crate) fn rotated(&self, version: BranchVersion, now: SystemTime) -> Self {
        let since = Since::WriteFrom(whole_seconds(now) + self.max_age + CLOCKS_APART);
        let other = Some(Other { version: self.write, since });
        Self { write: version, other, max_age: self.max_age }
    }

    /// The pointer after the rotation to its version `write` was cancelled at `now`.
    ///
    /// The cancelled version is searched for as before: a process that read the pointer earlier may
    /// still write under it.
    pub(crate) fn cancelled(&self, other: Other, now: SystemTime) -> Self {
        let cancelled = Other { version: self.write, since: Since::Cancelled(whole_seconds(now)) };
        Self { write: other.version, other: Some(cancelled), max_age: self.max_age }
    }

    /// The same change, as if it were made at `now`.
    pub(crate) fn postponed(&self, now: SystemTime) -> Self {
        let mut postponed = *self;
        if let Some(other) = &mut postponed.other {
            other.since = match other.since {
                Since::WriteFrom(_) => {
                    Since::WriteFrom(whole_seconds(now) + self.max_age + CLOCKS_APART)
                }
                Since::Cancelled(_) => Since::Cancelled(whole_seconds(now)),
            };
        }
        postponed
    }

    /// The pointer after the other version was retired.
    pub(crate) const fn retired(&self) -> Self {
        Self::new(self.write, self.max_age)
    }

    /// The versions that are searched for: the one from which records move away first.
    pub(crate) fn searched(&self) -> impl Iterator<Item = BranchVersion> {
        self.other.map(|other| other.version).into_iter().chain([self.write])
    }

    /// The version that is written at `now`.
    pub(crate) fn written_at(&self, now: SystemTime) -> BranchVersion {
        match self.other {
            Some(Other { version, since: Since::WriteFrom(time) }) if now < time => version,
            _ => self.write,
        }
    }

    /// When another version is written than at `now`, if ever.
    pub(crate) fn changes_after(&self, now: SystemTime) -> Option<SystemTime> {
        match self.other?.since {
            Since::WriteFrom(time) => (now < time).then_some(time),
            Since::Cancelled(_) => None,
        }
    }

    /// When the other version may be retired, if there is one.
    pub(crate) fn retire_from(&self) -> Option<SystemTime> {
        let (Since::WriteFrom(time) | Since::Cancelled(time)) = self.other?.since;
        Some(time + self.max_age + CLOCKS_APART)
    }

    /// Refuses times that no rotation gives, if it is `now`. Otherwise a changed item could put off
    /// a rotation for ever.
    pub(crate) fn check_times(&self, now: SystemTime) -> Result<(), KeyError> {
        let (attribute, is_too_late) = match self.other.map(|other| other.since) {
            Some(Since::WriteFrom(time)) => {
                (WRITE_FROM, time > now + self.max_age + CLOCKS_APART + CLOCKS_APART)
            }
            Some(Since::Cancelled(time)) => (CANCELLED, time > now + CLOCKS_APART),
            None => return Ok(()),
        };
        if is_too_late {
            return Err(Purpose::Search.invalid(&format!(
                "its `{attribute}` is too far in the future (or the clock of this machine is wrong)"
            )));
        }
        Ok(())
    }

    pub(crate) fn parse(item: &Item) -> Result<Self, KeyError> {
        let malformed = |attribute| Purpose::Search.malformed(attribute);
        let version = |attribute| match item.get(attribute) {
            Some(value) => item::version(value).map(Some).ok_or_else(|| malformed(attribute)),
            None => Ok(None),
        };
        let write = version(WRITE)?.ok_or_else(|| malformed(WRITE))?;
        let max_age = item.get(MAX_AGE).and_then(item::duration).filter(is_max_age);
        let max_age = max_age.ok_or_else(|| malformed(MAX_AGE))?;
        let other = match (version(ALSO_SEARCH)?, since(item)?) {
            (Some(version), Some(since)) if version != write => Some(Other { version, since }),
            (None, None) => None,
            _ => return Err(malformed(ALSO_SEARCH)),
        };
        Ok(Self { write, other, max_age })
    }

    pub(crate) fn to_item(self, branch: &BranchName) -> Item {
        let mut item = item::key(branch, item::POINTER);
        let mut set = |name: &str, value| item.insert(name.to_owned(), value);
        set(WRITE, item::text(self.write));
        set(MAX_AGE, AttributeValue::N(self.max_age.as_secs().to_string()));
        if let Some(other) = self.other {
            set(ALSO_SEARCH, item::text(other.version));
            match other.since {
                Since::WriteFrom(time) => set(WRITE_FROM, item::seconds_of(time)),
                Since::Cancelled(time) => set(CANCELLED, item::seconds_of(time)),
            };
        }
        item
    }
}

/// The next whole second: the item stores seconds.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    UNIX_EPOCH + Duration::from_secs(seconds + 1)
}

/// Whether a branch may have this maximal age.
pub(crate) fn is_max_age(age: &Duration) -> bool {
    (Duration::from_secs(1)..=LONGEST_MAX_AGE).contains(age)
}

fn since(item: &Item) -> Result<Option<Since>, KeyError> {
    let time = |attribute| {
        let time = item.get(attribute).and_then(item::time).filter(|time| *time < year_10000());
        time.ok_or_else(|| Purpose::Search.malformed(attribute))
    };
    match (item.contains_key(WRITE_FROM), item.contains_key(CANCELLED)) {
        (false, false) => Ok(None),
        (true, false) => time(WRITE_FROM).map(Since::WriteFrom).map(Some),
        (false, true) => time(CANCELLED).map(Since::Cancelled).map(Some),
        (true, true) => Err(Purpose::Search.malformed(CANCELLED)),
    }
}

/// Later times cannot be added to, nor printed.
fn year_10000() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(253_402_300_800)
}

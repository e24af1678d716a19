//! Counts what a table holds, and which keys can open it.

mod copies;
mod judge;
mod open;
mod sample;
mod scan;
mod server_time;
mod tally;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use envelope_core::search::Generation;
use envelope_core::{KmsKeyHint, UnwrapKey};

use crate::keys::kms::arn::KeyName;
use crate::maintain::coverage::copies::copies_of;
use crate::maintain::coverage::judge::Rules;
use crate::maintain::coverage::scan::{Mode, Scan};
use crate::maintain::engine::counts::Counts;
use crate::maintain::engine::error::{Refusal, RunError, RunErrorKind};
use crate::maintain::engine::limits::Limits;
use crate::maintain::report::{Expected, Finding, FindingKind, ReadCounts, Report};
use crate::maintain::stored_table::StoredTable;

/// How many items with a problem are named, of each kind of problem.
const MAX_NAMED: usize = 1_000;

impl StoredTable {
    /// Counts what the table holds, in one consistent scan: entity types, groups, and which keys
    /// wrap the data keys, as the headers claim; and the search tags, by their generations. It
    /// changes nothing, and asks no key unless [`Coverage::open`] gives it one.
    ///
    /// The scan uses another number of segments than [`rewrap`](Self::rewrap). So it finds a record
    /// that a mistake in the segments would hide from both.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::maintain::{SchemaFile, StoredTable};
    ///
    /// let schema: SchemaFile = std::fs::read_to_string("envelope.schema.json")?.parse()?;
    /// let table = StoredTable::new(dynamodb, &schema, "users")?.named("prod-users");
    /// let old = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    /// let report = table.coverage().expect_none(old).send().await?;
    /// println!("{report}");
    /// assert!(report.holds());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Needs `dynamodb:Scan` on keys, entity types, context pairs, wrapped keys, search tags and
    /// `encrypted_payload`; `dynamodb:DescribeTable` and `dynamodb:DescribeContinuousBackups`. A
    /// payload lists the names of authenticated attributes in clear, and stays sealed.
    ///
    /// Headers are not authenticated: whoever can write the table can make a record claim another
    /// key, or hide it from the scan by deleting it and putting it again later. See [`Report`].
    pub const fn coverage(&self) -> Coverage<'_> {
        Coverage {
            table: self,
            branch_keys: None,
            none_under: Vec::new(),
            all_sealed: false,
            ignored: Vec::new(),
            provider: None,
            sample: None,
            all_attributes: false,
            current_tags: BTreeSet::new(),
            max_named: MAX_NAMED,
            limits: Limits::new(),
            observer: None,
        }
    }
}

/// Something that a count reports while it works.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::item::to_plaintext_item;
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, maintain::SchemaFile, to_item};
/// use std::sync::Mutex;
///
/// use envelope_dynamo::maintain::{CoverageEvent, StoredTable};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let user = |id: &str| User { user_id: id.into(), email: "zoe@example.com".into() };
/// # let keys = TestKeyProvider::default();
/// # let sealed = to_item(&user("u_1"), &keys).await?;
/// # let plain = to_plaintext_item(&user("u_2"))?;
/// # let dynamodb = example::users(&[sealed, plain]);
/// # let schema = SchemaFile::new().with::<User>();
/// let found = Mutex::new(Vec::new());
/// let table = StoredTable::new(dynamodb, &schema, "users")?;
/// let count = table.coverage().expect_sealed().max_named(10).observed_by(|event| match event {
///     CoverageEvent::Page(read) => println!("{} items so far", read.items),
///     // All of them, while the report names ten of each kind.
///     CoverageEvent::Found(finding) => found.lock().unwrap().push(finding.record.clone()),
///     _ => {}
/// });
/// count.send().await?;
/// assert_eq!(*found.lock().unwrap(), ["users[user_id=u_2]"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum CoverageEvent<'a> {
    /// A page of items has been counted; this is all so far.
    Page(&'a ReadCounts),
    /// An item has a problem.
    Found(&'a Finding),
}

type Observer<'a> = dyn Fn(CoverageEvent<'_>) + Send + Sync + 'a;

/// A count of what a table holds; see [`StoredTable::coverage`].
#[must_use = "nothing is counted until it is sent"]
#[derive(Clone)]
pub struct Coverage<'a> {
    table: &'a StoredTable,
    branch_keys: Option<&'a StoredTable>,
    none_under: Vec<String>,
    all_sealed: bool,
    ignored: Vec<FindingKind>,
    provider: Option<Arc<dyn UnwrapKey + 'a>>,
    sample: Option<u64>,
    all_attributes: bool,
    current_tags: BTreeSet<Generation>,
    max_named: usize,
    limits: Limits,
    observer: Option<Arc<Observer<'a>>>,
}

impl fmt::Debug for Coverage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coverage")
            .field("table", &self.table)
            .field("branch_keys", &self.branch_keys)
            .field("none_under", &self.none_under)
            .finish_non_exhaustive()
    }
}

impl<'a> Coverage<'a> {
    /// Expects that no data key is under the KMS key `key`, a key ARN or a key id. Can be called
    /// for several keys.
    ///
    /// The report then does not hold either if a data key is under a key that names no KMS key: a
    /// branch key, unless [`branch_keys`](Self::branch_keys) is given, a local key, an RSA key, or
    /// a key of a private kind. [`ignore`](Self::ignore) allows the last three.
    ///
    /// A header names its KMS key by 4 bytes of a hash. So another key looks like `key` with a
    /// probability of 1 to 4,300,000,000. Then its records are reported as if they were under
    /// `key`: a false alarm, and never a record that is missed. Replicas of a multi-region key are
    /// one key here.
    pub fn expect_none(mut self, key: impl Into<String>) -> Self {
        self.none_under.push(key.into());
        self
    }

    /// Expects that every item is sealed, and that no field which the schema file encrypts or
    /// authenticates stands in plaintext beside what is sealed. So nothing is refused when the
    /// table reads sealed records only ([`PlaintextItems::Refuse`](crate::item::PlaintextItems)),
    /// and `accept = "plaintext"` is removed from the fields.
    ///
    /// The report then also lists the copies that DynamoDB knows of, which a scan does not read:
    /// backups, point-in-time recovery, exports, streams and replicas keep the plaintext that the
    /// items had. It says which of them could not be asked for.
    ///
    /// # Security
    ///
    /// Reads the attributes of encrypted and authenticated fields, too: this process sees the
    /// values that stand there in plaintext. Lists copies with `dynamodb:ListBackups`,
    /// `dynamodb:ListExports` and `dynamodb:DescribeKinesisStreamingDestination`.
    pub const fn expect_sealed(mut self) -> Self {
        self.all_sealed = true;
        self
    }

    /// Counts the branch keys' table too, which
    /// [`BranchKeyTable::stored_table`](crate::BranchKeyTable::stored_table) describes. What is
    /// expected of KMS keys is expected of the branch keys.
    ///
    /// The report does not hold if a record names a version of a branch key that this table does
    /// not have: it may be the wrong table. At most 262,144 versions are compared; if there are
    /// more, the report says so.
    pub const fn branch_keys(mut self, table: &'a StoredTable) -> Self {
        self.branch_keys = Some(table);
        self
    }

    /// Lets the report hold although there are problems of this kind. They are still counted.
    ///
    /// Only [`FindingKind::LocalKey`], [`RsaKey`](FindingKind::RsaKey),
    /// [`PrivateKey`](FindingKind::PrivateKey), [`Malformed`](FindingKind::Malformed),
    /// [`UnknownEntity`](FindingKind::UnknownEntity), [`UnknownGroup`](FindingKind::UnknownGroup),
    /// [`UnknownAttribute`](FindingKind::UnknownAttribute) and
    /// [`UnknownBranchKey`](FindingKind::UnknownBranchKey) can be ignored.
    pub fn ignore(mut self, kind: FindingKind) -> Self {
        self.ignored.push(kind);
        self
    }

    /// Reads all attributes of each item, and finds wrapped keys under attributes that the schema
    /// file does not name: reserved names of any group, and binary attributes that hold a wrapped
    /// key. It costs the same read units.
    ///
    /// # Security
    ///
    /// The process then sees every plaintext attribute of the table.
    pub const fn all_attributes(mut self) -> Self {
        self.all_attributes = true;
        self
    }

    /// Opens each record with `provider`, with the groups that it may open, and wipes what it held.
    /// That proves what the headers only claim.
    ///
    /// The provider is what limits the proof: give it the new key alone. The scan reads all
    /// attributes, since each payload names those that it authenticates.
    ///
    /// # Security
    ///
    /// This process sees every plaintext. At most [`Limits::kms`] records and groups a second are
    /// opened whose data key KMS has wrapped.
    pub fn open(mut self, provider: impl UnwrapKey + 'a) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// Opens only `records` records, chosen at random among all records of the table: after the
    /// scan, each is read again by its key. Needs `dynamodb:GetItem`, and memory for that many
    /// keys.
    ///
    /// If n are opened and none fails, then with 95 % confidence at most 3/n of the records do not
    /// open.
    pub const fn sample(mut self, records: u64) -> Self {
        self.sample = Some(records);
        self
    }

    /// Says which search tags are current, by their generations: one for each tag, as
    /// [`stale`](StoredTable::stale) prints them for somebody who has the search key. Otherwise the
    /// tags of each generation are counted, and nobody can tell which are current.
    ///
    /// This changes the counts alone. Whether every record has current tags is decided by
    /// [`StoredTable::stale_of`].
    pub fn current_tags(mut self, generations: impl IntoIterator<Item = Generation>) -> Self {
        self.current_tags.extend(generations);
        self
    }

    /// Names at most so many items with a problem of each kind. The rest is counted.
    pub const fn max_named(mut self, items: usize) -> Self {
        self.max_named = items;
        self
    }

    /// Sets what the count may use of DynamoDB and KMS.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Reports each page and each item with a problem while the count works.
    pub fn observed_by(mut self, observer: impl Fn(CoverageEvent<'_>) + Send + Sync + 'a) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Counts to the end of the table.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the table could not be read to its end, or if the settings make no sense.
    /// What the table holds is no error: see [`Report::holds`].
    pub async fn send(self) -> Result<Report, RunError> {
        self.until(std::future::pending()).await
    }

    /// As [`send`](Self::send), but stops when `stop` is ready, such as after a signal.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`RunErrorKind::Stopped`]: half a count proves nothing.
    pub async fn until(self, stop: impl Future<Output = ()>) -> Result<Report, RunError> {
        let none_under = self.hints().map_err(|refusal| fail(refusal.into()))?;
        let expected = Expected {
            none_under: self.none_under.clone(),
            sealed: self.all_sealed,
            ignored: self.ignored.clone(),
        };
        let of_records = Rules {
            none_under,
            all_sealed: self.all_sealed,
            has_branch_keys: self.branch_keys.is_some(),
            all_attributes: self.all_attributes
                || (self.provider.is_some() && self.sample.is_none()),
        };
        let of_branch_keys = Rules {
            all_sealed: false,
            has_branch_keys: false,
            all_attributes: false,
            ..of_records.clone()
        };
        let work = async {
            let mode = match (&self.provider, self.sample) {
                (None, _) => Mode::Headers,
                (Some(provider), None) => Mode::OpenAll(&**provider),
                (Some(provider), Some(records)) => Mode::OpenSample(&**provider, records),
            };
            let scan = Scan::new(&self, self.table, &of_records, mode).await?;
            // Before the first scan, so that a wrong table is refused before hours of work.
            let branch_scan = match self.branch_keys {
                Some(table) => {
                    Some(Scan::new(&self, table, &of_branch_keys, Mode::BranchKeys).await?)
                }
                None => None,
            };
            let (mut tally, mut report) = scan.run().await?;
            if let Some(scan) = branch_scan {
                let (branch_keys, mut branch_report, versions) = scan.run_for_versions().await?;
                tally.compare_versions(&versions);
                branch_keys.into_report(&mut branch_report);
                branch_report.expected = Expected { sealed: false, ..expected.clone() };
                branch_report.decide();
                report.branch_keys = Some(Box::new(branch_report));
            }
            if tally.has_more_versions {
                report.scope.not_proved.push(
                    "that every version of a branch key is in the branch keys' table: there are \
                     too many to compare"
                        .to_owned(),
                );
            }
            tally.into_report(&mut report);
            if self.all_sealed {
                report.copies = Some(copies_of(self.table).await);
            }
            report.expected = expected;
            report.decide();
            Ok(report)
        };
        let (work, stop) = (std::pin::pin!(work), std::pin::pin!(stop));
        match futures_util::future::select(work, stop).await {
            futures_util::future::Either::Left((done, _)) => done.map_err(fail),
            futures_util::future::Either::Right(((), _)) => Err(fail(RunErrorKind::Stopped)),
        }
    }

    /// The hints of the keys under which nothing may be.
    fn hints(&self) -> Result<Vec<(String, KmsKeyHint)>, Refusal> {
        if let Some(kind) = self.ignored.iter().find(|kind| !kind.can_be_ignored()) {
            let problem = format!("problems of the kind {kind} cannot be ignored");
            return Err(Refusal::Setting { problem });
        }
        let hint = |key: &String| {
            let hint = KeyName::new(key.clone()).hint();
            let named = hint.map(|hint| (key.clone(), hint));
            named.ok_or_else(|| Refusal::Setting {
                problem: format!(
                    "`{}` is no key ARN and no key id: name the key itself, since an alias can \
                     stand for another key tomorrow",
                    envelope_core::Escaped(key)
                ),
            })
        };
        self.none_under.iter().map(hint).collect()
    }
}

fn fail(kind: RunErrorKind) -> RunError {
    RunError::new(kind, Counts::default())
}

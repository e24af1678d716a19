//! The day until which records may be read in plaintext, and the record types that are past it.

use std::fmt;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use serde::Serialize;

use crate::maintain::{RecordSchema, SchemaFile};

/// A record type that is read in plaintext for longer than its schema file allows.
///
/// [`SchemaFile::overdue`] finds them. Printed, it names the record type, the problem and the
/// repair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overdue {
    record: String,
    problem: String,
    repair: String,
}

impl Overdue {
    /// The struct.
    #[must_use]
    pub fn record(&self) -> &str {
        &self.record
    }

    /// What was to end, and when.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do about it.
    #[must_use]
    pub fn repair(&self) -> &str {
        &self.repair
    }
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  repair: {}", self.record, self.problem, self.repair)
    }
}

impl SchemaFile {
    /// The record types that may no longer be read in plaintext at the time `now`, sorted by name:
    /// those whose [`plaintext_until`](RecordSchema::plaintext_until) is past, and those with
    /// `accept = "plaintext"` and no such day.
    ///
    /// A day ends at midnight, UTC. Call it in CI (`envelope schema check` does): nothing fails by
    /// the clock in a program that runs.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// use envelope_dynamo::maintain::SchemaFile;
    ///
    /// let schema: SchemaFile = r#"{ "envelope-schema": 1, "records": { "User": {
    ///     "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
    ///     "fields": { "email": { "mark": "encrypted", "accept": "plaintext" } },
    ///     "plaintext_until": "2027-03-31" } } }"#.parse()?;
    /// let midnight = UNIX_EPOCH + Duration::from_secs(1_806_537_600); // 2027-04-01T00:00:00Z
    /// assert!(schema.overdue(midnight - Duration::from_secs(1)).is_empty());
    /// assert_eq!(schema.overdue(midnight)[0].record(), "User");
    /// # Ok::<(), envelope_dynamo::maintain::SchemaFileError>(())
    /// ```
    #[must_use]
    pub fn overdue(&self, now: SystemTime) -> Vec<Overdue> {
        let today = DateTime::from(now).fmt(DateTimeFormat::DateTime).ok();
        let today = today.as_deref().and_then(|time| time.get(..DAY));
        let records = self.records.iter();
        records
            .filter_map(|(name, record)| {
                let (problem, repair) = judge(record, today)?;
                Some(Overdue { record: name.clone(), problem, repair })
            })
            .collect()
    }
}

/// The length of a day as text: `2027-03-31`.
const DAY: usize = 10;

/// Whether `text` is a day of the calendar, such as `2027-03-31`.
pub(crate) fn is_day(text: &str) -> bool {
    let midnight = format!("{text}T00:00:00Z");
    text.len() == DAY && DateTime::from_str(&midnight, DateTimeFormat::DateTime).is_ok()
}

/// What is wrong with a record type on the day `today`, and the repair.
fn judge(record: &RecordSchema, today: Option<&str>) -> Option<(String, String)> {
    let accepting = record.fields.iter().filter(|(_, field)| field.accepts_plaintext);
    let accepting: Vec<_> = accepting.map(|(name, _)| format!("`{name}`")).collect();
    let accepting = accepting.join(", ");
    let Some(until) = &record.plaintext_until else {
        let problem =
            format!("accepts plaintext for {accepting}, and the schema file does not say how long");
        let repair = "add the last day to the record in the schema file, such as \
                      `\"plaintext_until\": \"2027-03-31\"`";
        return (!accepting.is_empty()).then(|| (problem, repair.to_owned()));
    };
    // Days in this form are sorted as text. A time that is none is past every day.
    if today.is_some_and(|today| today <= until.as_str()) {
        return None;
    }
    let what = match accepting.as_str() {
        "" => "records could be in plaintext".to_owned(),
        names => format!("plaintext is accepted for {names}, which could be so"),
    };
    let repair = "seal what is left, until `envelope coverage --expect-sealed` holds; remove \
                  `accept` and `plaintext_items` from the code, and then `plaintext_until` from \
                  the schema file (if it takes longer, write a later day)";
    Some((format!("{what} until {until}"), repair.to_owned()))
}

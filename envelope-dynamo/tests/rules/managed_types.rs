//! The types that fields of versions and times may have.

use std::num::{NonZeroU32, NonZeroU64};

use envelope_dynamo::Envelope;
use envelope_dynamo::record::VersionNumber;

use super::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "jobs")]
struct Job {
    #[partition_key]
    id: String,
    #[encrypted]
    body: String,
    #[authenticated]
    #[version]
    version: Option<NonZeroU32>,
    #[plaintext]
    #[ttl]
    expires: i32,
    #[plaintext]
    #[created]
    made: usize,
    #[plaintext]
    #[updated]
    changed: Option<NonZeroU64>,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "jobs")]
struct Counted {
    #[partition_key]
    id: String,
    #[encrypted]
    body: String,
    #[plaintext]
    #[version]
    version: usize,
    #[plaintext]
    #[ttl]
    expires: Option<NonZeroU64>,
}

#[tokio::test]
async fn versions_and_times_are_integers_of_any_type() {
    let setup = Setup::new().await;
    let jobs = setup.table::<Job>().await;
    let mut job = Job {
        id: "j_1".to_owned(),
        body: "b".to_owned(),
        version: None,
        expires: i32::MAX,
        made: 0,
        changed: None,
    };
    for version in 1..=3 {
        jobs.put_mut(&mut job).send().await.expect("the record is stored");
        assert_eq!(job.version, NonZeroU32::new(version));
    }
    assert!(job.made > 0 && job.changed.is_some_and(|changed| changed.get() >= 1));
    assert_eq!(jobs.get("j_1").send().await.expect("it opens"), Some(job));

    let counted = setup.table::<Counted>().await;
    let mut record = Counted {
        id: "c_1".to_owned(),
        body: "b".to_owned(),
        version: 0,
        expires: NonZeroU64::new(4_102_444_800),
    };
    counted.put_mut(&mut record).send().await.expect("the record is stored");
    assert_eq!(record.version, 1);
    assert_eq!(counted.get("c_1").send().await.expect("it opens"), Some(record));
}

#[test]
fn a_version_counts_as_far_as_its_type() {
    assert_eq!(<usize as VersionNumber>::MAX, usize::MAX as u64);
    assert_eq!(<Option<NonZeroU32> as VersionNumber>::MAX, u64::from(u32::MAX));
    assert_eq!(<std::num::NonZeroI8 as VersionNumber>::MAX, 127);
}

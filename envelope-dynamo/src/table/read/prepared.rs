//! A checked query or scan, ready to be sent.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::table::read::read_request::ReadRequest;
use crate::table::read::resume_token::{Fingerprint, Position, ResumeToken};
use crate::table::read::search::SearchQuery;

/// A checked query or scan.
pub(crate) struct Prepared {
    /// One request for each segment. Of a search none.
    pub(crate) requests: Vec<ReadRequest>,
    /// A search, whose requests are made when it runs.
    pub(crate) search: Option<SearchQuery>,
    pub(crate) fingerprint: Fingerprint,
    /// The attributes that an exclusive start key must have, with their values where the query
    /// fixes them.
    pub(crate) start_key: Vec<(&'static str, Option<AttributeValue>)>,
    pub(crate) is_filtered: bool,
}

impl Prepared {
    /// Where each segment starts; and of a search, where an earlier one stopped.
    pub(crate) fn positions(
        &self,
        token: Option<&ResumeToken>,
    ) -> Result<Vec<Position>, ErrorKind> {
        let count = self.requests.len();
        let Some(token) = token else { return Ok(vec![Position::Start; count]) };
        let fits = |position: &Position| match position {
            Position::Start | Position::End => true,
            Position::After(key) => self.accepts_start_key(key) || self.is_end_of_lane(key),
        };
        let belongs = token.fingerprint == self.fingerprint
            && (self.search.is_some() || token.positions.len() == count)
            && token.positions.iter().all(fits);
        if belongs {
            Ok(token.positions.clone())
        } else {
            Err(ErrorKind::Usage(UsageError::ForeignResumeToken))
        }
    }

    fn is_end_of_lane(&self, key: &Item) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_end_of_lane(key))
    }

    fn accepts_start_key(&self, key: &Item) -> bool {
        key.len() == self.start_key.len()
            && self.start_key.iter().all(|(name, value)| match (key.get(*name), value) {
                (Some(given), Some(fixed)) => given == fixed,
                (Some(_), None) => true,
                (None, _) => false,
            })
    }
}

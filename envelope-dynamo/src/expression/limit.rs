//! The limits of numbers that an update adds to in place. DynamoDB does not know the field's type,
//! and would store a number that the type cannot read.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::write::WriteError;
use crate::expression::Condition;
use crate::expression::condition::Comparison;
use crate::expression::operand::{Side, Term};
use crate::record::document_path::DocumentPath;

const NO_ROOM: &str =
    "cannot take this addition: the sum would be outside the range of the field's type";

const NOT_WHOLE: &str = "is an integer, but the number to add is not a whole number";

const NOT_A_NUMBER: &str =
    "is not stored as a whole number, so nothing can be added to it in place";

/// The greatest whole number that DynamoDB stores with all its digits (Amazon DynamoDB Developer
/// Guide, "Naming rules and data types").
const GREATEST: i128 = 10_i128.pow(38) - 1;

/// The limit of a stored number before the addition, so that the sum can be read again.
#[derive(Clone)]
pub(crate) struct Limit {
    path: DocumentPath,
    bound: Bound,
    /// Whether the attribute may be absent, which counts as zero.
    may_be_absent: bool,
    reason: &'static str,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(i128),
    AtLeast(i128),
}

impl Limit {
    /// The limit of a number before `amount` is added, for a type with this range.
    pub(crate) fn of_sum(
        path: &DocumentPath,
        amount: &AttributeValue,
        (least, greatest): (i128, i128),
    ) -> Result<Self, ErrorKind> {
        let refuse = |reason| path.refused(reason);
        let amount = whole(amount).ok_or_else(|| refuse(NOT_WHOLE))?;
        let (least, greatest) = (least.max(-GREATEST), greatest.min(GREATEST));
        let (bound, ever_fits) = if amount < 0 {
            let bound = least.saturating_sub(amount);
            (Bound::AtLeast(bound), bound <= greatest)
        } else {
            let bound = greatest.saturating_sub(amount);
            (Bound::AtMost(bound), bound >= least)
        };
        if !ever_fits {
            return Err(refuse(NO_ROOM));
        }
        let may_be_absent = (least..=greatest).contains(&amount);
        Ok(Self { path: path.clone(), bound, may_be_absent, reason: NO_ROOM })
    }

    /// The limit of a version before it is incremented; `max` is the greatest that its type holds.
    pub(crate) fn of_version(attribute: &'static str, max: u64) -> Self {
        let bound = Bound::AtMost(i128::from(max) - 1);
        Self {
            path: attribute.into(),
            bound,
            may_be_absent: true,
            reason: "is a version that has reached the maximum of its type",
        }
    }

    /// The condition of the update that enforces this limit.
    pub(crate) fn condition<T>(&self) -> Condition<T> {
        let (comparison, bound) = match self.bound {
            Bound::AtMost(bound) => (Comparison::LessOrEqual, bound),
            Bound::AtLeast(bound) => (Comparison::GreaterOrEqual, bound),
        };
        let bound = Term(Side::Value(Ok(AttributeValue::N(bound.to_string()))));
        let fits = Condition::of_compare(Term(Side::Path(self.path.clone())), comparison, bound);
        match self.may_be_absent {
            true => fits.or(Condition::not_exists(self.path.clone())),
            false => fits,
        }
    }

    /// The error, if this limit is why the condition of the update failed. `returned` is the item
    /// for which the condition failed.
    pub(crate) fn violated_by(&self, returned: &Item) -> Option<ErrorKind> {
        let fits = |stored: i128| match self.bound {
            Bound::AtMost(bound) => stored <= bound,
            Bound::AtLeast(bound) => stored >= bound,
        };
        let reason = match self.path.find(returned).map(whole) {
            None if self.may_be_absent => return None,
            Some(Some(stored)) if fits(stored) => return None,
            Some(None) => NOT_A_NUMBER,
            _ => self.reason,
        };
        Some(self.path.refused(reason))
    }
}

/// Changes the error of a failed condition to name the limit that made it fail, if one did.
pub(crate) fn name_limit(error: Error, limits: &[Limit]) -> Error {
    let found = error
        .returned_item()
        .filter(|_| matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)));
    match found.and_then(|found| limits.iter().find_map(|limit| limit.violated_by(found))) {
        Some(kind) => error.with_kind(kind),
        None => error,
    }
}

/// The value as a whole number. DynamoDB returns whole numbers of up to 38 digits as plain digits.
fn whole(value: &AttributeValue) -> Option<i128> {
    value.as_n().ok()?.parse().ok()
}

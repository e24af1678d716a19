//! Writes that return a record.

/// A put or a delete that yields the record that stood there before, opened; see
/// [`Put::returning_old`](crate::table::Put::returning_old).
#[must_use = "a call does nothing until it is sent"]
pub struct ReturningOld<C>(pub(crate) C);

/// An update that yields the record as it then is, opened; see
/// [`Update::returning_new`](crate::table::Update::returning_new).
#[must_use = "a call does nothing until it is sent"]
pub struct ReturningNew<C>(pub(crate) C);

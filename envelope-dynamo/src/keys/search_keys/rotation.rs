//! Rotates search keys: two versions are live, until the older one is retired.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use envelope_core::{BranchName, BranchVersion, WrapKey};

use crate::keys::key_table::change::{Attempts, Outcome};
use crate::keys::key_table::error::{KeyTableError, unbuilt};
use crate::keys::search_keys::pointer::{ATTRIBUTES, Pointer, Since};
use crate::keys::search_keys::{SearchBranch, SearchKeyError, SearchKeyTable};

/// A rotation that took longer to be stored is postponed: its times count from before the call.
const STORED_WITHIN: Duration = Duration::from_secs(60);

impl<P: WrapKey> SearchKeyTable<P> {
    /// Adds a version to a branch. Searches ask for it from now on. Writers use it from
    /// [`write_from`](SearchBranch::write_from) on, without another call: after the `max_age` of
    /// the branch and 30 minutes. Then every process searches for it.
    ///
    /// Until then the rotation can be [cancelled](Self::cancel). After
    /// [`retire_from`](SearchBranch::retire_from), write all records anew, and
    /// [`retire`](Self::retire) the older version.
    ///
    /// If several callers rotate a branch at the same time, one version is added, and all of them
    /// get it.
    ///
    /// # Errors
    ///
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) for a branch that does not exist;
    /// [`SearchKeyError::Rotating`] if the branch already has two versions that are searched for;
    /// [`SearchKeyError::Conflict`] if others keep changing the branch; [`SearchKeyError::Key`] if
    /// KMS refuses; [`SearchKeyError::DynamoDb`].
    ///
    /// # Security
    ///
    /// A rotation protects values that are written later. Whoever has the old key and an old copy
    /// of the table knows the old values, and finds the new tags of the same records.
    pub async fn rotate(&self, branch: &str) -> Result<SearchBranch, SearchKeyError> {
        let branch = BranchName::new(branch)?;
        let old = self.pointer(&branch).await?;
        if let Some(retire_from) = old.retire_from() {
            return Err(SearchKeyError::Rotating { branch, retire_from });
        }
        let (version, item) = self.table.new_version(&branch).await?;
        let mut attempts = Attempts::default();
        loop {
            let began = self.now();
            let new = old.rotated(version, began);
            let writes =
                vec![self.table.put_new(item.clone())?, self.replace(&branch, &old, &new)?];
            match self.table.transact(writes, false).await? {
                Outcome::Done if self.is_stored_late(began) => {
                    return self.postpone(branch, new).await;
                }
                Outcome::Done => return Ok(SearchBranch::new(branch, new)),
                Outcome::ConditionFailed | Outcome::Conflict => {
                    let stored = self.pointer(&branch).await?;
                    if stored != old {
                        // Another caller has rotated since this call began.
                        let is_rotated = stored.other.is_some_and(|it| it.version == old.write);
                        return if is_rotated {
                            Ok(SearchBranch::new(branch, stored))
                        } else {
                            Err(SearchKeyError::Conflict(branch))
                        };
                    }
                    self.table.pause(&branch, &mut attempts).await?;
                }
            }
        }
    }
}

impl<P> SearchKeyTable<P> {
    /// Takes a rotation back: the older version is written on. Possible until
    /// [`write_from`](SearchBranch::write_from).
    ///
    /// The newer version is searched for until it is [retired](Self::retire): a process that asked
    /// shortly before does not know of the cancellation yet, and may still write under it. The call
    /// may be repeated.
    ///
    /// # Errors
    ///
    /// [`SearchKeyError::NotRotating`] if the branch has one version; [`SearchKeyError::TooLate`]
    /// if the newer version is already written; [`SearchKeyError::Conflict`];
    /// [`SearchKeyError::Key`] for a branch that does not exist; [`SearchKeyError::DynamoDb`].
    pub async fn cancel(&self, branch: &str) -> Result<SearchBranch, SearchKeyError> {
        let branch = BranchName::new(branch)?;
        let mut attempts = Attempts::default();
        loop {
            let old = self.pointer(&branch).await?;
            let Some(other) = old.other else { return Err(SearchKeyError::NotRotating(branch)) };
            let now = self.now();
            match other.since {
                Since::Cancelled(_) => return Ok(SearchBranch::new(branch, old)),
                Since::WriteFrom(write_from) if now >= write_from => {
                    return Err(SearchKeyError::TooLate { branch, write_from });
                }
                Since::WriteFrom(_) => {}
            }
            let new = old.cancelled(other, now);
            match self.table.transact(vec![self.replace(&branch, &old, &new)?], true).await? {
                Outcome::Done if self.is_stored_late(now) => {
                    return self.postpone(branch, new).await;
                }
                Outcome::Done => return Ok(SearchBranch::new(branch, new)),
                Outcome::ConditionFailed | Outcome::Conflict => {
                    self.table.pause(&branch, &mut attempts).await?;
                }
            }
        }
    }

    /// Ends a rotation: searches no longer ask for the version that is not written any more. Its
    /// key stays in the table, wrapped. Returns the retired version, or `None` if the branch has
    /// only one version.
    ///
    /// Before this call, write all records anew that have tags of this version: searches miss what
    /// is left. This call does not look at records. With the feature `maintain`,
    /// `retire_unless_stale` does, and refuses if there are any. The call may be repeated.
    ///
    /// # Errors
    ///
    /// [`SearchKeyError::TooEarly`] before [`retire_from`](SearchBranch::retire_from): a process
    /// may still write under the version; [`SearchKeyError::Conflict`]; [`SearchKeyError::Key`] for
    /// a branch that does not exist; [`SearchKeyError::DynamoDb`].
    pub async fn retire(&self, branch: &str) -> Result<Option<BranchVersion>, SearchKeyError> {
        self.retire_if(branch, async |_| Ok(())).await
    }

    /// Retires a version if `check` agrees. `check` runs after the time when the last tag of the
    /// version was written, and so a scan in it counts every such tag.
    pub(crate) async fn retire_if<E: From<SearchKeyError>>(
        &self,
        branch: &str,
        check: impl AsyncFnOnce(&SearchBranch) -> Result<(), E>,
    ) -> Result<Option<BranchVersion>, E> {
        let branch = BranchName::new(branch).map_err(SearchKeyError::from)?;
        let old = self.pointer(&branch).await?;
        let (Some(other), Some(retire_from)) = (old.other, old.retire_from()) else {
            return Ok(None);
        };
        if self.now() < retire_from {
            return Err(SearchKeyError::TooEarly { branch, retire_from }.into());
        }
        check(&SearchBranch::new(branch.clone(), old)).await?;
        self.retire_checked(&branch, &old).await?;
        Ok(Some(other.version))
    }

    async fn retire_checked(
        &self,
        branch: &BranchName,
        old: &Pointer,
    ) -> Result<(), SearchKeyError> {
        let (new, mut attempts) = (old.retired(), Attempts::default());
        loop {
            match self.table.transact(vec![self.replace(branch, old, &new)?], true).await? {
                Outcome::Done => return Ok(()),
                Outcome::ConditionFailed | Outcome::Conflict => {
                    let stored = self.pointer(branch).await?;
                    if stored == new {
                        return Ok(());
                    }
                    if stored != *old {
                        return Err(SearchKeyError::Conflict(branch.clone()));
                    }
                    self.table.pause(branch, &mut attempts).await?;
                }
            }
        }
    }

    /// Whether a change that counts from `began` was stored so late that the clocks of others could
    /// be past its times.
    fn is_stored_late(&self, began: SystemTime) -> bool {
        self.now().duration_since(began).is_ok_and(|took| took > STORED_WITHIN)
    }

    /// Moves the times of a change that was stored late, for example because the process was
    /// suspended during the call.
    async fn postpone(
        &self,
        branch: BranchName,
        mut stored: Pointer,
    ) -> Result<SearchBranch, SearchKeyError> {
        let mut attempts = Attempts::default();
        loop {
            let began = self.now();
            let new = stored.postponed(began);
            match self.table.transact(vec![self.replace(&branch, &stored, &new)?], true).await? {
                Outcome::Done if self.is_stored_late(began) => stored = new,
                Outcome::Done => return Ok(SearchBranch::new(branch, new)),
                Outcome::ConditionFailed => return Err(SearchKeyError::Conflict(branch)),
                Outcome::Conflict => {}
            }
            self.table.pause(&branch, &mut attempts).await?;
        }
    }

    /// Stores the pointer `new`, on condition that the stored one is `old`.
    fn replace(
        &self,
        branch: &BranchName,
        old: &Pointer,
        new: &Pointer,
    ) -> Result<TransactWriteItem, KeyTableError> {
        let old = old.to_item(branch);
        let mut put =
            Put::builder().table_name(&self.table.name).set_item(Some(new.to_item(branch)));
        let mut conditions = Vec::new();
        for name in ATTRIBUTES {
            put = put.expression_attribute_names(format!("#{name}"), name);
            conditions.push(match old.get(name) {
                Some(value) => {
                    put = put.expression_attribute_values(format!(":{name}"), value.clone());
                    format!("#{name} = :{name}")
                }
                None => format!("attribute_not_exists(#{name})"),
            });
        }
        let put = put.condition_expression(conditions.join(" AND ")).build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuilt)?).build())
    }
}

//! The versions of a branch's key: made, wrapped for their place, and unwrapped.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use envelope_core::{
    BranchName, BranchVersion, Context, ContextForm, DataKey, EncryptionContext, Escaped, KeyError,
    KeyErrorKind, UnwrapKey, WrapKey,
};

use crate::dynamodb::Item;
use crate::keys::key_table::error::{KeyTableError, unbuilt};
use crate::keys::key_table::purpose::PURPOSE_PAIR;
use crate::keys::key_table::{KeyTable, item};

impl<P> KeyTable<P> {
    /// The encryption context for which a version of a key is wrapped.
    fn context(
        &self,
        branch: &BranchName,
        version: BranchVersion,
    ) -> Result<EncryptionContext, KeyError> {
        let context = Context::new(self.logical.as_str()).form(ContextForm::Table);
        let context = context
            .pair(item::BRANCH, branch.as_str())
            .and_then(|it| it.pair(item::VERSION, version.to_string()))
            .and_then(|it| match self.purpose.pair() {
                Some(purpose) => it.pair(PURPOSE_PAIR, purpose),
                None => Ok(it),
            });
        match context {
            Ok(context) => Ok(context.encryption_context()),
            Err(error) => Err(KeyError::new(KeyErrorKind::Configuration, error.to_string())),
        }
    }

    /// Stores an item whose key is not in use.
    pub(crate) fn put_new(&self, item: Item) -> Result<TransactWriteItem, KeyTableError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#branch)")
            .expression_attribute_names("#branch", item::BRANCH)
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuilt)?).build())
    }

    fn no_version(&self, branch: &BranchName, version: BranchVersion) -> KeyError {
        let what = format!(
            "the branch `{}` has no {} of version {version} in the table `{}`: {}",
            Escaped(branch.as_str()),
            self.purpose.key(),
            self.name,
            self.purpose.why_no_version()
        );
        KeyError::new(KeyErrorKind::KeyNotFound, what)
    }
}

impl<P: WrapKey> KeyTable<P> {
    /// Generates a key, which is a data key for the provider. Its plaintext is not needed here.
    pub(crate) async fn new_version(
        &self,
        branch: &BranchName,
    ) -> Result<(BranchVersion, Item), KeyTableError> {
        let version = BranchVersion::generate()?;
        let wrapped = self.provider.generate_wrapped(&self.context(branch, version)?).await?;
        Ok((version, item::version_item(branch, version, wrapped, self.purpose)?))
    }
}

impl<P: UnwrapKey> KeyTable<P> {
    /// Attributes the failure to the stored key, not to a record.
    fn of_stored_key(
        &self,
        branch: &BranchName,
        version: BranchVersion,
        error: KeyError,
    ) -> KeyError {
        if error.kind() != KeyErrorKind::ContextMismatch {
            return error;
        }
        let what = format!(
            "the {} of version {version} of the branch `{}` in the table `{}` was changed, or put \
             there from elsewhere",
            self.purpose.key(),
            Escaped(branch.as_str()),
            self.name
        );
        KeyError::new(error.kind(), what).with_source(error)
    }

    /// Reads and unwraps one version of a branch's key.
    pub(crate) async fn unwrapped(
        &self,
        branch: &BranchName,
        version: BranchVersion,
    ) -> Result<DataKey, KeyTableError> {
        let item = self.item(branch, &version.to_string()).await?;
        let item = item.ok_or_else(|| self.no_version(branch, version))?;
        let dek = item::parse_wrapped(&item, self.purpose)?;
        let key = self.provider.unwrap_key(dek.keys(), &self.context(branch, version)?).await;
        key.map_err(|error| self.of_stored_key(branch, version, error).into())
    }
}

use aws_sdk_dynamodb::operation::execute_statement::builders::ExecuteStatementFluentBuilder;

use super::Table;
use crate::error::Error;
use crate::expression::refuse_statement;
use crate::record::Envelope;

impl<T: Envelope, P: ?Sized> Table<T, P> {
    /// The SDK's request for a PartiQL statement, after a look at what the statement names.
    ///
    /// Typed calls do what PartiQL does, and more safely: this is for what they do not cover. Rows of `SELECT *` open
    /// with [`from_item`](crate::from_item()).
    ///
    /// ```
    /// # use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64 }
    /// # use aws_sdk_dynamodb::config::{IdentityCache, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig};
    /// # let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest().identity_cache(IdentityCache::no_cache());
    /// # let config = config.retry_config(RetryConfig::disabled()).timeout_config(TimeoutConfig::disabled());
    /// # let config = config.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    /// # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config.build());
    /// # let users = Table::<User>::new(dynamodb, LocalKeyProvider::new(RootKey::generate()?));
    /// users.partiql("SELECT * FROM users WHERE logins > 3")?;
    /// users.partiql("UPDATE users SET logins = 0 WHERE user_id = ?")?;
    ///
    /// let error = users.partiql("SELECT * FROM users WHERE email = 'zoe@example.com'").unwrap_err();
    /// assert!(error.to_string().starts_with("users: an expression names `email`, which is sealed"));
    /// assert!(users.partiql("INSERT INTO users VALUE {'user_id': 'u_1'}").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EncryptedNameInExpression`](crate::ErrorKind::EncryptedNameInExpression) where the statement names an encrypted
    /// field; [`ProtectedInUpdate`](crate::ErrorKind::ProtectedInUpdate) where it changes an attribute that is not
    /// `#[plaintext]`; [`Statement`](crate::ErrorKind::Statement) for `INSERT`, which would store a record that is not
    /// sealed, and for anything but `SELECT`, `UPDATE` and `DELETE`.
    ///
    /// # Security
    ///
    /// The statement and its parameters are sent as they are. Names are looked for as words and in double quotes; a
    /// statement put together from input of others is no safer here than elsewhere: pass values as parameters.
    pub fn partiql(&self, statement: impl Into<String>) -> Result<ExecuteStatementFluentBuilder, Error> {
        let statement = statement.into();
        refuse_statement::<T>(&statement)?;
        Ok(self.client.execute_statement().statement(statement))
    }
}

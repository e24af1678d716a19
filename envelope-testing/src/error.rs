//! The error of this crate.

use std::fmt;

/// Why a server, or an object in it, is not available, and what to do about it.
///
/// The message says what failed. The source says why:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::error::Error;
///
/// use envelope_testing::Aws;
///
/// let aws = Aws::embedded().await?;
/// aws.create_alias("alias/users").await?;
/// let error = aws.create_alias("alias/users").await.unwrap_err();
/// assert_eq!(error.to_string(), "cannot create the alias alias/users");
/// assert!(format!("{:?}", error.source()).contains("AlreadyExistsException"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Error {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    pub(crate) fn because(
        message: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { message: message.into(), source: Some(Box::new(source)) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

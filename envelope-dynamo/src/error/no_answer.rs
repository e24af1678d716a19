//! Why a request was not answered: an outage or not, and sent or not.

use std::error::Error as StdError;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::ConnectorError;

/// Why a request was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The network or the service, for now: I/O and time-outs alone.
    Outage,
    /// There are no credentials, or their configuration is invalid.
    NoCredentials,
    /// The credentials provider refused or failed.
    CredentialsRefused,
    /// Anything else: a client without region, a connection that does not speak HTTP.
    Other,
}

impl NoAnswer {
    /// Why the SDK did not dispatch a request: credentials come before the connection.
    pub(crate) fn of(error: &ConnectorError) -> Self {
        match chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
            Some(
                CredentialsError::CredentialsNotLoaded(_)
                | CredentialsError::InvalidConfiguration(_),
            ) => Self::NoCredentials,
            Some(CredentialsError::ProviderTimedOut(_)) => Self::Outage,
            Some(_) if chain(error).any(is_outage) => Self::Outage,
            Some(_) => Self::CredentialsRefused,
            None if chain(error).any(is_outage) => Self::Outage,
            None => Self::Other,
        }
    }

    /// The text in place of an error code, if nothing was sent.
    pub(crate) const fn describe(self) -> Option<&'static str> {
        match self {
            Self::Outage => None,
            Self::NoCredentials => Some(
                "no credentials were found, or their configuration cannot be used (environment, profile, role)",
            ),
            Self::CredentialsRefused => Some("the credentials provider gave no credentials"),
            Self::Other => Some("the SDK could not send it (region, endpoint, HTTP client)"),
        }
    }
}

/// An error and its causes, the innermost last. `io::Error::source` skips the error inside, so
/// `get_ref` is used.
fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}

/// The text of the innermost cause; `None` if a credentials provider failed.
///
/// A credentials provider is foreign code. The text of its error can have what a helper program
/// printed, which may be a secret.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> Option<Box<str>> {
    if chain(error).any(|cause| cause.is::<CredentialsError>()) {
        return None;
    }
    Some(chain(error).last().unwrap_or(error).to_string().into())
}

/// Whether one cause is an error of the network or of a time limit.
fn is_outage(cause: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<ConnectorError>() {
        return error.is_io() || error.is_timeout() || error.as_other().is_some();
    }
    // The errors of time limits are private or generic types: of the SDK's credentials cache, and
    // of a call to STS. Only their texts can be compared.
    let said = cause.to_string();
    let is_time_limit =
        said.starts_with("identity resolver timed out") || said == "request has timed out";
    is_time_limit || cause.downcast_ref().is_some_and(is_network)
}

/// A file that is missing or cannot be read is not an outage.
fn is_network(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::BrokenPipe
            | Kind::ConnectionAborted
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::HostUnreachable
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::NotConnected
            | Kind::TimedOut
            | Kind::UnexpectedEof
    )
}

/// Whether the connection was never made, so that nothing of the request can have arrived: name
/// resolution, TCP or TLS failed, or took too long.
///
/// Only hyper's own error counts, directly below the SDK's. The error number does not suffice: a
/// kernel can report "connection refused" for an open connection too. This crate does not depend on
/// hyper and cannot name the type, so the text is compared; another text leaves the write in doubt.
pub(crate) fn never_connected(error: &ConnectorError) -> bool {
    error.source().is_some_and(|source| source.to_string() == "client error (Connect)")
}

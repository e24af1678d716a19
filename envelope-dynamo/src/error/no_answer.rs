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
    /// There are no credentials, or they are not configured as they should be.
    NoCredentials,
    /// Whoever gives credentials refused them, or failed.
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

    /// The text in place of an error code, where nothing was sent.
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

/// An error and its causes, the innermost last. `io::Error` gives its own cause's cause, so that is
/// asked for itself.
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

/// The text of the innermost cause.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> Box<str> {
    chain(error).last().unwrap_or(error).to_string().into()
}

/// Whether one cause by itself says that the network or a time limit is to blame.
fn is_outage(cause: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<ConnectorError>() {
        return error.is_io() || error.is_timeout() || error.as_other().is_some();
    }
    // Time limits have errors that are private or generic: of the SDK's cache of credentials, and
    // of a call of STS.
    let said = cause.to_string();
    let is_time_limit =
        said.starts_with("identity resolver timed out") || said == "request has timed out";
    is_time_limit || cause.downcast_ref().is_some_and(is_network)
}

/// Files that are missing or not to be read are no outage.
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
/// Only hyper's own word counts, given to the SDK directly. The error number does not suffice: a
/// kernel reports "connection refused" of a connection that stood as well. The type is not this
/// crate's to name without depending on hyper, so its text is compared; another text leaves the
/// write in doubt.
pub(crate) fn never_connected(error: &ConnectorError) -> bool {
    error.source().is_some_and(|source| source.to_string() == "client error (Connect)")
}

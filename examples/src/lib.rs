//! The examples of envelope-dynamo, and what they share.
//!
//! [`Servers`] is [`envelope_testing::Aws`]: the AWS SDK's own clients of an embedded DynamoDB and
//! an embedded KMS, or of emulators that the environment names. [`Clients`] may also be those of
//! AWS itself.
#![forbid(unsafe_code)]

mod clients;

pub use envelope_testing::{Fault, Faults};

pub use self::clients::Clients;
pub use self::servers::{Servers, ServersError};

/// The servers of the examples and of the tests: `envelope_testing`, under the names that they use.
pub mod servers {
    pub use envelope_testing::{
        Aws as Servers, Error as ServersError, create_kms_key, create_table, disable_kms_key,
        loopback, unique_name,
    };
}

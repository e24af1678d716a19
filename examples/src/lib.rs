//! The examples of envelope-dynamo, and the servers that they and the tests run against.
//!
//! [`Servers`] gives the AWS SDK's own clients for DynamoDB and KMS in front of servers embedded in
//! this process, of emulators named by environment variables, or of AWS. [`Faults`] stands between
//! a client and its server: it records what is sent and makes chosen calls fail.
#![forbid(unsafe_code)]

pub mod faults;
pub mod servers;

pub use faults::{Fault, Faults};
pub use servers::{Servers, ServersError};

//! The examples of envelope-dynamo, and the servers that they and the tests run against.
//!
//! [`Servers`] has the AWS SDK's own clients for DynamoDB and KMS. The servers are embedded in this
//! process, or are emulators named by environment variables, or AWS. [`Faults`] is a layer between
//! a client and its server: it records requests and makes chosen calls fail.
#![forbid(unsafe_code)]

pub mod faults;
pub mod servers;

pub use faults::{Fault, Faults};
pub use servers::{Servers, ServersError};

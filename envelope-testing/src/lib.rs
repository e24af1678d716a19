#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(not(any(debug_assertions, feature = "optimized-tests")))]
compile_error!(
    "envelope-testing is compiled without debug assertions, as in a release build. Its KMS keys are \
     gone when the process ends: whatever is sealed under them is lost. In Cargo.toml, move \
     envelope-testing from [dependencies] to [dev-dependencies]. To run tests with --release, or \
     benchmarks, enable its feature `optimized-tests` there."
);

mod aws;
mod dynamodb;
mod error;
mod faults;
mod http;
mod kms;
#[cfg(feature = "loopback")]
pub mod loopback;

pub use envelope_dynamo::testing::{TestClock, TestKeyProvider};

pub use self::aws::{Aws, create_kms_key, create_table, disable_kms_key, unique_name};
pub use self::error::Error;
pub use self::faults::{Fault, Faults};

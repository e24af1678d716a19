//! Calls that write one record: put, update, modify, delete, and rewrap.
//!
//! Each call is built on a [`Table`](crate::Table) and does nothing until it is sent with `send`.
//! A call that stores encrypted fields seals them before it builds the request.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
//! use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
//!
//! #[derive(Envelope)]
//! #[envelope(table = "users")]
//! struct User {
//!     #[partition_key]
//!     user_id: String,
//!     #[encrypted]
//!     email: String,
//! }
//!
//! # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
//! # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
//! let users = Table::<User>::new(dynamodb, LocalKeyProvider::new(RootKey::generate()?));
//! let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
//!
//! // `send` sends this request; `into_sdk` only builds it.
//! let request = users.put(&user).if_not_exists().into_sdk().await?;
//! let item = request.get_item().as_ref().expect("a put has an item");
//! assert!(item.contains_key("user_id") && item.contains_key("encrypted_payload"));
//! assert!(!item.contains_key("email"));
//! assert!(request.get_condition_expression().is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! | call | what it writes |
//! |---|---|
//! | [`Table::put`](crate::Table::put) | the whole record |
//! | [`Table::put_mut`](crate::Table::put_mut) | the same, and updates the version and the timestamps of the struct |
//! | [`Table::update`](crate::Table::update) | plaintext attributes in place, without a data key |
//! | [`Update::modify`] | any field: reads, changes and writes the record and starts again if another writer changed it meanwhile |
//! | [`Table::delete`](crate::Table::delete) | removes the record |
//! | [`Table::rewrap`](crate::Table::rewrap) | the record's data keys, wrapped by another key |
//!
//! A write that fails may have been carried out all the same, if the answer was lost:
//! [`WriteOutcome`](crate::WriteOutcome) has a table of all cases.

pub(crate) mod change_loop;
pub(crate) mod check;
pub(crate) mod delete;
pub(crate) mod modify;
pub(crate) mod put;
pub(crate) mod return_values;
pub(crate) mod rewrap;
pub(crate) mod update;

pub use crate::table::create::CreateTable;
pub use crate::table::write::delete::Delete;
pub use crate::table::write::modify::{Modify, TryModify};
pub use crate::table::write::put::{Put, RecordRef};
pub use crate::table::write::return_values::{ReturningNew, ReturningOld};
pub use crate::table::write::rewrap::new_keys::Rewrapped;
pub use crate::table::write::rewrap::{Rewrap, RewrapTo};
pub use crate::table::write::update::Update;

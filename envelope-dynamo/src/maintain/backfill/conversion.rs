//! Items that another program wrote: a function of the user reads them.

use std::error::Error as StdError;
use std::fmt;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::key::DataKeyError;
use crate::error::kind::ErrorKind;
use crate::error::{Error, KeyError};
use crate::item::entity::Entity;
use crate::item::pending_item::PendingItem;

/// A record that was read from an item of another program, and the attributes of the item that must
/// go.
///
/// ```
/// use envelope_dynamo::maintain::Converted;
///
/// let converted = Converted::new("the record").remove("email_ciphertext").remove("email_nonce");
/// assert_eq!(converted.removed(), ["email_ciphertext", "email_nonce"]);
/// ```
pub struct Converted<T> {
    record: T,
    remove: Vec<String>,
}

impl<T> Converted<T> {
    /// The record. Attributes of its fields are written as it says, and those of encrypted fields
    /// are removed.
    pub const fn new(record: T) -> Self {
        Self { record, remove: Vec::new() }
    }

    /// Removes this attribute, unless the record writes it. An attribute that the item has not must
    /// still be absent when it is written.
    ///
    /// So name all attributes from which the record could have been made, present or not: then no
    /// value is lost that the other program adds in between.
    #[must_use]
    pub fn remove(mut self, attribute: impl Into<String>) -> Self {
        self.remove.push(attribute.into());
        self
    }

    /// The record.
    pub const fn record(&self) -> &T {
        &self.record
    }

    /// The names of the attributes that must go.
    #[must_use]
    pub fn removed(&self) -> &[String] {
        &self.remove
    }
}

impl<T> fmt::Debug for Converted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Converted").field("remove", &self.remove).finish_non_exhaustive()
    }
}

/// A record that was read, split, without its type.
pub(crate) struct Reading {
    pub(crate) record: PendingItem,
    pub(crate) remove: Vec<String>,
}

/// What went wrong in reading an item: an error that names its record, or one that does not yet.
pub(crate) enum Unread {
    Named(Error),
    Unnamed(ErrorKind),
}

type Read = dyn Fn(Item) -> BoxFuture<'static, Result<Option<Reading>, Unread>> + Send + Sync;

/// The user's function, without its types.
pub(crate) struct Reader {
    /// The names of the types that it reads.
    pub(crate) entities: Vec<&'static str>,
    read: Box<Read>,
}

impl Reader {
    pub(crate) fn new<T, Fut, E>(read: impl Fn(Item) -> Fut + Send + Sync + 'static) -> Self
    where
        T: Entity + 'static,
        Fut: Future<Output = Result<Option<Converted<T>>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let read = move |item| {
            let converted = read(item);
            async move {
                match converted.await {
                    Ok(None) => Ok(None),
                    Ok(Some(Converted { record, remove })) => {
                        let record = record.split().map_err(Unread::Named)?;
                        Ok(Some(Reading { record, remove }))
                    }
                    Err(error) => Err(unread(error.into())),
                }
            }
            .boxed()
        };
        let entities = T::KINDS.iter().map(|kind| kind.name).collect();
        Self { entities, read: Box::new(read) }
    }

    /// Reads an item; `None` if it is none of the other program's.
    pub(crate) async fn read(&self, item: &Item) -> Result<Option<Reading>, Unread> {
        (self.read)(item.clone()).await
    }
}

/// The error of the user's function. A key error says by itself whether it may pass.
fn unread(error: Box<dyn StdError + Send + Sync>) -> Unread {
    let error = match error.downcast::<Error>() {
        Ok(error) => return Unread::Named(*error),
        Err(error) => error,
    };
    Unread::Unnamed(match error.downcast::<KeyError>() {
        Ok(error) => DataKeyError::Unwrap(*error).into(),
        Err(source) => DataError::Unread { source }.into(),
    })
}

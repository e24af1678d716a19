//! Puts of a table that writes items that are not sealed: plain, unless a sealed record stands
//! under the key.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use envelope_core::WrapKey;

use crate::call::write_attempt::{WriteAttempt, found};
use crate::dynamodb::Item;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::error::{Error, dynamodb_error};
use crate::expression::placeholders::Placeholders;
use crate::item::entity::Entity;
use crate::item::managed_fields::ExpectedVersion;
use crate::item::plain::PlainItem;
use crate::item::plaintext::{PlaintextEvent, is_plaintext};
use crate::record::Envelope as _;
use crate::record::item_key::key_attributes;
use crate::record::kind::Kind;
use crate::table::customized::Customized as _;
use crate::table::request::{Expressions, WriteRequest as _};
use crate::table::write::put::{Put, RecordRef};

/// What came of a plain put.
pub(super) enum Plain {
    /// It was carried out; with the old item, if that was asked for.
    Done(Option<Item>),
    /// A sealed record stands under the key. Nothing was written, unless `in_doubt`: then the
    /// answer to an earlier attempt was lost.
    StandsSealed { in_doubt: bool },
}

/// A plain put that is ready to be sent.
struct PlainPut {
    request: PutItemFluentBuilder,
    item: Item,
    id: RecordId,
    /// Whether it has a condition beside the one that no sealed record stands there.
    is_conditional: bool,
}

impl<'a, T: Entity, P: WrapKey + ?Sized, R: RecordRef<T>> Put<'a, T, P, R> {
    /// Stores the record in plaintext, on condition that no sealed record stands under its key.
    pub(super) async fn deliver_plain(
        &mut self,
        returns: Option<ReturnValue>,
    ) -> Result<Plain, Error> {
        let PlainPut { request, item, id, is_conditional } = self.plain_put()?;
        let returns_old = returns.is_some();
        let key = key_attributes::<T::First>(&item);
        let attempt = WriteAttempt::new("PutItem", &self.table.name, id.clone(), key)
            .repeatable_if(!is_conditional && !returns_old);
        let request =
            request.set_return_values(returns).customize().interceptor(attempt.outcome.clone());
        let old = match request.send().await {
            Ok(output) => output.attributes,
            Err(error) if found(&error).is_some_and(|stored| !is_plaintext(stored)) => {
                let in_doubt = attempt.outcome.is_unknown();
                // The sealed record may be the one that an earlier attempt stored, sealed by
                // another writer since. It must not be returned as the old one.
                return match in_doubt && returns_old {
                    true => Err(attempt.failed(WriteError::Conflict { tries: 1 })),
                    false => Ok(Plain::StandsSealed { in_doubt }),
                };
            }
            Err(error) => return Err(attempt.error(error)),
        };
        self.table.plaintext.note(PlaintextEvent::Written, &id);
        if let Err(source) = self.record.apply_generated(&item) {
            return Err(attempt.error_after(source));
        }
        match old {
            // A plain item has nothing by which a put knows its own.
            Some(_) if attempt.outcome.is_unknown() => {
                Err(attempt.error_after(WriteError::AnswerLost))
            }
            old => Ok(Plain::Done(old.map(|old| attempt.returned(old)))),
        }
    }

    /// The request that stores the record in plaintext; `None` if a sealed record stands under its
    /// key. Asks DynamoDB, because the caller sends the request and cannot fall back.
    pub(super) async fn plain_request(
        &mut self,
    ) -> Result<Option<(PutItemFluentBuilder, RecordId)>, Error> {
        let PlainPut { request, item, id, .. } = self.plain_put()?;
        if self.stands_sealed(&item, &id).await? {
            return Ok(None);
        }
        self.table.plaintext.note(PlaintextEvent::Written, &id);
        Ok(Some((request, id)))
    }

    fn plain_put(&self) -> Result<PlainPut, Error> {
        let table = self.table;
        let request = self.builder.clone().unwrap_or_else(|| table.client.put_item());
        let request = request.checked_for(&RecordId::of_table(T::First::TABLE))?;
        let mut plain: PlainItem =
            self.record.borrow().split_plain()?.check_one_kind(table.kinds)?;
        // A sealed record may stand there, and then this put is sealed.
        let required = table.require_search_keys(plain.kind());
        required.map_err(|problem| Error::new(plain.id(), problem))?;
        let claims = table.claims_of(plain.kind());
        claims.map_err(|problem| Error::new(plain.id(), problem))?;
        let version = plain.set_managed_fields(table.clock.system_time())?;
        let version = version.map(ExpectedVersion::condition::<T>);
        let (id, kind) = (plain.id(), *plain.kind());
        let mut expressions = Expressions::of(table.kinds);
        let is_conditional = self.condition.is_some() || version.is_some();
        for condition in self.condition.iter().chain(&version) {
            expressions.demand(condition).map_err(|kind| Error::new(id.clone(), kind))?;
        }
        let item = plain.into_item()?;
        let not_sealed = not_sealed(&kind, &mut expressions.placeholders);
        expressions.demand_text(not_sealed);
        let request = request.with(expressions.render()).table_name(&*table.name);
        Ok(PlainPut { request: request.set_item(Some(item.clone())), item, id, is_conditional })
    }

    async fn stands_sealed(&self, item: &Item, id: &RecordId) -> Result<bool, Error> {
        let table = self.table;
        let read = table
            .client
            .get_item()
            .table_name(&*table.name)
            .set_key(Some(key_attributes::<T::First>(item)))
            .consistent_read(true)
            .send()
            .await;
        let read =
            read.map_err(|error| dynamodb_error("GetItem", &table.name, id.clone(), error))?;
        Ok(read.item.is_some_and(|stored| !is_plaintext(&stored)))
    }
}

/// The condition that the item has no attribute of this library, as far as the struct knows them.
fn not_sealed(kind: &Kind, placeholders: &mut Placeholders) -> String {
    let names = kind.schema.reserved_names();
    let conditions =
        names.iter().map(|name| format!("attribute_not_exists({})", placeholders.name(name)));
    conditions.collect::<Vec<_>>().join(" AND ")
}

//! The record types of a backfill. A struct is needed to read an item and to plan the change; all
//! that waits for a key has no type.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::entity::{Entity, TypeVisitor};
use crate::item::modify_record::{PlannedModification, SealWhen, Stored};
use crate::item::open::OpenedItem;
use crate::item::search_tags::KeyForChange;
use crate::record::Envelope;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;

const OTHER_TYPE: UsageError = UsageError::Struct(
    "the transform made the record one of another type of the table; nothing was sent",
);

/// A record type, without its struct.
pub(crate) trait RecordType: Any + Send + Sync {
    fn kind(&self) -> &Kind;

    /// Plans how the item becomes a record as the struct wants it: a plain item, or one that was
    /// `opened`. Its search tags are computed with `key`. `None` if it is one already.
    fn plan(
        &self,
        item: &Item,
        opened: Option<OpenedItem>,
        now: SystemTime,
        key: KeyForChange<'_>,
    ) -> Result<Option<PlannedModification>, Error>;
}

type Transform<R> = Box<dyn Fn(R) -> Result<R, ErrorKind> + Send + Sync>;

struct Typed<R> {
    kind: Kind,
    transforms: Vec<Transform<R>>,
}

impl<R: Envelope + 'static> RecordType for Typed<R> {
    fn kind(&self) -> &Kind {
        &self.kind
    }

    fn plan(
        &self,
        item: &Item,
        opened: Option<OpenedItem>,
        now: SystemTime,
        key: KeyForChange<'_>,
    ) -> Result<Option<PlannedModification>, Error> {
        let fail = |problem| Error::new(record_id(&self.kind, item), problem);
        let stored = match opened {
            None => Stored::<R>::of_plain(item.clone()),
            Some(opened) => Stored::<R>::out_of_place(item.clone(), opened),
        };
        let mut stored = stored.map_err(fail)?;
        for transform in &self.transforms {
            stored.record = transform(stored.record).map_err(fail)?;
        }
        stored.plan(now, SealWhen::OutOfPlace, key)
    }
}

/// Collects the record types of an entity.
pub(crate) struct Types(Vec<Box<dyn RecordType>>);

impl Types {
    pub(crate) fn of<E: Entity + 'static>() -> Vec<Box<dyn RecordType>> {
        let mut types = Self(Vec::new());
        E::visit_types(&mut types);
        types.0
    }
}

impl<E> TypeVisitor<E> for Types {
    fn record<R: Envelope + 'static>(&mut self, _: fn(R) -> E, _: fn(E) -> Option<R>) {
        self.0.push(Box::new(Typed::<R> { kind: Kind::of::<R>(), transforms: Vec::new() }));
    }
}

/// Adds a transform to the record types of the entity `E`.
pub(crate) struct TransformedTypes<'t, E> {
    types: &'t mut [Box<dyn RecordType>],
    transform: Arc<dyn Fn(&mut E) + Send + Sync>,
    are_there: bool,
}

impl<'t, E: Entity + 'static> TransformedTypes<'t, E> {
    /// Adds `transform`. False if a type of the entity is not among `types`.
    pub(crate) fn add(
        types: &'t mut [Box<dyn RecordType>],
        transform: impl Fn(&mut E) + Send + Sync + 'static,
    ) -> bool {
        let mut visitor = Self { types, transform: Arc::new(transform), are_there: true };
        E::visit_types(&mut visitor);
        visitor.are_there
    }
}

impl<E: 'static> TypeVisitor<E> for TransformedTypes<'_, E> {
    fn record<R: Envelope + 'static>(&mut self, wrap: fn(R) -> E, unwrap: fn(E) -> Option<R>) {
        let typed = self.types.iter_mut().find_map(|ty| {
            let ty: &mut dyn Any = ty.as_mut();
            ty.downcast_mut::<Typed<R>>()
        });
        let Some(typed) = typed else {
            self.are_there = false;
            return;
        };
        let transform = Arc::clone(&self.transform);
        typed.transforms.push(Box::new(move |record| {
            let mut entity = wrap(record);
            transform(&mut entity);
            unwrap(entity).ok_or(ErrorKind::Usage(OTHER_TYPE))
        }));
    }
}

impl fmt::Debug for dyn RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name)
    }
}

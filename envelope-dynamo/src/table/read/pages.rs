//! The pages of a query or a scan, as DynamoDB gives them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::Select;

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::{Error, dynamodb_error};
use crate::expression::placeholders::Placeholders;
use crate::record::schema::RESERVED;
use crate::table::read::base_table::from_base;
use crate::table::read::source::{Source, parts};

/// A page on its way.
pub(crate) struct Fetching {
    pages: Pages,
    start: Option<Item>,
    wanted: usize,
    page: Pin<Box<dyn Future<Output = Result<Page, Error>> + Send>>,
    was_left: bool,
    /// Whether it is sent for the second time.
    is_second: bool,
}

impl Fetching {
    /// Says that nobody polls it for now.
    ///
    /// It holds no permit to call KMS, so it may stay. But the SDK's time limits go on: if the
    /// request fails after that, it is sent again, once: a caller that goes away each time is
    /// to learn of the failure.
    pub(crate) const fn leave(&mut self) {
        self.was_left = true;
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Page, Error>> {
        let outcome = ready!(self.page.as_mut().poll(context));
        if outcome.is_ok() || !self.was_left || self.is_second {
            return Poll::Ready(outcome);
        }
        *self = Self { is_second: true, ..self.pages.fetch(self.start.take(), self.wanted) };
        self.poll(context)
    }
}

pub(crate) struct Page {
    /// Items, and where the reading goes on behind each.
    pub(crate) items: Vec<(Item, Item)>,
    /// Where it goes on behind the page, if there is more.
    pub(crate) end: Option<Item>,
    pub(crate) shape: Shape,
}

/// What is asked of each item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Whatever it has: a read of the table.
    Whole,
    /// Whatever it has in the table: DynamoDB refuses that for a global index which does not
    /// project everything.
    All,
    /// The attributes of the struct: DynamoDB refuses that for an index which does not project
    /// them.
    Named,
    /// The keys alone, by which it is then read from the table.
    Keys,
}

#[derive(Clone)]
pub(crate) enum Call {
    Query(QueryFluentBuilder),
    Scan(ScanFluentBuilder),
}

/// Asks for one page after the other.
#[derive(Clone)]
pub(crate) struct Pages {
    call: Call,
    shape: Shape,
    source: Arc<Source>,
}

impl Pages {
    pub(crate) const fn new(call: Call, shape: Shape, source: Arc<Source>) -> Self {
        Self { call, shape, source }
    }

    /// Asks for the page behind `start`; of its records `wanted` can be used.
    pub(crate) fn fetch(&self, start: Option<Item>, wanted: usize) -> Fetching {
        let page = Box::pin(self.clone().page(start.clone(), wanted));
        Fetching { pages: self.clone(), start, wanted, page, was_left: false, is_second: false }
    }

    /// Asks in future for what was given.
    pub(crate) fn learn(&mut self, shape: Shape) {
        self.shape = shape;
    }

    async fn page(mut self, start: Option<Item>, wanted: usize) -> Result<Page, Error> {
        let limit = self.limit(wanted);
        loop {
            match self.shaped().ask(start.clone(), limit).await {
                Ok(answer) => return self.complete(answer).await,
                Err(refusal) if refusal.is_about_projection() && self.narrow() => {}
                Err(refusal) => return Err(self.failed(refusal)),
            }
        }
    }

    /// No more than can be used, where everything that is read is given.
    fn limit(&self, wanted: usize) -> Option<i32> {
        let wanted = i32::try_from(wanted).ok().filter(|_| self.source.gives_all);
        self.source.page_size.into_iter().chain(wanted).min()
    }

    /// The call for items of the shape.
    fn shaped(&self) -> Call {
        let call = self.call.clone();
        match self.shape {
            Shape::Whole => call.select(None),
            Shape::All => call.select(Some(Select::AllAttributes)),
            Shape::Named => call.projecting(self.source.named.iter().map(String::as_str)),
            Shape::Keys => call.projecting(self.source.keys.iter().copied()),
        }
    }

    /// Asks for less, if there is less that can do.
    fn narrow(&mut self) -> bool {
        let can = self.shape == Shape::All && !self.source.named.is_empty();
        if can {
            self.shape = Shape::Named;
        }
        can
    }

    async fn complete(&self, answer: Answer) -> Result<Page, Error> {
        let with_requested_key = |item: Item| {
            let key = parts(&item, &self.source.keys);
            (item, key)
        };
        let mut items: Vec<_> = answer.items.into_iter().map(with_requested_key).collect();
        if self.shape == Shape::Keys {
            items = from_base(&self.source, items).await?;
        } else if let Some(missing) = self.missing(items.iter().map(|(item, _)| item)) {
            return Err(self.not_projected(missing));
        }
        Ok(Page { items, end: answer.end, shape: self.shape })
    }

    /// What an index leaves out of every item: DynamoDB says so itself, but not every emulator.
    fn missing<'i>(&self, items: impl Iterator<Item = &'i Item> + Clone) -> Option<Vec<String>> {
        self.source.index?;
        let wants_sealed = self.shape == Shape::All
            || self.source.named.iter().any(|name| RESERVED.contains(&name.as_str()));
        if !wants_sealed {
            return None;
        }
        let all_lack = |name: &str| items.clone().all(|item| !item.contains_key(name));
        let is_sealed = items.clone().next().is_none() || !RESERVED.into_iter().all(all_lack);
        (!is_sealed).then(|| {
            let others = self
                .source
                .named
                .iter()
                .map(String::as_str)
                .filter(|name| !RESERVED.contains(name));
            RESERVED
                .into_iter()
                .chain(others.filter(|name| all_lack(name)))
                .map(str::to_owned)
                .collect()
        })
    }

    fn failed(&self, refusal: Refusal) -> Error {
        if refusal.is_about_projection() {
            return self.not_projected(self.named_in(refusal.message()));
        }
        refusal.into_error(&self.source)
    }

    fn not_projected(&self, missing: Vec<String>) -> Error {
        let index = self.source.index.unwrap_or_default();
        Error::new(
            RecordId::of_table(self.source.logical),
            ErrorKind::NotProjected { index, missing },
        )
    }

    /// The attributes that DynamoDB's message names between brackets; all that a record needs if it
    /// names none.
    fn named_in(&self, message: &str) -> Vec<String> {
        let listed = message.rsplit_once('[').map_or("", |(_, rest)| rest.trim_end_matches(']'));
        let needed = &self.source.named;
        let named: Vec<_> = needed
            .iter()
            .filter(|name| listed.split(',').any(|word| word.trim() == *name))
            .cloned()
            .collect();
        match (named.is_empty(), needed.is_empty()) {
            (false, _) => named,
            (true, false) => needed.clone(),
            (true, true) => RESERVED.map(str::to_owned).to_vec(),
        }
    }
}

/// A page as it came.
pub(crate) struct Answer {
    pub(crate) items: Vec<Item>,
    pub(crate) count: i32,
    pub(crate) end: Option<Item>,
}

/// Why no page came.
pub(crate) enum Refusal {
    Query(SdkError<aws_sdk_dynamodb::operation::query::QueryError>),
    Scan(SdkError<aws_sdk_dynamodb::operation::scan::ScanError>),
}

impl Refusal {
    fn message(&self) -> &str {
        match self {
            Self::Query(error) => error.message(),
            Self::Scan(error) => error.message(),
        }
        .unwrap_or_default()
    }

    /// Whether DynamoDB says that an index does not have what was asked for.
    fn is_about_projection(&self) -> bool {
        let message = self.message();
        message.contains("ALL_ATTRIBUTES is not supported") || message.contains("does not project")
    }

    pub(crate) fn into_error(self, source: &Source) -> Error {
        match self {
            Self::Query(error) => failed("Query", source, error),
            Self::Scan(error) => failed("Scan", source, error),
        }
    }
}

fn failed<E>(operation: &'static str, source: &Source, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
{
    dynamodb_error(operation, &source.table, RecordId::of_table(source.logical), error)
}

impl Call {
    pub(crate) fn select(self, select: Option<Select>) -> Self {
        match self {
            Self::Query(query) => {
                Self::Query(query.set_select(select).set_projection_expression(None))
            }
            Self::Scan(scan) => Self::Scan(scan.set_select(select).set_projection_expression(None)),
        }
    }

    fn projecting<'n>(self, names: impl Iterator<Item = &'n str>) -> Self {
        let (own_names, own_values) = match &self {
            Self::Query(query) => (
                query.get_expression_attribute_names().clone(),
                query.get_expression_attribute_values().clone(),
            ),
            Self::Scan(scan) => (
                scan.get_expression_attribute_names().clone(),
                scan.get_expression_attribute_values().clone(),
            ),
        };
        let mut placeholders = Placeholders::new(own_names, own_values);
        let expression: Vec<_> = names.map(|name| placeholders.name(name)).collect();
        let expression = Some(expression.join(", "));
        let (names, _) = placeholders.into_maps();
        match self.select(None) {
            Self::Query(query) => Self::Query(
                query.set_projection_expression(expression).set_expression_attribute_names(names),
            ),
            Self::Scan(scan) => Self::Scan(
                scan.set_projection_expression(expression).set_expression_attribute_names(names),
            ),
        }
    }

    pub(crate) async fn ask(
        self,
        start: Option<Item>,
        limit: Option<i32>,
    ) -> Result<Answer, Refusal> {
        match self {
            Self::Query(query) => {
                let query = query.set_exclusive_start_key(start).set_limit(limit);
                let output = query.send().await.map_err(Refusal::Query)?;
                let (items, count) = (output.items.unwrap_or_default(), output.count);
                Ok(Answer { items, count, end: output.last_evaluated_key })
            }
            Self::Scan(scan) => {
                let scan = scan.set_exclusive_start_key(start).set_limit(limit);
                let output = scan.send().await.map_err(Refusal::Scan)?;
                let (items, count) = (output.items.unwrap_or_default(), output.count);
                Ok(Answer { items, count, end: output.last_evaluated_key })
            }
        }
    }
}

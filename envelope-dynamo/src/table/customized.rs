//! The settings that `customize` must not make on the SDK's builders: expressions and their
//! placeholders, the older parameters that expressions replace, and the actions of batches and
//! transactions.
//!
//! An expression can name a sealed attribute in more ways than a search of its text finds, so none
//! is accepted. Typed calls can express the same, and cannot name a sealed attribute.

use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemFluentBuilder;
use aws_sdk_dynamodb::operation::batch_write_item::builders::BatchWriteItemFluentBuilder;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::operation::transact_get_items::builders::TransactGetItemsFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::builders::ConditionCheckBuilder;

use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;

/// A setting that `customize` must not set.
#[derive(Clone, Copy)]
pub(crate) struct RefusedSetting {
    setting: &'static str,
    instead: &'static str,
}

impl From<RefusedSetting> for ErrorKind {
    fn from(RefusedSetting { setting, instead }: RefusedSetting) -> Self {
        UsageError::Customized { setting, instead }.into()
    }
}

/// A builder of the SDK that callers customize.
pub(crate) trait Customized: Sized {
    /// The first setting that must not be set, if one is.
    fn refused_setting(&self) -> Option<RefusedSetting>;

    /// Refuses the builder if it has a setting that must not be set.
    fn checked(self) -> Result<Self, RefusedSetting> {
        self.refused_setting().map_or(Ok(self), Err)
    }

    /// The same, for a request on the record `id`.
    fn checked_for(self, id: &RecordId) -> Result<Self, Error> {
        self.checked().map_err(|refused| Error::new(id.clone(), refused))
    }
}

const CONDITION: &str = "`.condition(..)`";

const CHANGES: &str = "`.set(..)`, `.add(..)`, `.remove(..)` and their like";

const CONDITION_OR_CHANGES: &str = "`.condition(..)`, `.set(..)` and their like";

const FILTER: &str = "`.filter(..)`";

const FILTER_OR_SORT: &str = "`.filter(..)` or `.sort(..)`";

const KEY: &str = "the key given to `query(..)` and `.sort(..)`";

const VIEW: &str = "`Table::view`";

const VIEWS: &str = "`.views::<V>()` or `.count()`";

const BATCH_WRITE: &str = "what is given to `batch_put(..)` or `batch_delete(..)`";

const BATCH_GET: &str = "the keys given to `batch_get(..)`";

const WRITES: &str = "the transaction's `.put(..)`, `.update(..)`, `.delete(..)` and `.check(..)`";

const GETS: &str = "the gets given to `transact_get(..)`";

macro_rules! refused_settings {
    ($($builder:ty { $($getter:ident => $instead:expr,)* })*) => {$(
        impl Customized for $builder {
            fn refused_setting(&self) -> Option<RefusedSetting> {
                $(if self.$getter().is_some() {
                    let setting = stringify!($getter).trim_start_matches("get_");
                    return Some(RefusedSetting { setting, instead: $instead });
                })*
                None
            }
        }
    )*};
}

refused_settings! {
    PutItemFluentBuilder {
        get_condition_expression => CONDITION,
        get_expression_attribute_names => CONDITION,
        get_expression_attribute_values => CONDITION,
        get_expected => CONDITION,
        get_conditional_operator => CONDITION,
    }
    DeleteItemFluentBuilder {
        get_condition_expression => CONDITION,
        get_expression_attribute_names => CONDITION,
        get_expression_attribute_values => CONDITION,
        get_expected => CONDITION,
        get_conditional_operator => CONDITION,
    }
    ConditionCheckBuilder {
        get_condition_expression => CONDITION,
        get_expression_attribute_names => CONDITION,
        get_expression_attribute_values => CONDITION,
    }
    UpdateItemFluentBuilder {
        get_update_expression => CHANGES,
        get_attribute_updates => CHANGES,
        get_condition_expression => CONDITION,
        get_expected => CONDITION,
        get_conditional_operator => CONDITION,
        get_expression_attribute_names => CONDITION_OR_CHANGES,
        get_expression_attribute_values => CONDITION_OR_CHANGES,
    }
    GetItemFluentBuilder {
        get_projection_expression => VIEW,
        get_attributes_to_get => VIEW,
        get_expression_attribute_names => VIEW,
    }
    QueryFluentBuilder {
        get_key_condition_expression => KEY,
        get_key_conditions => KEY,
        get_filter_expression => FILTER,
        get_query_filter => FILTER,
        get_conditional_operator => FILTER,
        get_projection_expression => VIEWS,
        get_attributes_to_get => VIEWS,
        get_select => VIEWS,
        get_expression_attribute_names => FILTER_OR_SORT,
        get_expression_attribute_values => FILTER_OR_SORT,
    }
    ScanFluentBuilder {
        get_filter_expression => FILTER,
        get_scan_filter => FILTER,
        get_conditional_operator => FILTER,
        get_projection_expression => VIEWS,
        get_attributes_to_get => VIEWS,
        get_select => VIEWS,
        get_expression_attribute_names => FILTER,
        get_expression_attribute_values => FILTER,
    }
    BatchWriteItemFluentBuilder {
        get_request_items => BATCH_WRITE,
    }
    BatchGetItemFluentBuilder {
        get_request_items => BATCH_GET,
    }
    TransactWriteItemsFluentBuilder {
        get_transact_items => WRITES,
    }
    TransactGetItemsFluentBuilder {
        get_transact_items => GETS,
    }
}

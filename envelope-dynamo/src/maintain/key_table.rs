//! A table of branch keys or search keys as maintenance sees it: records that have a wrapped key
//! and no payload.

use std::collections::{BTreeMap, BTreeSet};

use envelope_core::ContextForm;

use crate::keys::key_table::purpose::{PURPOSE_PAIR, Purpose};
use crate::keys::key_table::{KeyTable, item};
use crate::maintain::schema_file::{KeySchema, RecordSchema, SchemaFile};
use crate::maintain::stored_table::StoredTable;

/// The table, with one type of records.
pub(crate) fn stored_table<P>(table: &KeyTable<P>) -> StoredTable {
    let mut schema = SchemaFile::new();
    schema.records.insert(type_name(table.purpose).to_owned(), record_schema(table));
    match StoredTable::new(table.client.clone(), &schema, &table.logical) {
        Ok(stored) => stored.named(&table.name),
        Err(error) => unreachable!("the schema is fixed, and has this table: {error}"),
    }
}

/// The name of the record type, for reports.
const fn type_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Branch => "BranchKey",
        Purpose::Search => "SearchKey",
    }
}

/// The item of a version, as `item.rs` writes it and as its context binds it.
fn record_schema<P>(table: &KeyTable<P>) -> RecordSchema {
    let key = |name: &str| KeySchema {
        name: name.to_owned(),
        scalar: Some("S".to_owned()),
        format: None,
    };
    let purpose = table.purpose.pair().map(|value| (PURPOSE_PAIR.to_owned(), value.to_owned()));
    RecordSchema {
        unprotected: false,
        index_keys: BTreeMap::new(),
        search_tags: BTreeMap::new(),
        unique: BTreeSet::new(),
        table: table.logical.clone(),
        form: ContextForm::Table,
        context: purpose.into_iter().collect(),
        pairs: BTreeSet::from([item::BRANCH.to_owned(), item::VERSION.to_owned()]),
        partition_key: key(item::BRANCH),
        sort_key: Some(key(item::VERSION)),
        entity: BTreeMap::new(),
        groups: BTreeSet::new(),
        fields: BTreeMap::new(),
        plaintext_until: None,
        reasons: BTreeMap::new(),
    }
}

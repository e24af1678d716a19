//! The statements of each role.

use crate::keys::key_table::item::{BRANCH, VERSION};
use crate::keys::key_table::purpose::{PURPOSE_PAIR, Purpose};
use crate::maintain::policy::statement::Statement;
use crate::maintain::policy::{PolicyFor, Role, TableOfKeys, claims};
use crate::record::schema::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD};

const EQUALS: &str = "StringEquals";
pub(crate) const EACH_EQUALS: &str = "ForAllValues:StringEquals";
pub(crate) const EQUALS_IF_EXISTS: &str = "StringEqualsIfExists";
pub(crate) const ATTRIBUTES: &str = "dynamodb:Attributes";
pub(crate) const SELECT: &str = "dynamodb:Select";

/// All statements of the role.
pub(crate) fn statements(facts: &PolicyFor) -> Vec<Statement> {
    let statements = match facts.role {
        Role::Writer => writer(facts),
        Role::Reader => reader(facts),
        Role::Rotator => rotator(facts),
        Role::Auditor => auditor(facts),
        Role::Resealer => resealer(facts),
        Role::Backfill => backfill(facts),
        Role::Reindexer => reindexer(facts),
        Role::BranchOperator => operator(facts, facts.branch_keys.as_ref(), &facts.keys),
        Role::SearchOperator => operator(facts, facts.search_keys.as_ref(), &facts.search_kms_keys),
    };
    statements.into_iter().flatten().collect()
}

pub(crate) type Statements = Vec<Option<Statement>>;

fn writer(facts: &PolicyFor) -> Statements {
    let write = Statement::allow(
        "WriteRecords",
        &[
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ],
        table(facts),
    );
    let mut statements = vec![Some(write)];
    match &facts.branch_keys {
        Some(branch_keys) => statements.extend(uses_branch_keys(facts, branch_keys)),
        None => statements.push(Some(makes_data_keys(facts))),
    }
    statements.extend(uses_search_keys(facts));
    statements.extend(claims::statements(facts));
    statements.push(facts.leaves_tags_out.then(|| never_searches(&facts.search_kms_keys)));
    statements
}

fn reader(facts: &PolicyFor) -> Statements {
    let read = Statement::allow(
        "ReadRecords",
        &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"],
        table(facts),
    );
    let indexes = facts.table.as_ref().map(|table| table.indexes());
    let query = Statement::allow("ReadIndexes", &["dynamodb:Query", "dynamodb:Scan"], indexes);
    let mut statements = vec![Some(read), Some(query)];
    match &facts.branch_keys {
        Some(branch_keys) => statements.extend(uses_branch_keys(facts, branch_keys)),
        None => statements.push(Some(opens(facts, &facts.keys))),
    }
    statements.extend(uses_search_keys(facts));
    statements.extend(claims::statements(facts));
    statements
}

fn rotator(facts: &PolicyFor) -> Statements {
    let names = &facts.attributes;
    vec![
        Some(blind_scan("FindWrappedKeys", table(facts), names.of_wrapped_keys())),
        Some(update("StoreWrappedKeys", table(facts), names.of_moved_keys())),
        Some(describes_table(table(facts))),
        Some(for_records(facts, moves_from(&facts.from))),
        Some(for_records(facts, moves_to(&facts.to))),
        Some(describes_keys(facts)),
        Some(never_decrypts()),
        Some(moves_nowhere_else(&facts.to)),
    ]
}

fn auditor(facts: &PolicyFor) -> Statements {
    let names = &facts.attributes;
    let scan = if facts.opens {
        // A sample is read again by its keys.
        Statement::allow("ReadRecords", &["dynamodb:GetItem", "dynamodb:Scan"], table(facts))
    } else if facts.expects_sealed {
        blind_scan("FindPlaintext", table(facts), names.of_sealed_coverage())
    } else {
        blind_scan("FindWrappedKeys", table(facts), names.of_coverage())
    };
    let mut statements = vec![
        Some(scan),
        Some(describes_table(table(facts))),
        Some(describes_keys(facts)),
        (!facts.opens).then(never_decrypts),
    ];
    if facts.expects_sealed {
        statements.extend(lists_copies(table(facts)).map(Some));
    }
    if let Some(branch_keys) = &facts.branch_keys {
        let names = [BRANCH, VERSION, ENCRYPTED_DEK, ENCRYPTED_PAYLOAD].map(str::to_owned);
        let table = [branch_keys.table.as_str()];
        statements.push(Some(blind_scan("FindBranchKeys", table, names)));
        statements.push(Some(describes_table(table).named("DescribeTableOfBranchKeys")));
        if facts.opens {
            statements.extend(uses_branch_keys(facts, branch_keys));
        }
    } else if facts.opens {
        statements.push(Some(opens(facts, &facts.keys)));
    }
    statements
}

fn resealer(facts: &PolicyFor) -> Statements {
    let read =
        Statement::allow("ReadRecords", &["dynamodb:GetItem", "dynamodb:Scan"], table(facts));
    let makes = Statement::allow("MakeDataKeys", &["kms:GenerateDataKey"], facts.to.clone());
    let mut statements = vec![
        Some(read),
        Some(update("StoreSealedRecords", table(facts), facts.attributes.of_resealed())),
        Some(describes_table(table(facts))),
        (!facts.from.is_empty()).then(|| opens(facts, &facts.from)),
        (!facts.to.is_empty()).then(|| for_records(facts, makes)),
        Some(describes_keys(facts)),
    ];
    if let Some(branch_keys) = &facts.branch_keys {
        statements.extend(uses_branch_keys(facts, branch_keys));
    }
    statements
}

/// Makes data keys for records, and opens those of records if it `also_opens`. A branch key does
/// both.
fn seals_records(facts: &PolicyFor, also_opens: bool) -> Statements {
    match &facts.branch_keys {
        Some(branch_keys) => uses_branch_keys(facts, branch_keys).into_iter().collect(),
        None => {
            vec![Some(makes_data_keys(facts)), also_opens.then(|| opens(facts, &facts.keys))]
        }
    }
}

fn backfill(facts: &PolicyFor) -> Statements {
    let mut statements = vec![
        Some(Statement::allow("ReadItems", &["dynamodb:Scan"], table(facts))),
        Some(update("SealItems", table(facts), facts.attributes.of_sealed_items())),
        Some(describes_table(table(facts))),
        Some(describes_keys(facts)),
    ];
    statements.extend(seals_records(facts, facts.opens));
    statements.extend(uses_search_keys(facts));
    statements.extend(claims::statements(facts));
    statements
}

fn reindexer(facts: &PolicyFor) -> Statements {
    let mut statements = vec![
        Some(Statement::allow("ReadRecords", &["dynamodb:Scan"], table(facts))),
        Some(update("StoreSearchTags", table(facts), facts.attributes.of_resealed())),
        Some(describes_table(table(facts))),
        Some(describes_keys(facts)),
    ];
    statements.extend(seals_records(facts, true));
    statements.extend(uses_search_keys(facts));
    statements.extend(claims::statements(facts));
    statements
}

/// Whoever keeps a table of keys, and sees none of them.
fn operator(facts: &PolicyFor, keys: Option<&TableOfKeys>, makers: &[String]) -> Statements {
    let Some(keys) = keys else { return Vec::new() };
    let (keeps, makes) = match keys.purpose {
        Purpose::Branch => ("KeepBranchKeys", "MakeBranchKeys"),
        Purpose::Search => ("KeepSearchKeys", "MakeSearchKeys"),
    };
    let keep = Statement::allow(
        keeps,
        &[
            "dynamodb:ConditionCheckItem",
            "dynamodb:CreateTable",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        ],
        [keys.table.as_str()],
    );
    let makers = if makers.is_empty() { &facts.to } else { makers };
    let makes = Statement::allow(makes, &["kms:GenerateDataKeyWithoutPlaintext"], makers.to_vec());
    vec![
        Some(keep),
        Some(describes_table([keys.table.as_str()])),
        Some(for_keys_of(keys, makes)),
        (!facts.from.is_empty()).then(|| for_keys_of(keys, moves_from(&facts.from))),
        (!facts.to.is_empty()).then(|| for_keys_of(keys, moves_to(&facts.to))),
        Some(describes_keys(facts)),
        Some(never_decrypts()),
        Some(moves_nowhere_else(&facts.to)),
    ]
}

/// One of several recipients makes the data key, and the others encrypt it.
fn makes_data_keys(facts: &PolicyFor) -> Statement {
    let actions: &[&str] = match facts.keys.as_slice() {
        [_, _, ..] => &["kms:Encrypt", "kms:GenerateDataKey"],
        _ => &["kms:GenerateDataKey"],
    };
    for_records(facts, Statement::allow("MakeDataKeys", actions, facts.keys.clone()))
}

/// What writers and readers alike need under branch keys.
fn uses_branch_keys(facts: &PolicyFor, branch_keys: &TableOfKeys) -> [Option<Statement>; 2] {
    let find =
        Statement::allow("FindBranchKeys", &["dynamodb:GetItem"], [branch_keys.table.as_str()]);
    let keys = facts.keys.clone();
    let unwrap = Statement::allow("UnwrapBranchKeys", &["kms:Decrypt"], keys);
    [Some(find), Some(for_keys_of(branch_keys, unwrap))]
}

/// What searching and the writing of searchable fields need.
fn uses_search_keys(facts: &PolicyFor) -> Statements {
    let Some(search_keys) = &facts.search_keys else { return Vec::new() };
    let find =
        Statement::allow("FindSearchKeys", &["dynamodb:GetItem"], [search_keys.table.as_str()]);
    let keys = facts.search_kms_keys.clone();
    let unwrap = Statement::allow("UnwrapSearchKeys", &["kms:Decrypt"], keys);
    vec![Some(find), Some(for_keys_of(search_keys, unwrap))]
}

pub(crate) fn table(facts: &PolicyFor) -> Option<String> {
    facts.table.as_ref().map(|table| table.as_str().to_owned())
}

/// A scan that reads these attributes only.
///
/// `Select` is required because a request without it names no attribute, and `ForAllValues` is true
/// of an empty list. Only scans and queries have it: an update must not be asked for it.
fn blind_scan(
    sid: &str,
    table: impl IntoIterator<Item = impl Into<String>>,
    attributes: impl IntoIterator<Item = String>,
) -> Statement {
    Statement::allow(sid, &["dynamodb:Scan"], table)
        .when(EQUALS, SELECT, ["SPECIFIC_ATTRIBUTES"])
        .when(EACH_EQUALS, ATTRIBUTES, attributes)
}

/// An update that names these attributes only, and returns none.
fn update(
    sid: &str,
    table: impl IntoIterator<Item = impl Into<String>>,
    attributes: impl IntoIterator<Item = String>,
) -> Statement {
    Statement::allow(sid, &["dynamodb:UpdateItem"], table)
        .when(EACH_EQUALS, ATTRIBUTES, attributes)
        .when(EQUALS_IF_EXISTS, "dynamodb:ReturnValues", ["NONE"])
}

/// Replicas, backups and the number of items, which a run looks at first.
fn describes_table(table: impl IntoIterator<Item = impl Into<String>>) -> Statement {
    Statement::allow(
        "DescribeTable",
        &["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable"],
        table,
    )
}

/// The copies of a table that a scan does not read. IAM knows no resource for the list of backups.
fn lists_copies(table: impl IntoIterator<Item = impl Into<String>>) -> [Statement; 2] {
    let of_table = ["dynamodb:DescribeKinesisStreamingDestination", "dynamodb:ListExports"];
    [
        Statement::allow("ListCopies", &of_table, table),
        Statement::allow("ListBackups", &["dynamodb:ListBackups"], ["*"]),
    ]
}

/// To resolve an alias, and to see that a key is enabled.
fn describes_keys(facts: &PolicyFor) -> Statement {
    let mut keys: Vec<_> = [&facts.keys, &facts.from, &facts.to].into_iter().flatten().collect();
    if facts.role == Role::SearchOperator {
        keys.extend(&facts.search_kms_keys);
    }
    keys.sort();
    keys.dedup();
    Statement::allow("DescribeKeys", &["kms:DescribeKey"], keys.into_iter().cloned())
}

fn opens(facts: &PolicyFor, keys: &[String]) -> Statement {
    for_records(facts, Statement::allow("UnwrapDataKeys", &["kms:Decrypt"], keys.to_vec()))
}

fn moves_from(keys: &[String]) -> Statement {
    Statement::allow("MoveKeysFrom", &["kms:ReEncryptFrom"], keys.to_vec())
}

fn moves_to(keys: &[String]) -> Statement {
    Statement::allow("MoveKeysTo", &["kms:ReEncryptTo"], keys.to_vec())
}

/// Denied, not only left out: this also beats grants, key policies, and other policies of the role.
fn never_decrypts() -> Statement {
    Statement::deny("NeverDecrypt", &["kms:Decrypt"])
}

/// Moving a search key to a key of one's own is reading it, too.
fn never_searches(keys: &[String]) -> Statement {
    let actions = ["kms:Decrypt", "kms:ReEncryptFrom"];
    Statement::deny_on("NeverUnwrapSearchKeys", &actions, keys.to_vec())
}

/// Moving a data key to a key of one's own is reading it.
fn moves_nowhere_else(to: &[String]) -> Statement {
    Statement::deny_elsewhere("MoveKeysNowhereElse", &["kms:ReEncryptTo"], to.to_vec())
}

/// For the encryption contexts of the table's records alone.
fn for_records(facts: &PolicyFor, statement: Statement) -> Statement {
    let statement = with_pair(statement, "table", &facts.logical);
    facts
        .pinned
        .iter()
        .fold(statement, |statement, (name, value)| with_pair(statement, name, value))
}

/// For the encryption contexts of one table of keys alone.
fn for_keys_of(keys: &TableOfKeys, statement: Statement) -> Statement {
    let statement = with_pair(statement, "table", &keys.logical);
    match keys.purpose.pair() {
        Some(purpose) => with_pair(statement, PURPOSE_PAIR, purpose),
        None => statement,
    }
}

fn with_pair(statement: Statement, name: &str, value: &str) -> Statement {
    statement.when(EQUALS, format!("kms:EncryptionContext:{name}"), [value])
}

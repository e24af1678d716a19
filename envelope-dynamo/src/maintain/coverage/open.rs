//! Opens stored records without their structs, to prove that they open.

use envelope_core::{EncryptedDek, KeyKind, UnwrapKey};

use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::item::group::{Group, open_group};
use crate::item::open_own::open_own;
use crate::maintain::engine::limits::Pace;
use crate::maintain::stored_table::StoredTable;
use crate::record::kind::Kind;
use crate::record::schema::ENCRYPTED_DEK;

/// How often a record is tried while a service is throttled or not reached.
const MAX_TRIES: u32 = 16;

/// The groups of a record that opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OpenedGroups {
    pub(crate) opened: u64,
    pub(crate) withheld: u64,
}

/// Opens the record in `item` with its groups, and wipes what it held.
pub(crate) async fn open_stored(
    table: &StoredTable,
    kind: &Kind,
    item: &Item,
    provider: &dyn UnwrapKey,
    pace: &Pace,
) -> Result<OpenedGroups, ErrorKind> {
    let mut retry = Retry::new(&table.client);
    loop {
        match try_open(kind, item.clone(), provider, pace).await {
            Err(error) if error.is_transient() && retry.failed() < MAX_TRIES => {
                pace.kms.throttled();
                retry.pause().await;
            }
            outcome => return outcome,
        }
    }
}

async fn try_open(
    kind: &Kind,
    mut item: Item,
    provider: &dyn UnwrapKey,
    pace: &Pace,
) -> Result<OpenedGroups, ErrorKind> {
    // A provider of branch keys or local keys asks KMS rarely or never.
    let asks_kms = asks_kms(&item);
    if asks_kms {
        pace.kms.take().await;
    }
    let own = open_own(kind, &mut item, provider).await?;
    let mut groups = OpenedGroups::default();
    for group in kind.schema.groups() {
        if asks_kms {
            pace.kms.take().await;
        }
        match open_group(kind, &mut item, group, &own.authenticated, provider).await? {
            Some(Group::Opened(_)) => groups.opened += 1,
            Some(Group::Withheld) => groups.withheld += 1,
            None => {}
        }
    }
    Ok(groups)
}

fn asks_kms(item: &Item) -> bool {
    let dek = item.get(ENCRYPTED_DEK).and_then(|dek| dek.as_b().ok());
    let dek = dek.and_then(|dek| EncryptedDek::parse(dek.as_ref()).ok());
    dek.is_some_and(|dek| dek.keys().iter().any(|entry| entry.kind() == KeyKind::AWS_KMS))
}

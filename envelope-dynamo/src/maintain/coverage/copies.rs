//! Asks AWS for the copies of a table's items that a scan does not read.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::{
    BackupTypeFilter, KeySchemaElement, PointInTimeRecoveryStatus, Projection, StreamViewType,
    TableDescription,
};

use crate::maintain::report::{Copies, CopyKind, NotAsked, OtherCopy};
use crate::maintain::stored_table::StoredTable;

/// The copies of a table. What DynamoDB does not answer is noted: it does not fail a count that
/// took hours.
pub(crate) async fn copies_of(table: &StoredTable) -> Copies {
    let mut asked = Asked { table, client: &table.client, copies: Copies::default() };
    let arn = asked.description().await;
    asked.recovery().await;
    asked.backups().await;
    asked.exports(&arn).await;
    asked.kinesis().await;
    asked.not_asked(
        CopyKind::Backup,
        "recovery points in AWS Backup: `aws backup list-recovery-points-by-resource`".to_owned(),
    );
    asked.copies
}

struct Asked<'a> {
    table: &'a StoredTable,
    client: &'a Client,
    copies: Copies,
}

impl Asked<'_> {
    fn found(&mut self, kind: CopyKind, name: &str, since: Option<&DateTime>, detail: String) {
        let since = since.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok());
        self.copies.known.push(OtherCopy { kind, name: name.to_owned(), since, detail });
    }

    fn not_asked(&mut self, kind: CopyKind, problem: String) {
        self.copies.not_asked.push(NotAsked { kind, problem });
    }

    fn refused<E: ProvideErrorMetadata>(
        &mut self,
        kind: CopyKind,
        operation: &str,
        error: &SdkError<E>,
    ) {
        let cause = match error.code() {
            Some(code) => code.to_owned(),
            None => "no answer".to_owned(),
        };
        self.not_asked(kind, format!("dynamodb:{operation}: {cause}"));
    }

    /// The stream, replicas and indexes. Returns the ARN of the table.
    async fn description(&mut self) -> String {
        let output = self.client.describe_table().table_name(self.table.name()).send().await;
        match output {
            Ok(output) => {
                let table = output.table.unwrap_or_else(|| TableDescription::builder().build());
                self.stream(&table);
                self.replicas(&table);
                self.indexes(&table);
                table.table_arn.unwrap_or_default()
            }
            Err(error) => {
                for kind in [CopyKind::Stream, CopyKind::Replica, CopyKind::Index] {
                    self.refused(kind, "DescribeTable", &error);
                }
                String::new()
            }
        }
    }

    fn stream(&mut self, table: &TableDescription) {
        let Some(arn) = table.latest_stream_arn() else { return };
        let images = table.stream_specification().and_then(|stream| stream.stream_view_type());
        let state = match images {
            // It has no values but those of the key.
            Some(StreamViewType::KeysOnly) => return,
            Some(images) => images.as_str(),
            None => "switched off",
        };
        let detail = format!("{state}; each event stays for 24 hours");
        self.found(CopyKind::Stream, arn, None, detail);
    }

    fn replicas(&mut self, table: &TableDescription) {
        let own = table.table_arn().and_then(|arn| arn.split(':').nth(3)).unwrap_or_default();
        let regions = table.replicas().iter().filter_map(|replica| replica.region_name());
        for region in regions.filter(|region| *region != own) {
            let detail = "follows this table; its own recovery, backups, exports and streams were \
                          not looked at: count there too";
            self.found(CopyKind::Replica, region, None, detail.to_owned());
        }
    }

    /// The indexes that name an encrypted field. An index follows its table, so it keeps no
    /// plaintext, but its queries find less than before.
    fn indexes(&mut self, table: &TableDescription) {
        let global = table.global_secondary_indexes().iter();
        let global =
            global.map(|index| (index.index_name(), index.projection(), index.key_schema()));
        let local = table.local_secondary_indexes().iter();
        let local = local.map(|index| (index.index_name(), index.projection(), index.key_schema()));
        let encrypted = self.table.encrypted_attributes();
        for (name, projection, keys) in global.chain(local) {
            if let Some(detail) = of_index(projection, keys, &encrypted) {
                self.found(CopyKind::Index, name.unwrap_or_default(), None, detail);
            }
        }
    }

    async fn recovery(&mut self) {
        let asked = self.client.describe_continuous_backups().table_name(self.table.name());
        let (kind, operation) = (CopyKind::PointInTimeRecovery, "DescribeContinuousBackups");
        match asked.send().await {
            Ok(output) => {
                let description = output.continuous_backups_description;
                let recovery = description.and_then(|it| it.point_in_time_recovery_description);
                let Some(recovery) = recovery else { return };
                let status = recovery.point_in_time_recovery_status();
                if status == Some(&PointInTimeRecoveryStatus::Enabled) {
                    let since = recovery.earliest_restorable_date_time();
                    let detail = match recovery.recovery_period_in_days() {
                        Some(days) => format!("each second of the last {days} days"),
                        None => "each second of the last 35 days at most".to_owned(),
                    };
                    let name = self.table.name();
                    self.found(kind, name, since, detail);
                }
            }
            Err(error) => self.refused(kind, operation, &error),
        }
    }

    async fn backups(&mut self) {
        let mut after = None;
        loop {
            let asked = self.client.list_backups().table_name(self.table.name());
            let asked = asked.backup_type(BackupTypeFilter::All);
            match asked.set_exclusive_start_backup_arn(after).send().await {
                Ok(page) => {
                    for backup in page.backup_summaries() {
                        let name = backup.backup_arn().unwrap_or_default();
                        let made_by = backup.backup_type().map_or("", |kind| kind.as_str());
                        let since = backup.backup_creation_date_time();
                        self.found(CopyKind::Backup, name, since, made_by.to_owned());
                    }
                    after = page.last_evaluated_backup_arn;
                    if after.is_none() {
                        return;
                    }
                }
                Err(error) => return self.refused(CopyKind::Backup, "ListBackups", &error),
            }
        }
    }

    async fn exports(&mut self, arn: &str) {
        let mut exports = self.client.list_exports().table_arn(arn).into_paginator().send();
        while let Some(page) = exports.next().await {
            match page {
                Ok(page) => {
                    for export in page.export_summaries() {
                        let name = export.export_arn().unwrap_or_default();
                        let status = export.export_status().map_or("", |status| status.as_str());
                        let detail = format!(
                            "{status}; `aws dynamodb describe-export` names its bucket, and \
                             DynamoDB forgets exports after 90 days"
                        );
                        self.found(CopyKind::Export, name, None, detail);
                    }
                }
                Err(error) => return self.refused(CopyKind::Export, "ListExports", &error),
            }
        }
    }

    async fn kinesis(&mut self) {
        let asked = self.client.describe_kinesis_streaming_destination();
        match asked.table_name(self.table.name()).send().await {
            Ok(output) => {
                for stream in output.kinesis_data_stream_destinations() {
                    let name = stream.stream_arn().unwrap_or_default();
                    let status = stream.destination_status().map_or("", |status| status.as_str());
                    let detail = format!("{status}; Kinesis keeps events for up to 365 days");
                    self.found(CopyKind::KinesisStream, name, None, detail);
                }
            }
            Err(error) => {
                let operation = "DescribeKinesisStreamingDestination";
                self.refused(CopyKind::KinesisStream, operation, &error);
            }
        }
    }
}

/// What sealing changes for an index; `None` if nothing.
fn of_index(
    projection: Option<&Projection>,
    keys: &[KeySchemaElement],
    encrypted: &[String],
) -> Option<String> {
    let is_encrypted = |name: &&str| encrypted.iter().any(|field| field == name);
    let key = keys.iter().map(KeySchemaElement::attribute_name).find(is_encrypted);
    if let Some(key) = key {
        return Some(format!("its key `{key}` is encrypted: no sealed record is in it"));
    }
    let projected = projection.map(Projection::non_key_attributes).unwrap_or_default();
    let lost: Vec<_> = projected.iter().map(String::as_str).filter(is_encrypted).collect();
    let lost: Vec<_> = lost.iter().map(|name| format!("`{name}`")).collect();
    (!lost.is_empty())
        .then(|| format!("follows this table; sealed records have no {} in it", lost.join(", ")))
}

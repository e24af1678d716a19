//! Opens a table's export line by line: compressed DynamoDB JSON, as `ExportTableToPointInTime`
//! writes it to S3.
//!
//! ```text
//! # writes a sample export, and opens it
//! cargo run --example s3_export
//! # opens a file; KMS_KEY_ID names the key at AWS
//! cargo run --example s3_export -- FILE.json.gz
//! # continues after line 5000
//! cargo run --example s3_export -- FILE.json.gz 5000
//! ```
//!
//! Memory does not grow with the file. If a line does not open, the program prints its number and
//! continues.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::{
    Envelope, KmsKeyProvider, LocalKeyProvider, RootKey, UnwrapKey, from_item, to_item,
};
use envelope_examples::Clients;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    logins: u64,
}

/// A line of an export.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(rename = "Item")]
    item: serde_dynamo::Item,
}

/// Counts of an export.
#[derive(Debug, Default)]
struct Progress {
    lines: u64,
    opened: u64,
    logins: u64,
    failed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    let mut arguments = std::env::args().skip(1);
    if let Some(file) = arguments.next() {
        let after = arguments.next().map_or(Ok(0), |line| line.parse())?;
        let servers = Clients::of_aws().await?;
        let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
        println!("{:?}", open_export(Path::new(&file), after, &provider).await?);
        return Ok(());
    }

    let provider = LocalKeyProvider::new(RootKey::generate()?);
    let file = write_export(&provider).await?;
    let all = open_export(&file, 0, &provider).await?;
    println!(
        "Opened {} of {} lines. The users logged in {} times.\n",
        all.opened, all.lines, all.logins
    );
    let rest = open_export(&file, 900, &provider).await?;
    println!("Opened {} lines after line 900.", rest.opened);
    std::fs::remove_file(file)?;

    assert_eq!((all.lines, all.opened, all.failed), (1000, 999, 1));
    assert_eq!((rest.lines, rest.opened, rest.failed), (1000, 100, 0));
    Ok(())
}

/// Opens the records of an export after the line `after`.
async fn open_export(
    file: &Path,
    after: u64,
    provider: &impl UnwrapKey,
) -> Result<Progress, Box<dyn StdError>> {
    let mut progress = Progress::default();
    // An export file consists of several gzip members.
    for line in BufReader::new(MultiGzDecoder::new(File::open(file)?)).lines() {
        let line = line?;
        progress.lines += 1;
        if progress.lines <= after {
            continue;
        }
        let Line { item } = serde_json::from_str(&line)?;
        let item: HashMap<String, AttributeValue> = item.into();
        match from_item::<User>(item, provider).await {
            Ok(user) => {
                progress.opened += 1;
                progress.logins += user.logins;
            }
            Err(error) => {
                progress.failed += 1;
                println!("Line {} does not open: {error}", progress.lines);
            }
        }
        if progress.lines.is_multiple_of(500) {
            println!("Read {} lines.", progress.lines);
        }
    }
    Ok(progress)
}

/// Writes an export of a thousand users, in which one record has another user's key.
async fn write_export(provider: &LocalKeyProvider) -> Result<PathBuf, Box<dyn StdError>> {
    let file = std::env::temp_dir().join(format!("envelope-export-{}.json.gz", std::process::id()));
    let mut export = GzEncoder::new(File::create(&file)?, Compression::fast());
    for number in 1..=1000 {
        let user = User {
            user_id: format!("u_{number}"),
            email: format!("user.{number}@example.com"),
            logins: number % 7,
        };
        let mut item = to_item(&user, provider).await?;
        if number == 700 {
            item.insert("user_id".to_owned(), AttributeValue::S("u_1".to_owned()));
        }
        serde_json::to_writer(&mut export, &Line { item: item.into() })?;
        writeln!(export)?;
    }
    export.finish()?;
    Ok(file)
}

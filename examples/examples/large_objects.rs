//! Seals a file of any size, opens it again, and shows that a changed file does not open.
//!
//! ```text
//! # a generated file of 5 MB, KMS embedded in this process
//! cargo run --example large_objects
//! # your own file
//! cargo run --example large_objects -- video.mp4
//! # against an emulator (KMS_KEY_ID names a key there)
//! KMS_ENDPOINT=http://localhost:4566 cargo run --example large_objects
//! ```

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use envelope_dynamo::message::Context;
use envelope_dynamo::stream::{
    SealWriter, StreamSealer, UntrustedStreamHeader, open_to_file, seal_stream,
};
use envelope_dynamo::{KeyProvider, KmsKeyProvider};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use tokio::fs::File;

/// The plaintext of a chunk and its tag.
const SEALED_CHUNK_BYTES: usize = 65_536 + 16;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let servers = Servers::from_env().await?;
    println!("Using {}.\n", servers.describe());
    let folder = std::env::temp_dir().join(unique_name("large-objects"));
    fs::create_dir(&folder)?;
    let outcome = demonstrate(&servers, &folder).await;
    fs::remove_dir_all(&folder)?;
    outcome
}

async fn demonstrate(servers: &Servers, folder: &Path) -> Result<(), Box<dyn Error>> {
    let original = match std::env::args_os().nth(1) {
        Some(file) => PathBuf::from(file),
        None => generate_file(folder)?,
    };
    let (sealed, opened) = (folder.join("sealed"), folder.join("opened"));
    let calls = Faults::new(); // only counts calls here
    let provider = KmsKeyProvider::new(servers.kms_through(&calls), servers.kms_key_id());
    // The place of the object: it opens nowhere else.
    let context = Context::new("reports").pair("object", "2026/11/measurements.csv")?;

    let written = seal_stream(
        File::open(&original).await?,
        File::create(&sealed).await?,
        &context,
        &provider,
    )
    .await?;
    let stored = fs::read(&sealed)?;
    println!(
        "Sealed {} bytes with {} call to KMS. The sealed object has {written} bytes.",
        fs::metadata(&original)?.len(),
        calls.calls("GenerateDataKey")
    );
    println!("It starts with {}..\n", hex(stored.get(..24).unwrap_or_default()));

    let bytes = open(&sealed, &opened, &context, &provider).await?;
    let same = same_content(&original, &opened)?;
    println!(
        "Opened it again: {bytes} bytes, {} the original.\n",
        if same { "equal to" } else { "DIFFERENT from" }
    );
    fs::remove_file(&opened)?;

    println!("An attacker who can write the bucket tries to");
    let header = 67 + UntrustedStreamHeader::read(&stored[..])?.encrypted_dek().to_bytes().len();
    for (attempt, changed) in attempts(&stored, header) {
        fs::write(&sealed, changed)?;
        report(attempt, open(&sealed, &opened, &context, &provider).await, &opened);
    }
    fs::write(&sealed, &stored)?;
    let elsewhere = Context::new("reports").pair("object", "2026/12/measurements.csv")?;
    report(
        "store it as another object",
        open(&sealed, &opened, &elsewhere, &provider).await,
        &opened,
    );

    println!("\nAn upload that broke off does not pass for the whole object:");
    let mut writer =
        SealWriter::new(StreamSealer::new(&context, &provider).await?, fs::File::create(&sealed)?);
    writer.write_all(&fs::read(&original)?)?;
    drop(writer); // after an error, a panic or a cancelled task, `finish` was not called
    report("writer dropped", open(&sealed, &opened, &context, &provider).await, &opened);
    Ok(())
}

/// Opens into a file that exists only if all of it is authentic.
async fn open(
    sealed: &Path,
    opened: &Path,
    context: &Context<'_>,
    provider: &impl KeyProvider,
) -> Result<u64, Box<dyn Error>> {
    let mut stream = fs::File::open(sealed)?;
    let opener = UntrustedStreamHeader::read(&mut stream)?.open(context, provider).await?;
    let opened = opened.to_owned();
    Ok(tokio::task::spawn_blocking(move || open_to_file(opener, stream, opened)).await??)
}

fn attempts(stored: &[u8], header: usize) -> Vec<(&'static str, Vec<u8>)> {
    let (head, chunks) = stored.split_at(header);
    let mut chunks: Vec<&[u8]> = chunks.chunks(SEALED_CHUNK_BYTES).collect();
    let mut flipped = stored.to_vec();
    if let Some(byte) = flipped.last_mut() {
        *byte ^= 1;
    }
    let all_but_one = chunks.len() - 1;
    let cut = [head, &chunks.split_at(all_but_one).0.concat()].concat();
    chunks.rotate_left(1);
    let turned = [head, &chunks.concat()].concat();
    vec![
        ("change the last bit", flipped),
        ("remove the last chunk", cut),
        ("move the first chunk to the end", turned),
        ("append a byte", [stored, b"\n"].concat()),
    ]
}

fn report(attempt: &str, outcome: Result<u64, Box<dyn Error>>, opened: &Path) {
    let left = if opened.exists() { "A FILE WAS LEFT" } else { "no file was left" };
    match outcome {
        Ok(_) => println!("- {attempt}: IT OPENED, {left}"),
        Err(error) => println!("- {attempt} ({left}):\n    {error}"),
    }
}

fn generate_file(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = folder.join("measurements.csv");
    let mut file = std::io::BufWriter::new(fs::File::create(&path)?);
    for second in 0..200_000 {
        writeln!(file, "p_alice,{second:06},{:03}.{} bpm", 60 + second % 37, second % 10)?;
    }
    file.flush()?;
    Ok(path)
}

fn same_content(a: &Path, b: &Path) -> Result<bool, Box<dyn Error>> {
    let (mut a, mut b) = (fs::File::open(a)?, fs::File::open(b)?);
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let n = a.read(&mut left)?;
        let (left, right) = (left.split_at(n).0, right.split_at_mut(n).0);
        if b.read_exact(right).is_err() || left != right {
            return Ok(false);
        }
        if n == 0 {
            return Ok(b.read(&mut [0])? == 0);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

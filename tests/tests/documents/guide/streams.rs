//! The code of docs/guide/streams.md. It runs as well.

use std::error::Error;
use std::io::Read;
use std::path::PathBuf;

use envelope_dynamo::error::ContextError;
use envelope_dynamo::message::Context;
use envelope_dynamo::stream::{UntrustedStreamHeader, open_to_file, seal_stream};
use envelope_dynamo::{Envelope, KeyProvider};
use envelope_examples::servers::unique_name;
use envelope_tests::local_keys;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_blocking;

async fn seal_scan(
    scan: &Scan,
    body: impl AsyncRead + Unpin,
    upload: impl AsyncWrite + Unpin,
    keys: &impl KeyProvider,
) -> Result<u64, Box<dyn Error>> {
    Ok(seal_stream(body, upload, &scan.context()?, keys).await?)
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "scans")]
struct Scan {
    #[partition_key]
    patient: String,
    #[sort_key]
    scan: String,
    #[authenticated]
    revision: u32, // a new one for each upload
}

impl Scan {
    /// The object belongs to this scan, and to this revision alone.
    fn context(&self) -> Result<Context<'static>, ContextError> {
        let context = Context::new("scans").pair("patient", self.patient.clone())?;
        let context = context.pair("scan", self.scan.clone())?;
        context.pair("revision", self.revision.to_string())
    }
}

async fn open_scan(
    scan: &Scan,
    mut sealed: impl Read + Send + 'static,
    path: PathBuf,
    keys: &impl KeyProvider,
) -> Result<u64, Box<dyn Error>> {
    let header = UntrustedStreamHeader::read(&mut sealed)?;
    let opener = header.open(&scan.context()?, keys).await?;
    Ok(spawn_blocking(move || open_to_file(opener, sealed, path)).await??)
}

#[tokio::test]
async fn an_object_opens_for_its_own_revision_alone() -> Result<(), Box<dyn Error>> {
    let keys = local_keys(1);
    let scan = Scan { patient: "p_1".to_owned(), scan: "s_1".to_owned(), revision: 1 };
    let (body, mut sealed) = (vec![7; 200_000], Vec::new());
    let written = seal_scan(&scan, &body[..], &mut sealed, &keys).await?;
    assert_eq!(written, sealed.len() as u64);

    let path = std::env::temp_dir().join(unique_name("scan"));
    let next = Scan { revision: 2, ..scan.clone() };
    for (scan, bytes) in [(&next, sealed.clone()), (&scan, sealed[..150_000].to_vec())] {
        let opened = open_scan(scan, std::io::Cursor::new(bytes), path.clone(), &keys).await;
        assert!(opened.is_err() && !path.exists(), "{opened:?}");
    }
    let opened = open_scan(&scan, std::io::Cursor::new(sealed), path.clone(), &keys).await?;
    assert_eq!((opened, std::fs::read(&path)?), (200_000, body));
    std::fs::remove_file(path)?;
    Ok(())
}

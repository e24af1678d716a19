//! The code of docs/guide/without-a-table.md.

use std::error::Error;

use envelope_dynamo::KmsKeyProvider;
use envelope_dynamo::message::Context;
use envelope_dynamo::stream::seal_stream;
use tokio::io::{AsyncRead, AsyncWrite};

async fn seal_an_upload(
    kms: aws_sdk_kms::Client,
    body: impl AsyncRead + Unpin,
    mut upload: impl AsyncWrite + Unpin,
) -> Result<(), Box<dyn Error>> {
    let provider = KmsKeyProvider::new(kms, "alias/invoices");
    let context = Context::new("invoices").pair("object", "2026/11/invoice-7.pdf")?;
    seal_stream(body, &mut upload, &context, &provider).await?;
    Ok(())
}

//! Reading a large result on all threads of the runtime, compared with reading it on one thread:
//! see `benches/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

#[path = "../../benches/harness.rs"]
#[expect(dead_code, reason = "no input is used up here")]
mod harness;

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{RuntimeComponents, SharedHttpClient};
use aws_sdk_dynamodb::types::ScalarAttributeType;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
use envelope_examples::Servers;
use envelope_examples::servers::create_table;
use tokio::runtime::Builder;

use harness::{contest, heading, repeated};

/// A record of 4 KiB.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "scans")]
struct Scan {
    #[partition_key]
    patient: String,
    #[sort_key]
    number: u64,
    #[encrypted]
    report: String,
}

const PATIENT: &str = "p_12345";
const REPORT_BYTES: usize = 4096 - 40;
const RECORDS: u64 = 16_000;
const THREADS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let servers = runtime.block_on(Servers::embedded())?;
    let (partition, sort) =
        (("patient", ScalarAttributeType::S), ("number", ScalarAttributeType::N));
    runtime.block_on(create_table(servers.dynamodb(), "scans", partition, Some(sort)))?;
    let client = remembering(servers.dynamodb());
    let table = Table::<Scan>::new(client.clone(), LocalKeyProvider::new(RootKey::generate()?));

    let report = "r".repeat(REPORT_BYTES);
    let all: Vec<Scan> = (0..RECORDS)
        .map(|number| Scan { patient: PATIENT.into(), number, report: report.clone() })
        .collect();
    runtime.block_on(table.batch_put(&all).send())?;
    // Now the client remembers the answers.
    assert_eq!(runtime.block_on(table.query(PATIENT).on_all_threads().send())?, all);
    drop(all);

    // A worker runs the query, because the thread of `block_on` is not one of the workers.
    let read = |all_threads: bool| {
        let table = table.clone();
        let query = async move {
            let query = table.query(PATIENT);
            let query = if all_threads { query.on_all_threads() } else { query };
            query.send().await.unwrap()
        };
        runtime.block_on(runtime.spawn(query)).unwrap()
    };
    let pages = || {
        let query = client
            .query()
            .table_name("scans")
            .key_condition_expression("patient = :patient")
            .expression_attribute_values(
                ":patient",
                aws_sdk_dynamodb::types::AttributeValue::S(PATIENT.to_owned()),
            );
        let read = async move {
            let mut pages = query.into_paginator().send();
            let mut items = Vec::new();
            while let Some(page) = pages.next().await {
                items.extend(page.unwrap().items.unwrap_or_default());
            }
            items
        };
        runtime.block_on(runtime.spawn(read)).unwrap()
    };

    println!("medians in microseconds, and ratios to them");
    heading(&format!("{RECORDS} records of 4 KiB"), &["all threads", "one thread", "SDK, sealed"]);
    contest(
        "query",
        [&mut repeated(|| read(true)), &mut repeated(|| read(false)), &mut repeated(pages)],
    );
    Ok(())
}

/// A client that sends each query once, and then answers it from memory. A server of its own would
/// not take this process's time.
fn remembering(client: &Client) -> Client {
    let server = client.config().http_client().unwrap();
    let answers = Answers { server, remembered: Arc::default() };
    Client::from_conf(client.config().to_builder().http_client(answers).build())
}

#[derive(Clone, Debug)]
struct Answers {
    server: SharedHttpClient,
    remembered: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
}

impl HttpClient for Answers {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connection {
            server: self.server.http_connector(settings, components),
            remembered: Arc::clone(&self.remembered),
        })
    }
}

#[derive(Debug)]
struct Connection {
    server: SharedHttpConnector,
    remembered: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_query = request.headers().get("x-amz-target").is_some_and(|t| t.ends_with(".Query"));
        if !is_query {
            return self.server.call(request);
        }
        let question = request.body().bytes().unwrap_or_default().to_vec();
        if let Some(answer) = self.remembered.lock().unwrap().get(&question) {
            let body = answer.clone().into();
            return HttpConnectorFuture::ready(Ok(HttpResponse::new(
                200.try_into().unwrap(),
                body,
            )));
        }
        let (answer, remembered) = (self.server.call(request), Arc::clone(&self.remembered));
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            let body = answer.body().bytes().unwrap_or_default().to_vec();
            remembered.lock().unwrap().insert(question, body);
            Ok(answer)
        })
    }
}

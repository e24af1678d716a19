//! DynamoDB in this process, without a socket: an HTTP client that hands requests to an in-memory
//! database.

use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::http::{operation, response};

/// Never resolved. If a client loses its HTTP client, its requests end here and not at AWS.
pub(crate) const ENDPOINT: &str = "http://dynamodb.invalid";

/// An [`HttpClient`] whose connections all lead to one database.
#[derive(Clone)]
pub(crate) struct EmbeddedDynamoDb(Database);

impl EmbeddedDynamoDb {
    pub(crate) fn new() -> Result<Self, Error> {
        let database = Database::memory();
        database
            .map(Self)
            .map_err(|error| Error::because("cannot create the embedded DynamoDB", error))
    }

    fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        match dispatch(&self.0, operation, body) {
            Ok(reply) => (200, reply),
            Err(error) => (error.status_code(), error.to_json()),
        }
    }
}

impl fmt::Debug for EmbeddedDynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmbeddedDynamoDb")
    }
}

impl HttpClient for EmbeddedDynamoDb {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for EmbeddedDynamoDb {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let server = self.clone();
        // Nothing happens before the first poll: a call that is dropped unpolled was never sent.
        HttpConnectorFuture::new(async move {
            let body = request.body().bytes().unwrap_or_default();
            let (status, reply) = server.answer(operation(&request), body);
            response(status, reply.into_bytes(), "application/x-amz-json-1.0")
        })
    }
}

fn call<Q: DeserializeOwned, R: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> dynoxide::Result<R>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_slice(body)
        .map_err(|e| DynoxideError::ValidationException(e.to_string()))?;
    serde_json::to_string(&operation(request)?)
        .map_err(|e| DynoxideError::InternalServerError(e.to_string()))
}

fn dispatch(db: &Database, operation: &str, body: &[u8]) -> dynoxide::Result<String> {
    match operation {
        "CreateTable" => call(body, |request| db.create_table(request)),
        "DeleteTable" => call(body, |request| db.delete_table(request)),
        "DescribeTable" => call(body, |request| db.describe_table(request)),
        "ListTables" => call(body, |request| db.list_tables(request)),
        "UpdateTable" => call(body, |request| db.update_table(request)),
        "PutItem" => call(body, |request| db.put_item(request)),
        "GetItem" => call(body, |request| db.get_item(request)),
        "DeleteItem" => call(body, |request| db.delete_item(request)),
        "UpdateItem" => call(body, |request| db.update_item(request)),
        "Query" => call(body, |request| db.query(request)),
        "Scan" => call(body, |request| db.scan(request)),
        "BatchGetItem" => call(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => call(body, |request| db.batch_write_item(request)),
        "TransactGetItems" => call(body, |request| db.transact_get_items(request)),
        "TransactWriteItems" => call(body, |request| db.transact_write_items(request)),
        "ExecuteStatement" => call(body, |request| db.execute_statement(request)),
        "ExecuteTransaction" => call(body, |request| db.execute_transaction(request)),
        "BatchExecuteStatement" => call(body, |request| db.batch_execute_statement(request)),
        "UpdateTimeToLive" => call(body, |request| db.update_time_to_live(request)),
        "DescribeTimeToLive" => call(body, |request| db.describe_time_to_live(request)),
        "ListStreams" => call(body, |request| db.list_streams(request)),
        "DescribeStream" => call(body, |request| db.describe_stream(request)),
        "GetShardIterator" => call(body, |request| db.get_shard_iterator(request)),
        "GetRecords" => call(body, |request| db.get_records(request)),
        unknown => Err(DynoxideError::ValidationException(format!(
            "the embedded DynamoDB has no operation {unknown}"
        ))),
    }
}

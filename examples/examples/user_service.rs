//! An HTTP service to start from: users whose secret fields are sealed in DynamoDB.
//!
//! ```text
//! # everything embedded in this process; PORT is 3000 by default
//! cargo run --example user_service
//! # against emulators (KMS_KEY_ID names a key there)
//! DYNAMODB_ENDPOINT=http://localhost:8000 KMS_ENDPOINT=http://localhost:4566 \
//! cargo run --example user_service
//!
//! curl -i localhost:3000/users -H 'content-type: application/json' \
//!      -d '{"user_id": "u_1", "email": "zoe@example.com", "plan": "free"}'
//! curl -i localhost:3000/users/u_1
//! curl -i localhost:3000/users/u_1 -X PATCH -H 'content-type: application/json' \
//!      -d '{"email": "zoe@example.org"}'
//! curl -i localhost:3000/users/u_1/logins -X POST
//! curl -i 'localhost:3000/users?limit=20'
//! curl -i localhost:3000/users/u_1 -X DELETE
//! ```

use std::error::Error as StdError;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use envelope_dynamo::error::{ServiceError, UsageError, WriteError};
use envelope_dynamo::keys::CacheLimits;
use envelope_dynamo::{CachedKeyProvider, Envelope, ErrorKind, KmsKeyProvider, ResumeToken, Table};
use envelope_examples::Servers;
use serde::{Deserialize, Serialize};

/// A user in the table, and the JSON that the service shows to its clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    #[serde(default)]
    address: Option<String>,
    #[authenticated]
    plan: Plan,
    #[plaintext]
    #[serde(default)]
    logins: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plan {
    Free,
    Pro,
}

/// A change by a client. Fields that it leaves out keep their values.
#[derive(Deserialize)]
struct Change {
    email: Option<String>,
    address: Option<String>,
    plan: Option<Plan>,
}

#[derive(Deserialize)]
struct Page {
    limit: Option<usize>,
    after: Option<ResumeToken>,
}

#[derive(Serialize, Deserialize)]
struct Users {
    users: Vec<User>,
    /// The number of records of this page that did not open. The log names them.
    unreadable: usize,
    /// The token of the next page; absent after the last page.
    next: Option<ResumeToken>,
}

type Store = State<Table<User>>;

fn routes(users: Table<User>) -> Router {
    Router::new()
        .route("/users", get(list).post(create))
        .route("/users/{user_id}", get(read).patch(change).delete(erase))
        .route("/users/{user_id}/logins", post(log_in))
        .with_state(users)
}

async fn create(State(users): Store, Json(user): Json<User>) -> Result<Response, Failure> {
    users.put(&user).if_not_exists().send().await?;
    Ok((StatusCode::CREATED, Json(user)).into_response())
}

async fn read(State(users): Store, Path(user_id): Path<String>) -> Result<Json<User>, Failure> {
    users.get(user_id).send().await?.map(Json).ok_or(Failure::NotFound)
}

/// Reads, changes and seals the user again. If somebody else wrote the user meanwhile, `modify`
/// starts again with their version.
async fn change(
    State(users): Store,
    Path(user_id): Path<String>,
    Json(change): Json<Change>,
) -> Result<Json<User>, Failure> {
    let changed = users.update(user_id).modify(|user| {
        if let Some(email) = &change.email {
            user.email.clone_from(email);
        }
        if let Some(address) = &change.address {
            user.address = Some(address.clone());
        }
        user.plan = change.plan.unwrap_or(user.plan);
    });
    changed.send().await?.map(Json).ok_or(Failure::NotFound)
}

/// Counts in place, without a call to KMS.
async fn log_in(State(users): Store, Path(user_id): Path<String>) -> Result<StatusCode, Failure> {
    users.update(user_id).add(|user| user.logins, 1).send().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list(State(users): Store, Query(page): Query<Page>) -> Result<Json<Users>, Failure> {
    let mut records =
        users.scan().limit(page.limit.unwrap_or(50).min(1000)).resume(page.after).stream()?;
    let mut found = Users { users: Vec::new(), unreadable: 0, next: None };
    while let Some(user) = records.next().await {
        match user {
            Ok(user) => found.users.push(user),
            // The page could not be read: the client repeats the request with its token.
            Err(error) if matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Request(_))) => {
                return Err(error.into());
            }
            // One record did not open: return the others.
            Err(error) => {
                eprintln!("unreadable: {error}");
                found.unreadable += 1;
            }
        }
    }
    found.next = records.resume_token();
    Ok(Json(found))
}

async fn erase(State(users): Store, Path(user_id): Path<String>) -> Result<StatusCode, Failure> {
    users.delete(user_id).send().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An error for the client: a status code. The log has the details.
#[derive(Debug)]
enum Failure {
    NotFound,
    Envelope(envelope_dynamo::Error),
}

impl From<envelope_dynamo::Error> for Failure {
    fn from(error: envelope_dynamo::Error) -> Self {
        Self::Envelope(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self::Envelope(error) = self else { return StatusCode::NOT_FOUND.into_response() };
        match error.kind() {
            ErrorKind::Write(WriteError::NoRecord) => StatusCode::NOT_FOUND.into_response(),
            ErrorKind::Write(WriteError::ConditionFailed)
            | ErrorKind::Write(WriteError::Conflict { .. }) => StatusCode::CONFLICT.into_response(),
            ErrorKind::Usage(UsageError::TooLarge { .. }) => {
                StatusCode::PAYLOAD_TOO_LARGE.into_response()
            }
            // A value that no attribute can have, such as an empty key.
            ErrorKind::Usage(UsageError::Attribute { .. } | UsageError::ForeignResumeToken) => {
                StatusCode::BAD_REQUEST.into_response()
            }
            _ => {
                // Errors name records and attributes, never values.
                eprintln!("{error}");
                match error.is_retryable() {
                    true => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                    false => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                }
            }
        }
    }
}

/// The table. Unwrapped data keys are cached for a minute, so reading a user again costs no call to
/// KMS.
async fn open_table(servers: &Servers) -> Result<Table<User>, Box<dyn StdError>> {
    let kms = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let keys = CachedKeyProvider::new(kms, CacheLimits::new(Duration::from_secs(60)));
    let name = envelope_examples::servers::unique_name("users");
    let users = Table::<User>::new(servers.dynamodb().clone(), keys).named(name);
    users.create_table().send().await?;
    Ok(users)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let servers = Servers::from_env().await?;
    let users = open_table(&servers).await?;
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("Users are in the table {}: {}.", users.name(), servers.describe());
    println!("Listening on http://{}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, routes(users)).with_graceful_shutdown(stop).await?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Method, Request};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    struct Client(Router, Table<User>);

    impl Client {
        async fn new() -> Self {
            let users = open_table(&Servers::from_env().await.unwrap()).await.unwrap();
            Self(routes(users.clone()), users)
        }

        async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("content-type", "application/json");
            let response = self
                .0
                .clone()
                .oneshot(request.body(Body::from(body.to_string())).unwrap())
                .await
                .unwrap();
            let status = response.status();
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        }
    }

    fn zoe() -> Value {
        json!({ "user_id": "u_1", "email": "zoe@example.com", "address": null, "plan": "free", "logins": 0 })
    }

    #[tokio::test]
    async fn a_user_is_created_read_changed_and_erased() {
        let client = Client::new().await;
        assert_eq!(client.call(Method::POST, "/users", zoe()).await, (StatusCode::CREATED, zoe()));
        assert_eq!(client.call(Method::POST, "/users", zoe()).await.0, StatusCode::CONFLICT);
        assert_eq!(
            client.call(Method::GET, "/users/u_1", Value::Null).await,
            (StatusCode::OK, zoe())
        );

        assert_eq!(
            client.call(Method::POST, "/users/u_1/logins", Value::Null).await.0,
            StatusCode::NO_CONTENT
        );
        let change = json!({ "email": "zoe@example.org", "plan": "pro" });
        let (status, changed) = client.call(Method::PATCH, "/users/u_1", change).await;
        assert_eq!(status, StatusCode::OK);
        let expected = json!({ "user_id": "u_1", "email": "zoe@example.org", "address": null, "plan": "pro", "logins": 1 });
        assert_eq!(changed, expected);
        assert_eq!(client.call(Method::GET, "/users/u_1", Value::Null).await.1, expected);

        assert_eq!(
            client.call(Method::DELETE, "/users/u_1", Value::Null).await.0,
            StatusCode::NO_CONTENT
        );
        for (method, path) in [
            (Method::GET, "/users/u_1"),
            (Method::PATCH, "/users/u_1"),
            (Method::POST, "/users/u_1/logins"),
        ] {
            assert_eq!(
                client.call(method, path, json!({})).await.0,
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn pages_follow_one_another_and_a_bad_record_does_not_hide_the_others() {
        let client = Client::new().await;
        for number in 0..25 {
            let user = json!({ "user_id": format!("u_{number}"), "email": "x@example.com", "plan": "free" });
            assert_eq!(client.call(Method::POST, "/users", user).await.0, StatusCode::CREATED);
        }
        let forge = client.1.client().update_item().table_name(client.1.name());
        let forge = forge.key("user_id", aws_sdk_dynamodb::types::AttributeValue::S("u_7".into()));
        let enterprise = aws_sdk_dynamodb::types::AttributeValue::S("pro".into());
        let forge = forge
            .update_expression("SET #plan = :plan")
            .expression_attribute_names("#plan", "plan");
        forge.expression_attribute_values(":plan", enterprise).send().await.unwrap();

        let (mut names, mut unreadable, mut path, mut pages) =
            (Vec::new(), 0, "/users?limit=10".to_owned(), 0);
        loop {
            let (status, page) = client.call(Method::GET, &path, Value::Null).await;
            assert_eq!(status, StatusCode::OK);
            names.extend(
                page["users"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|user| user["user_id"].clone().to_string()),
            );
            unreadable += page["unreadable"].as_u64().unwrap();
            pages += 1;
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/users?limit=10&after={next}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), unreadable, pages), (24, 1, 3));
        let (status, _) = client.call(Method::GET, "/users?after=AQID", Value::Null).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn an_empty_or_too_long_key_is_the_caller_s_mistake() {
        let client = Client::new().await;
        for user_id in [String::new(), "u".repeat(2_049)] {
            let user = json!({ "user_id": user_id, "email": "x@example.com", "plan": "free" });
            let (status, _) = client.call(Method::POST, "/users", user).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{} bytes", user_id.len());
            if !user_id.is_empty() {
                let path = format!("/users/{user_id}");
                let (status, _) = client.call(Method::GET, &path, Value::Null).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{} bytes", user_id.len());
            }
        }
    }
}

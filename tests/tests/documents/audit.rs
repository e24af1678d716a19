//! The commands of docs/AUDIT.md, run as they stand there.

use std::process::{Command, Output};
use std::{env, fs};

use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use envelope_dynamo::message::{Context, ContextForm, Value};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::create_table;

const NOTE: &str = include_str!("../../../docs/AUDIT.md");

/// The README's.
#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    ssn: Option<String>,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

/// What stands between the fences of one language, block by block.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    NOTE.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn bash(directory: &str, script: &str) -> Output {
    let endpoint = |name: &str| env::var(name).expect("run this by tests/real-servers.sh");
    let path = format!("{}:{}", endpoint("AUDIT_TOOLS"), env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(directory)
        .env("PATH", path)
        .env("AWS_ENDPOINT_URL_DYNAMODB", endpoint("DYNAMODB_ENDPOINT"))
        .env("AWS_ENDPOINT_URL_KMS", endpoint("KMS_ENDPOINT"))
        .env("AWS_PAGER", "")
        .output()
        .unwrap()
}

#[track_caller]
fn told(output: &Output) -> String {
    let (told, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{complaint}");
    told.into_owned()
}

#[tokio::test]
#[ignore = "needs the servers and the AWS CLI of tests/real-servers.sh"]
async fn the_audit_commands_lead_from_the_item_to_its_plaintext() {
    let servers = Servers::from_env().await.unwrap();
    let key = servers.kms().create_key().send().await.unwrap().key_metadata.unwrap();
    servers
        .kms()
        .create_alias()
        .alias_name("alias/users")
        .target_key_id(&key.key_id)
        .send()
        .await
        .unwrap();
    create_table(servers.dynamodb(), "users", ("user_id", S), None).await.unwrap();
    let users = Table::<User>::new(
        servers.dynamodb().clone(),
        KmsKeyProvider::new(servers.kms().clone(), "alias/users"),
    );
    let user = User {
        user_id: "u_12345".into(),
        email: "zoe@example.com".into(),
        ssn: Some("078-05-1120".into()),
        plan: "pro".into(),
        logins: 3,
    };
    users.put(&user).send().await.unwrap();

    let directory = format!("{}/audit-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    fs::create_dir_all(&directory).unwrap();
    let commands = blocks("sh");
    let (who, to_the_end) = commands.split_last().unwrap();
    let (cleaning, reading) = to_the_end.split_last().unwrap();
    // Functions live as long as a shell does, so it is one for all.
    let output = told(&bash(&directory, &reading.concat()));
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(
        lines[0].split(' ').take(3).collect::<Vec<_>>(),
        ["header", "0100010208", "key"],
        "{output}"
    );
    assert_eq!(lines[0].split(' ').nth(3), lines[1].split(' ').nth(2), "{output}");
    let context = Context::new("users")
        .form(ContextForm::Hashed)
        .partition_key("user_id", Value::string("u_12345"));
    let material = lines[2].strip_prefix("material ").unwrap();
    assert_eq!(lines[3], format!("1 records under material {material}"));
    assert_eq!(lines[4], context.encryption_context().get("partition_key").unwrap());
    assert_eq!(lines[5], "this data key sealed this payload");
    assert_eq!(
        lines[6].split_whitespace().skip(1).collect::<Vec<_>>(),
        ["d", "p", "l", "a", "n"],
        "{output}"
    );
    assert_eq!(lines[7], "{'email': 'zoe@example.com', 'ssn': '078-05-1120'}");
    assert_eq!(lines.len(), 8, "{output}");

    let changed = bash(&directory, "sed -i 's/\"pro\"/\"gold\"/' item.json && python3 check.py");
    assert!(String::from_utf8_lossy(&changed.stderr).contains("InvalidTag"), "{changed:?}");

    let output = told(&bash(&directory, &format!("{cleaning}\nls")));
    assert!(
        !output.contains("data_key") && !output.contains("okm") && output.contains("payload"),
        "{output}"
    );

    let event = |name: &str, key: &str| {
        let parameters =
            serde_json::json!({ "encryptionContext": { "table": "users", "partition_key": key } });
        let identity =
            serde_json::json!({ "arn": format!("arn:aws:iam::111122223333:user/{name}") });
        serde_json::json!({ "eventTime": "2026-11-20T22:58:24Z", "userIdentity": identity, "sourceIPAddress": "192.0.2.0",
            "requestParameters": parameters })
        .to_string()
    };
    let events = serde_json::json!([event("Alice", "u_12345"), event("Bob", "u_6")]);
    fs::write(format!("{directory}/events.json"), events.to_string()).unwrap();
    let output = told(&bash(&directory, &format!("{who}\npython3 who.py")));
    assert_eq!(
        output,
        "2026-11-20T22:58:24Z arn:aws:iam::111122223333:user/Alice 192.0.2.0 decrypted\n"
    );
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn no_policy_allows_both_generate_data_key_and_decrypt() {
    let policies = blocks("json");
    assert_eq!(policies.len(), 3);
    for policy in policies {
        let policy = serde_json::from_str::<serde_json::Value>(policy).unwrap().to_string();
        assert!(
            !(policy.contains("kms:GenerateDataKey") && policy.contains("kms:Decrypt")),
            "{policy}"
        );
    }
}

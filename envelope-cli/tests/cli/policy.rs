//! `envelope policy`. Whether the policies do what they say is judged by `tests/policies.sh`.

use crate::process::{Ended, file, run, users};

const TABLE: &str = "arn:aws:dynamodb:eu-central-1:111122223333:table/prod-users";
const OLD: &str = "arn:aws:kms:eu-central-1:111122223333:key/1111abcd-12ab-34cd-56ef-1234567890ab";
const NEW: &str = "arn:aws:kms:eu-central-1:111122223333:key/2222abcd-12ab-34cd-56ef-1234567890ab";

fn policy(arguments: &[&str]) -> Ended {
    run(&[&["policy", "--schema", &users()], arguments].concat())
}

#[test]
fn a_rotator_may_move_keys_and_open_nothing() {
    let ended = policy(&["--role", "rotator", "--table-arn", TABLE, "--from", OLD, "--to", NEW]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let policy = ended.json();
    assert_eq!(policy["Version"], "2012-10-17");
    let statements = policy["Statement"].as_array().unwrap();
    let scan = &statements[0];
    assert_eq!(scan["Action"], serde_json::json!(["dynamodb:Scan"]));
    assert_eq!(
        scan["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"],
        serde_json::json!(["encrypted_dek", "user_id"])
    );
    let denied: Vec<_> = statements.iter().filter(|each| each["Effect"] == "Deny").collect();
    assert_eq!(denied[0]["Action"], serde_json::json!(["kms:Decrypt"]));
    assert_eq!(denied[0]["Resource"], serde_json::json!(["*"]));
    assert_eq!(denied[1]["Action"], serde_json::json!(["kms:ReEncryptTo"]));
    assert_eq!(denied[1]["NotResource"], serde_json::json!([NEW]));
}

#[test]
fn a_key_policy_names_the_principal() {
    let rotator = ["--role", "rotator", "--table-arn", TABLE, "--from", OLD, "--to", NEW];
    let of = |key: &str, principal: &str| {
        policy(&[&rotator[..], &["--key-policy", key, "--principal", principal]].concat())
    };
    let role = "arn:aws:iam::111122223333:role/rotator";
    let statements = of(NEW, role).json()["Statement"].as_array().unwrap().clone();
    assert!(statements.iter().all(|each| each["Principal"]["AWS"] == role));
    assert!(statements.iter().all(|each| each["Resource"] == serde_json::json!(["*"])));
    of(NEW, "rotator").refused(2, &["the principal `rotator` is not an ARN"]);
    let other = NEW.replace("2222", "9999");
    of(&other, role).refused(2, &["the rotator does not use the key"]);
    policy(&[&rotator[..], &["--key-policy", NEW]].concat()).refused(2, &["--principal"]);
}

#[test]
fn missing_and_wrong_arns_are_explained() {
    policy(&["--role", "rotator", "--table-arn", TABLE])
        .refused(2, &["the rotator needs the ARNs of the KMS key to move from"]);
    policy(&["--role", "reader", "--table-arn", TABLE])
        .refused(2, &["the reader needs the ARN of the KMS key"]);
    policy(&["--role", "reader", "--kms-key", OLD]).refused(2, &["--table-arn"]);
    policy(&["--role", "reader", "--table-arn", "users", "--kms-key", OLD])
        .refused(2, &["`users` is not the ARN of a table"]);
    policy(&["--role", "reader", "--table-arn", TABLE, "--kms-key", "alias/users"])
        .refused(2, &["an alias is no resource of an IAM policy", "aws kms describe-key"]);
    policy(&["--role", "rotator", "--table-arn", TABLE, "--from", OLD, "--to", OLD])
        .refused(2, &["is both the key to move from and the one to"]);
    policy(&["--role", "branch-operator", "--table-arn", TABLE])
        .refused(2, &["the branch-operator needs the ARN of the table of branch keys"]);
    policy(&["--role", "backfill", "--table-arn", TABLE])
        .refused(2, &["the backfill needs the ARN of the KMS key"]);
    policy(&["--role", "king", "--table-arn", TABLE]).refused(2, &["king", "branch-operator"]);
    let reader = ["--role", "reader", "--table-arn", TABLE, "--kms-key", OLD];
    policy(&[&reader[..], &["--pin", "tenant=t_7"]].concat())
        .refused(2, &["do not all have the pair `tenant`", "none but the table and the keys"]);
    policy(&[&reader[..], &["--pin", "tenant"]].concat()).refused(2, &["this is not NAME=VALUE"]);
}

#[test]
fn a_guard_denies_writes_to_all_but_the_named_roles() {
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let (service, backfill, counter) = (role("service"), role("jobs/backfill"), role("counter"));
    let guard = |more: &[&str]| {
        let guard = ["policy", "--role", "guard", "--table-arn", TABLE];
        run(&[&guard[..], more].concat())
    };
    let writers = ["--writer", &service, "--writer", &backfill, "--writer", &service];
    let printed = guard(&writers);
    assert_eq!(printed.code, 0, "it needs no schema file: {printed:?}");
    let printed = printed.json();
    let [statement] = &printed["Statement"].as_array().unwrap()[..] else { panic!("{printed}") };
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Principal"]["AWS"], "*");
    assert_eq!(statement["Resource"], serde_json::json!([TABLE]));
    let replication = role(
        "aws-service-role/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication",
    );
    assert_eq!(
        statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"],
        serde_json::json!([backfill, service, replication])
    );
    let with_updater = guard(&[&writers[..], &["--updater", &counter]].concat()).json();
    let statements = with_updater["Statement"].as_array().unwrap();
    assert!(!statements[0].to_string().contains("UpdateItem"), "{with_updater}");
    assert!(!statements[0].to_string().contains("role/counter"), "{with_updater}");
    assert_eq!(statements[1]["Action"], serde_json::json!(["dynamodb:UpdateItem"]));
    assert!(statements[1].to_string().contains("role/counter"), "{with_updater}");

    guard(&[]).refused(2, &["--writer"]);
    guard(&["--writer", "service"]).refused(2, &["`service` is not the ARN of a role"]);
    for wrong in [
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:role/${aws:username}",
        "arn:aws:iam::111122223333:user/zoe",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam:::role/service",
    ] {
        guard(&["--writer", wrong]).refused(2, &["is not the ARN of a role"]);
    }
    guard(&["--writer", "arn:aws:sts::111122223333:assumed-role/service/session"])
        .refused(2, &["a session is no role"]);
    let many: Vec<_> = (0..400).map(|number| role(&format!("service-{number}"))).collect();
    let many: Vec<_> = many.iter().flat_map(|role| ["--writer", role]).collect();
    guard(&many).refused(2, &["DynamoDB takes 20480", "name fewer roles"]);
    run(&["policy", "--role", "guard", "--writer", &service]).refused(2, &["--table-arn"]);
    policy(&["--role", "reader", "--table-arn", TABLE, "--kms-key", OLD, "--writer", &service])
        .refused(2, &["for --role guard alone"]);
}

#[test]
fn a_backfill_opens_nothing_unless_it_must() {
    let backfill = ["--role", "backfill", "--table-arn", TABLE, "--kms-key", OLD];
    let may = |more: &[&str]| {
        let printed = policy(&[&backfill[..], more].concat());
        assert_eq!(printed.code, 0, "{printed:?}");
        printed.stdout.contains("kms:Decrypt")
    };
    assert!(!may(&[]), "plain items need no key to be read");
    assert!(may(&["--open"]), "a record that is sealed already opens first");
}

/// Whoever changes sealed records tests their search tags too.
#[test]
fn roles_that_change_or_count_records_name_their_search_tags() {
    let schema = r#"{ "envelope-schema": 1, "records": { "User": {
        "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
        "fields": { "email": "encrypted" },
        "search_tags": { "email": [{ "field": "email", "steps": ["trim"] }] } } } }"#;
    let schema = file("searched.schema.json", schema);
    let searches = "arn:aws:dynamodb:eu-central-1:111122223333:table/search-keys";
    let of = |role: &str, keys: &[&str]| {
        let table = ["policy", "--schema", &schema, "--role", role, "--table-arn", TABLE];
        run(&[&table[..], keys].concat())
    };
    let reindexer = ["--kms-key", OLD, "--search-keys", searches, "--search-kms-key", NEW];
    let policy = of("reindexer", &reindexer).json();
    let statements = policy["Statement"].as_array().unwrap();
    let sids: Vec<_> = statements.iter().map(|each| each["Sid"].as_str().unwrap()).collect();
    let expected = [
        "ReadRecords",
        "StoreSearchTags",
        "DescribeTable",
        "DescribeKeys",
        "MakeDataKeys",
        "UnwrapDataKeys",
        "FindSearchKeys",
        "UnwrapSearchKeys",
    ];
    assert_eq!(sids, expected);
    let unwraps = &statements[7]["Condition"]["StringEquals"];
    assert_eq!(unwraps["kms:EncryptionContext:purpose"][0], "search");
    let move_keys = ["--from", OLD, "--to", NEW];
    for (role, keys) in
        [("reindexer", &reindexer[..]), ("resealer", &move_keys), ("auditor", &reindexer[..2])]
    {
        let policy = of(role, keys);
        assert!(policy.stdout.contains("\"blind_email\""), "{role}: {policy:?}");
    }
    let rotator = of("rotator", &move_keys);
    assert!(!rotator.stdout.contains("blind_email"), "{rotator:?}");
    of("reindexer", &reindexer[..2]).refused(2, &["the table of search keys"]);
    of("reindexer", &reindexer[2..]).refused(2, &["the ARN of the KMS key"]);
}

#[test]
fn a_writer_without_search_tags_is_denied_the_search_keys() {
    let writer = ["--role", "writer", "--table-arn", TABLE, "--kms-key", OLD];
    let of = |more: &[&str]| policy(&[&writer[..], more].concat());
    let denied = of(&["--without-search-tags", "--search-kms-key", NEW]).json();
    let statements = denied["Statement"].as_array().unwrap();
    let denies: Vec<_> = statements.iter().filter(|each| each["Effect"] == "Deny").collect();
    let [denies] = denies[..] else { panic!("{denied}") };
    assert_eq!(denies["Action"], serde_json::json!(["kms:Decrypt", "kms:ReEncryptFrom"]));
    assert_eq!(denies["Resource"], serde_json::json!([NEW]));
    assert!(!denied.to_string().contains("FindSearchKeys"), "{denied}");

    of(&["--without-search-tags"]).refused(2, &["--search-kms-key"]);
    of(&["--search-kms-key", NEW]).refused(2, &["the table of search keys"]);
    of(&["--without-search-tags", "--search-kms-key", OLD])
        .refused(2, &["give the search keys a KMS key of their own"]);
    let reader = ["--role", "reader", "--table-arn", TABLE, "--kms-key", OLD];
    policy(&[&reader[..], &["--without-search-tags", "--search-kms-key", NEW]].concat())
        .refused(2, &["only a writer leaves search tags out"]);
}

/// Each role gets what it uses of the table of claims, and no more.
#[test]
fn roles_that_use_unique_fields_name_the_table_of_claims() {
    let record = |more: &str| {
        format!(
            r#"{{ "envelope-schema": 1, "records": {{ "User": {{
            "table": "users", "form": "raw", "partition_key": {{ "name": "user_id", "type": "S" }},
            "fields": {{ "email": "encrypted", "note": "plaintext" }},
            "search_tags": {{ "email": [{{ "field": "email", "steps": ["trim"] }}] }}{more} }} }} }}"#
        )
    };
    let unique = file("claimed.schema.json", &record(r#", "unique": ["email"]"#));
    let searched = file("unclaimed.schema.json", &record(""));
    let claims = "arn:aws:dynamodb:eu-central-1:111122223333:table/user-claims";
    let searches = "arn:aws:dynamodb:eu-central-1:111122223333:table/search-keys";
    let of = |schema: &str, role: &str, more: &[&str]| {
        let table = ["policy", "--schema", schema, "--role", role, "--table-arn", TABLE];
        run(&[&table[..], &["--kms-key", OLD], more].concat())
    };
    let search = ["--search-keys", searches, "--search-kms-key", NEW];
    let all = [&search[..], &["--claims", claims]].concat();
    for (role, on_claims, on_records) in [
        ("writer", &["DeleteItem", "GetItem", "PutItem"][..], &["GetItem"][..]),
        ("reader", &["GetItem"], &[]),
        ("backfill", &["GetItem", "PutItem"], &["ConditionCheckItem", "GetItem"]),
        ("reindexer", &["GetItem", "PutItem"], &["ConditionCheckItem", "GetItem"]),
    ] {
        let policy = of(&unique, role, &all).json();
        let actions = |actions: &[&str]| {
            actions.iter().map(|name| format!("dynamodb:{name}")).collect::<Vec<_>>()
        };
        let statements = policy["Statement"].as_array().unwrap();
        let about: Vec<_> =
            statements.iter().filter(|it| it["Resource"] == serde_json::json!([claims])).collect();
        let [about] = about[..] else { panic!("{role}: {policy}") };
        assert_eq!(about["Action"], serde_json::json!(actions(on_claims)), "{role}");
        let look = statements.iter().find(|each| each["Sid"] == "LookAtOwners");
        assert_eq!(look.is_none(), on_records.is_empty(), "{role}");
        let Some(look) = look else { continue };
        assert_eq!(look["Action"], serde_json::json!(actions(on_records)), "{role}");
        assert_eq!(
            look["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"],
            serde_json::json!(["blind_email", "user_id"]),
            "{role}"
        );
    }

    for role in ["writer", "backfill", "reindexer"] {
        of(&unique, role, &search).refused(2, &["the ARN of the table of claims"]);
        assert_eq!(of(&searched, role, &search).code, 0, "{role}");
    }
    assert_eq!(of(&unique, "reader", &search).code, 0, "it reads by primary key, or searches");
    of(&searched, "writer", &all).refused(2, &["has unique fields"]);
    of(&unique, "auditor", &["--claims", claims])
        .refused(2, &["the auditor does not use a table of claims"]);
    of(&unique, "writer", &["--claims", claims])
        .refused(2, &["the ARN of the table of search keys"]);
    of(&unique, "writer", &[&search[..], &["--claims", "user-claims"]].concat())
        .refused(2, &["`user-claims` is not the ARN of a table"]);
    let without = ["--without-search-tags", "--search-kms-key", NEW, "--claims", claims];
    of(&unique, "writer", &without).refused(2, &["cannot write unique fields"]);
}

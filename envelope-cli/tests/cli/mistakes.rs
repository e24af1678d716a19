//! Every mistake made once, and its message.

use crate::process::{USERS, file, run, users};

#[test]
fn unknown_commands_and_flags_are_refused() {
    run(&[]).refused(2, &["Usage: envelope"]);
    run(&["rewarp"]).refused(2, &["unrecognized subcommand 'rewarp'"]);
    run(&["schema", "print", "--scema", "x"]).refused(2, &["--scema", "--schema"]);
    run(&["schema", "print", "--output", "yaml"]).refused(2, &["yaml", "text", "json"]);
}

#[test]
fn a_schema_that_cannot_be_read_is_named() {
    run(&["schema", "print", "--schema", "/nonexistent/s.json"]).refused(
        2,
        &["/nonexistent/s.json", "No such file", "--schema", "ENVELOPE_SCHEMA=write cargo test"],
    );
    run(&["schema", "print"]).refused(2, &["envelope.schema.json cannot be read"]);
    let broken = file("broken.json", &USERS.replace("encrypted", "encrpyted"));
    run(&["schema", "print", "--schema", &broken])
        .refused(2, &["broken.json", "unknown variant `encrpyted`"]);
    let json = file("list.json", "[]");
    run(&["schema", "print", "--schema", &json]).refused(2, &["list.json", "not a schema file"]);
    let newer = file("newer.json", &USERS.replace("schema\": 1", "schema\": 2"));
    run(&["schema", "print", "--schema", &newer]).refused(2, &["newer.json", "layout 2"]);
    let empty = file("empty.json", r#"{ "envelope-schema": 1, "records": {} }"#);
    run(&["schema", "print", "--schema", &empty])
        .refused(2, &["empty.json describes no record type"]);
}

#[test]
fn an_unknown_table_is_refused_with_those_there_are() {
    let schema = users();
    let policy = |more: &[&str]| {
        let common = ["policy", "--role", "reader", "--schema", &schema, "--table-arn", "t"];
        run(&[&common[..], more].concat())
    };
    policy(&["--logical", "orders"]).refused(2, &["logical name `orders`, only users"]);
    let two = USERS.replace(
        "\"User\":",
        r#""Order": { "table": "orders", "form": "raw",
            "partition_key": { "name": "id", "type": "S" }, "fields": {} }, "User":"#,
    );
    let two = file("two.json", &two);
    run(&["policy", "--role", "reader", "--schema", &two, "--table-arn", "t"])
        .refused(2, &["several tables (orders, users)", "--logical"]);
}

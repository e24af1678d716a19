//! Every failure after a key was used is the same error, and no secret is compared with `==`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use envelope_core::{
    Content, Context, ContextForm, DataKey, PayloadBuilder, UntrustedPayload, Value,
};

fn context() -> Context<'static> {
    let context = Context::new("users").partition_key("user_id", Value::string("u_1"));
    let context = context.sort_key("at", Value::string("2026")).pair("purpose", "pii").unwrap();
    context.authenticated("plan", Some(Value::string("pro"))).unwrap()
}

fn sealed(context: &Context<'_>, key: &DataKey) -> Vec<u8> {
    let mut payload = PayloadBuilder::new(0, []);
    payload.extend_from_slice(b"4111 1111 1111 1111");
    payload.seal(Content::Bytes, context, key).unwrap()
}

/// Everything that an error shows: its message, its debug output and its source.
fn refusal(
    payload: Vec<u8>,
    content: Content,
    context: &Context<'_>,
    key: &DataKey,
) -> [String; 4] {
    let error = UntrustedPayload::parse(payload).unwrap().open(content, context, key).unwrap_err();
    let source = error.source().map(ToString::to_string);
    [
        error.to_string(),
        format!("{error:?}"),
        format!("{error:#?} {source:?}"),
        format!("{:?}", error.fault()),
    ]
}

#[test]
fn every_failure_after_a_key_was_used_is_the_same_error() {
    let (key, context) = (DataKey::generate().unwrap(), context());
    let payload = sealed(&context, &key);
    assert!(
        UntrustedPayload::parse(payload.clone())
            .unwrap()
            .open(Content::Bytes, &context, &key)
            .is_ok()
    );
    let mut answers = Vec::new();

    // Every bit of salt, commitment, ciphertext and tag. The list of names is between them.
    let names = 58..58 + 1 + "plan".len() + 1;
    for at in (2..payload.len()).filter(|at| !names.contains(at)) {
        for bit in 0..8 {
            let mut changed = payload.clone();
            changed[at] ^= 1 << bit;
            answers.push(refusal(changed, Content::Bytes, &context, &key));
        }
    }
    let mut shorter = payload.clone();
    shorter.pop();
    let longer = [payload.as_slice(), &[0]].concat();
    let bare = payload[..names.end + 16].to_vec();
    answers.extend(
        [shorter, longer, bare].map(|changed| refusal(changed, Content::Bytes, &context, &key)),
    );

    // Another key, another content, and another context.
    answers.push(refusal(payload.clone(), Content::Bytes, &context, &DataKey::generate().unwrap()));
    answers.push(refusal(payload.clone(), Content::Record, &context, &key));
    let (user, at, pro) =
        (|| Value::string("u_1"), || Value::string("2026"), || Some(Value::string("pro")));
    let elsewhere = [
        Context::new("other")
            .partition_key("user_id", user())
            .sort_key("at", at())
            .pair("purpose", "pii"),
        Context::new("users")
            .partition_key("user_id", Value::string("u_2"))
            .sort_key("at", at())
            .pair("purpose", "pii"),
        Context::new("users")
            .partition_key("id", user())
            .sort_key("at", at())
            .pair("purpose", "pii"),
        Context::new("users")
            .partition_key("user_id", user())
            .sort_key("at", user())
            .pair("purpose", "pii"),
        Context::new("users").partition_key("user_id", user()).pair("purpose", "pii"),
        Context::new("users")
            .partition_key("user_id", user())
            .sort_key("at", at())
            .pair("purpose", "ads"),
        Context::new("users")
            .partition_key("user_id", user())
            .sort_key("at", at())
            .pair("reason", "pii"),
    ];
    for context in elsewhere {
        let context = context.unwrap().authenticated("plan", pro()).unwrap();
        answers.push(refusal(payload.clone(), Content::Bytes, &context, &key));
    }
    for plan in [Some(Value::string("free")), Some(Value::bytes(b"pro")), Some(Value::Null), None] {
        let context = Context::new("users").partition_key("user_id", user()).sort_key("at", at());
        let context = context.pair("purpose", "pii").unwrap().authenticated("plan", plan).unwrap();
        answers.push(refusal(payload.clone(), Content::Bytes, &context, &key));
    }

    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(answers[0][1], "Authentication");
}

/// The payload is not bound to the form. The wrapped key is.
#[test]
fn the_form_of_the_context_does_not_change_a_payload() {
    let (key, context) = (DataKey::generate().unwrap(), context());
    let payload = UntrustedPayload::parse(sealed(&context, &key)).unwrap();
    assert!(payload.open(Content::Bytes, &context.form(ContextForm::Table), &key).is_ok());
}

/// Searches the source for comparisons with a side that is named like a tag, commitment or digest,
/// or that is an exposed key.
///
/// The search sees names, not types. `DataKey`, `Plaintext` and derived keys have no `PartialEq`,
/// so they cannot be compared at all. Search tags are public, so they need not be compared in
/// constant time (FORMAT 13.4): the file that compares them is left out.
#[test]
fn no_tag_commitment_or_digest_is_compared_with_equals() {
    let sources = ["src", "../envelope-dynamo/src"]
        .map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let mut suspects = Vec::new();
    let mut in_constant_time = 0;
    let is_of_search_tags = |path: &PathBuf| path.ends_with("table/read/search.rs");
    let paths = sources.iter().flat_map(|folder| files(folder));
    for path in paths.filter(|path| !is_of_search_tags(path)) {
        let source = fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            in_constant_time += usize::from(line.contains(".ct_eq("));
            if compares(line) {
                suspects.push(format!("{}: {}", path.display(), line.trim()));
            }
        }
    }
    assert_eq!(suspects, [""; 0]);
    assert_eq!(
        in_constant_time, 3,
        "the commitments of payloads and streams, and the digest that RSA wraps"
    );
}

#[test]
fn the_search_finds_comparisons() {
    for line in [
        "if tag == expected {",
        "a.commitment() != b",
        "x == own.digest[..]",
        "assert!(key.expose() == other)",
    ] {
        assert!(compares(line), "{line}");
    }
    for line in
        ["if tag == 2 {", "let commitment = 3;", "digest.len() != DIGEST_BYTES", "staged == other"]
    {
        assert!(!compares(line), "{line}");
    }
}

fn compares(line: &str) -> bool {
    const SECRET: [&str; 6] = ["tag", "commitment", "digest", "mac", "prk", "expose"];
    let Some((left, right)) = line.split_once(" == ").or_else(|| line.split_once(" != ")) else {
        return false;
    };
    // A CBOR tag is compared with a number, and lengths are not secret.
    let number = right.starts_with(|first: char| first.is_ascii_digit());
    let between = |c: char| !(c.is_alphanumeric() || c == '_');
    let words = |side: &str| -> Vec<String> {
        side.split(between).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (left_words, right_words) = (words(left), words(right));
    let is_secret = |word: &String| SECRET.contains(&word.as_str());
    let on_the_left = !left.contains(".len()") && left_words.iter().rev().take(2).any(is_secret);
    let on_the_right = !right.contains(".len()") && right_words.iter().take(3).any(is_secret);
    !number && (on_the_left || on_the_right)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            found.push(path);
        }
    }
    found
}

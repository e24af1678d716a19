//! What a user's dependency tree gains beside the two AWS SDKs: exactly what
//! docs/adr/0004-dependencies.md lists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const SDKS: [&str; 2] = ["aws-sdk-dynamodb", "aws-sdk-kms"];
const OURS: [&str; 3] = ["envelope-core", "envelope-derive", "envelope-dynamo"];

/// The list is that of one platform, whichever the tests run on: crates for others come and go with
/// it.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The crates of a tree by name and version, each with its features.
type Tree = BTreeMap<(String, String), BTreeSet<String>>;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What cargo prints, without the network.
fn cargo(directory: &Path, command: &str, arguments: &[&str]) -> String {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([command, "--offline"])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo {command} failed in {}: {complaint}",
        directory.display()
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The tree of normal dependencies.
fn tree(directory: &Path, arguments: &[&str]) -> Tree {
    let shape = ["-e", "normal", "--prefix", "none", "--no-dedupe", "--format", "{p}|{f}"];
    let arguments = [&shape[..], &["--target", TARGET], arguments].concat();
    let shown = cargo(directory, "tree", &arguments);
    shown.lines().filter(|line| !line.is_empty()).map(krate).collect()
}

/// A line such as `hmac v0.13.0|zeroize`, with more behind the version if the crate is local or a
/// macro.
fn krate(line: &str) -> ((String, String), BTreeSet<String>) {
    let (package, features) = line.split_once('|').unwrap();
    let mut words = package.split(' ');
    let (name, version) = (words.next().unwrap(), words.next().unwrap());
    let features =
        features.split(',').filter(|feature| !feature.is_empty()).map(str::to_owned).collect();
    ((name.to_owned(), version.to_owned()), features)
}

fn with_envelope() -> Tree {
    tree(&workspace(), &["--locked", "--package", "envelope-dynamo"])
}

/// The lines of a manifest that ask for the SDKs.
fn sdk_lines(manifest: &Path) -> String {
    let manifest = fs::read_to_string(manifest).unwrap();
    let asks = |line: &&str| {
        SDKS.iter()
            .any(|sdk| line.strip_prefix(sdk).is_some_and(|rest| rest.starts_with([' ', '.', '='])))
    };
    let lines: Vec<_> = manifest.lines().filter(asks).collect();
    assert_eq!(lines.len(), SDKS.len(), "one line for each SDK: {lines:?}");
    lines.join("\n")
}

/// The SDKs as envelope-dynamo asks for them, in a package of their own: in the workspace, others'
/// features would count.
///
/// `scratch` names the package's folder: tests may run side by side.
fn sdks_alone(scratch: &str) -> Tree {
    let workspace = workspace();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(scratch);
    fs::create_dir_all(directory.join("src")).unwrap();
    fs::write(directory.join("src/lib.rs"), "").unwrap();
    fs::copy(workspace.join("Cargo.lock"), directory.join("Cargo.lock")).unwrap();
    let manifest = format!(
        "[package]\nname = \"sdks-alone\"\nedition = \"2024\"\n\n[workspace]\n[workspace.dependencies]\n{}\n\n[dependencies]\n{}\n",
        sdk_lines(&workspace.join("Cargo.toml")),
        sdk_lines(&workspace.join("envelope-dynamo/Cargo.toml")),
    );
    fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    let mut tree = tree(&directory, &[]);
    tree.retain(|(name, _), _| name != "sdks-alone");
    tree
}

/// The crates in the first column of the decision record's table.
fn decided() -> BTreeSet<String> {
    let record = fs::read_to_string(workspace().join("docs/adr/0004-dependencies.md")).unwrap();
    let cells = record
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split(" |").next());
    cells.flat_map(|cell| cell.split('`').step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_decision_record_lists_sixteen_crates() {
    let decided = decided();
    assert_eq!(decided.len(), 16, "{decided:?}");
    assert!(
        decided.contains("aes-gcm")
            && decided.contains("universal-hash")
            && decided.contains("libc")
    );
}

#[test]
fn the_tree_gains_what_was_decided_and_nothing_else() {
    let (ours, alone) = (with_envelope(), sdks_alone("tree"));
    assert!(alone.len() > 50, "not the tree of two SDKs: {alone:?}");
    let missing: Vec<_> = alone.keys().filter(|package| !ours.contains_key(package)).collect();
    assert!(missing.is_empty(), "the two trees are not of the same versions: {missing:?}");
    let gained: Vec<_> =
        ours.keys().filter(|package| !alone.contains_key(package)).map(|(name, _)| name).collect();
    let of_others: BTreeSet<_> =
        gained.iter().map(|name| name.as_str()).filter(|name| !OURS.contains(name)).collect();
    assert_eq!(
        gained.len(),
        of_others.len() + OURS.len(),
        "a crate comes in two versions: {gained:?}"
    );
    assert_eq!(of_others, decided().iter().map(String::as_str).collect());
}

#[test]
fn the_sdks_crates_gain_only_zeroize_tasks_and_futures() {
    let (ours, alone) = (with_envelope(), sdks_alone("features"));
    let mut wiping = Vec::new();
    // Tokio's tasks, in which calls to KMS run; every runtime of Tokio's has the feature already.
    let runs_tasks = |package: &str, gained: &[&str]| package == "tokio" && gained == ["rt"];
    // `FuturesUnordered`: docs/adr/0027-bounded-concurrency.md.
    let runs_futures = |package: &str, gained: &[&str]| match package {
        "futures-task" => gained == ["alloc"],
        "futures-util" => gained == ["alloc", "slab"],
        _ => false,
    };
    for (package, features) in &alone {
        let gained: Vec<_> =
            ours.get(package).unwrap().difference(features).map(String::as_str).collect();
        let is_decided = gained == ["zeroize"]
            || runs_tasks(&package.0, &gained)
            || runs_futures(&package.0, &gained);
        assert!(gained.is_empty() || is_decided, "{package:?} gains {gained:?}");
        if gained == ["zeroize"] {
            wiping.push(package.0.as_str());
        }
    }
    assert_eq!(wiping, ["block-buffer", "digest", "hmac", "sha2"]);
}

#[test]
fn no_emulator_no_tls_and_no_native_code_reaches_a_user() {
    let ours = with_envelope();
    let names: BTreeSet<_> = ours.keys().map(|(name, _)| name.as_str()).collect();
    for absent in [
        "aws-config",
        "aws-lc-rs",
        "aws-lc-sys",
        "cc",
        "dynoxide-rs",
        "envelope-examples",
        "envelope-testing",
        "hyper",
        "libsqlite3-sys",
        "openssl-sys",
        "proptest",
        "ring",
        "rusqlite",
        "rustls",
        "serde_dynamo",
        "serde_json",
    ] {
        assert!(!names.contains(absent), "{absent}");
    }
    let features = |name: &str| {
        ours.iter().find(|((other, _), _)| other == name).map(|(_, features)| features)
    };
    for sdk in SDKS {
        assert_eq!(
            features(sdk),
            Some(&BTreeSet::new()),
            "{sdk}: the application picks its TLS and its runtime"
        );
    }
}

/// The keys of the embedded KMS are gone when the process ends: a release build with them does not
/// compile.
#[test]
fn envelope_testing_does_not_compile_without_debug_assertions() {
    let refusal = |arguments: &[&str]| {
        let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2024", "--crate-type=lib", "--emit=metadata"])
            .arg(format!("--out-dir={}", env!("CARGO_TARGET_TMPDIR")))
            .args(arguments)
            .arg(workspace().join("envelope-testing/src/lib.rs"))
            .output()
            .unwrap();
        // Without its dependencies it never compiles; whether it also refuses is the question.
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).contains("[dev-dependencies]")
    };
    assert!(refusal(&["-O"]), "a release build");
    assert!(!refusal(&["-O", "--cfg=feature=\"optimized-tests\""]), "the feature allows it");
    assert!(!refusal(&["-C", "debug-assertions=on"]), "a debug build");
}

/// A dependency that declares a newer Rust than this workspace would break a user's build.
#[test]
fn no_dependency_declares_a_newer_rust() {
    let metadata = cargo(&workspace(), "metadata", &["--locked", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let version = |text: &str| -> Vec<u32> {
        let mut parts: Vec<_> = text.split('.').map(|part| part.parse().unwrap()).collect();
        parts.resize(3, 0);
        parts
    };
    let declared: BTreeMap<_, _> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|package| {
            let name = package["name"].as_str()?.to_owned();
            let key = (name, format!("v{}", package["version"].as_str()?));
            Some((key, version(package["rust_version"].as_str()?)))
        })
        .collect();
    let ours = with_envelope();
    let (_, minimum) =
        declared.iter().find(|((name, _), _)| name == "envelope-dynamo").expect("our own version");
    let compared: Vec<_> =
        ours.keys().filter_map(|package| Some((package, declared.get(package)?))).collect();
    assert!(compared.len() > 50, "{compared:?}");
    for (package, needed) in compared {
        assert!(needed <= minimum, "{package:?} needs Rust {needed:?}");
    }
}

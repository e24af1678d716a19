//! The documents name files, functions and tests that exist.

use std::fs;
use std::path::{Path, PathBuf};

/// A path that starts with one of these is a path in the repository.
const FOLDERS: [&str; 14] = [
    "benches/",
    "deploy/",
    "docs/",
    "envelope-cli/",
    "envelope-core/",
    "envelope-derive/",
    "envelope-dynamo/",
    "envelope-testing/",
    "examples/",
    "fuzz/",
    "peers/",
    "python/",
    "tests/",
    "vectors/",
];

#[test]
fn paths_in_documents_exist() {
    for (document, text) in documents() {
        for span in code_spans(&text) {
            let is_path = FOLDERS.iter().any(|folder| span.starts_with(folder));
            if is_path && !span.contains([' ', '*', '(']) {
                assert!(root().join(span).exists(), "{}: `{span}`", document.display());
            }
        }
    }
}

/// ``path.rs` `function`, `Type`` names a function and a type in that file.
#[test]
fn functions_in_the_architecture_exist() {
    let text = read("ARCHITECTURE.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let pieces: Vec<&str> = text.split('`').collect();
    let mut file = String::new();
    let mut names = 0;
    for piece in pieces.windows(2).enumerate().filter(|(position, _)| position % 2 == 0) {
        let [between, span] = piece.1 else { unreachable!("two pieces") };
        if span.ends_with(".rs") {
            file = fs::read_to_string(root().join(span)).unwrap_or_default();
        } else if matches!(*between, " " | ", ") && !file.is_empty() {
            assert!(defines(&file, span.rsplit("::").next().unwrap()), "{span}: {between}");
            names += 1;
        } else {
            file.clear();
        }
    }
    assert!(names > 60, "{names}");
}

fn defines(source: &str, name: &str) -> bool {
    ["fn", "struct", "enum", "trait", "const", "type", "impl"].iter().any(|keyword| {
        let definition = format!("{keyword} {name}");
        let mut rest = source.split(definition.as_str()).skip(1);
        rest.any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// The table of wings in ARCHITECTURE.md: each wing imports only the wings above it.
#[test]
fn wings_import_only_the_wings_above_them() {
    assert_imports_upward("## Wings of envelope-dynamo", "envelope-dynamo/src", 8);
}

#[test]
fn modules_of_envelope_testing_import_only_those_above_them() {
    assert_imports_upward("**envelope-testing.**", "envelope-testing/src", 6);
}

/// The section's table lists modules, at least so many. Each imports only those above it.
fn assert_imports_upward(section: &str, source: &str, at_least: usize) {
    let text = read("ARCHITECTURE.md");
    let (_, section) = text.split_once(section).unwrap();
    let (section, _) = section.split_once("\n**").or(section.split_once("\n#")).unwrap();
    let (section, _) = section.split_once("\n#").unwrap_or((section, ""));
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let wings: Vec<&str> = rows.map(|wing| wing.trim_end_matches(".rs")).collect();
    assert!(wings.len() > at_least, "{wings:?}");
    let source = root().join(source);
    for (position, wing) in wings.iter().enumerate() {
        let below = &wings[position + 1..];
        let name = wing.trim_end_matches('/');
        let folder = source.join(name);
        let inside = if folder.is_dir() { files(&folder, "rs") } else { Vec::new() };
        // Tests may use everything.
        let inside = inside.into_iter().filter(|file| !file.ends_with("tests.rs"));
        for file in inside.chain([source.join(name).with_extension("rs")]) {
            let code = fs::read_to_string(&file).unwrap();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            for import in code.flat_map(|line| line.split("crate::").skip(1)) {
                let imported = import.split(|c: char| !c.is_ascii_lowercase()).next().unwrap();
                let is_below = below.iter().any(|wing| wing.trim_end_matches('/') == imported);
                assert!(!is_below, "{} imports {imported}", file.display());
            }
        }
    }
}

#[test]
fn tests_in_the_threat_model_exist() {
    let sources: String = ["envelope-cli", "envelope-core", "envelope-dynamo", "tests"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), "rs"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let functions: Vec<&str> =
        sources.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next()).collect();
    for row in read("docs/THREAT_MODEL.md").lines().filter(|line| line.starts_with('|')) {
        let tested_in = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        for name in code_spans(tested_in).filter(|span| is_abbreviated_test(span)) {
            let (start, end) = name.split_once("..").unwrap_or((name, ""));
            let fits = |function: &&&str| match name.contains("..") {
                true => function.starts_with(start) && function.ends_with(end),
                false => **function == name,
            };
            assert!(functions.iter().find(fits).is_some(), "no test `{name}`: {row}");
        }
    }
}

/// Whether a code span is the name of a test, perhaps with `..` for its beginning or end.
fn is_abbreviated_test(span: &str) -> bool {
    let plain = span.chars().all(|c| c.is_ascii_lowercase() || "_.0123456789".contains(c));
    plain && span.matches('_').count() > 2 && !span.ends_with(".rs")
}

/// The text between backticks, outside of fenced blocks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.split("```").step_by(2).flat_map(str::lines);
    lines.flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The Markdown files of the repository: their paths and texts.
pub(super) fn documents() -> impl Iterator<Item = (PathBuf, String)> {
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let top = top.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let folders = [
        "benches",
        "deploy",
        "docs",
        "envelope-cli",
        "envelope-core",
        "envelope-derive",
        "envelope-dynamo",
        "envelope-testing",
        "fuzz",
        "peers",
        "python",
        "vectors",
    ];
    let deeper = folders.into_iter().flat_map(|folder| files(&root().join(folder), "md"));
    top.chain(deeper).map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root()).unwrap().to_owned(), text)
    })
}

/// The files in `folder` and below it that have this extension.
pub(super) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| !path.ends_with("target"))
        .flat_map(|path| match path.is_dir() {
            true => files(&path, extension),
            false if path.extension().is_some_and(|own| own == extension) => vec![path],
            false => Vec::new(),
        })
        .collect()
}

pub(super) fn read(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap()
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

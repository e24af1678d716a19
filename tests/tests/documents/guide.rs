//! The Rust code of README.md and of the guide is compiled here, and compared with the documents.
//!
//! Each document has a module. Each paragraph of each Rust block in the document (lines up to a
//! blank line) is an excerpt of this module, in the same order and but for the indentation.

mod choosing_keys;
mod decide_first;
mod errors;
mod faq;
mod first_record;
mod from_others;
mod groups;
mod keys;
mod lambda;
mod marks;
mod migration;
mod multi_region;
mod observability;
mod operations;
mod partners;
mod reading;
mod readme;
mod search;
mod security_model;
mod single_table;
mod streams;
mod struct_changes;
mod testing;
mod testing_readme;
mod why;
mod without_a_table;
mod writing;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each document with Rust code, and the module in which its code is compiled.
const DOCUMENTS: [(&str, &str); 27] = [
    ("README.md", include_str!("guide/readme.rs")),
    ("docs/guide/choosing-keys.md", include_str!("guide/choosing_keys.rs")),
    ("docs/guide/decide-first.md", include_str!("guide/decide_first.rs")),
    ("docs/guide/errors.md", include_str!("guide/errors.rs")),
    ("docs/guide/faq.md", include_str!("guide/faq.rs")),
    ("docs/guide/first-record.md", include_str!("guide/first_record.rs")),
    // Compiled as examples; what AWS's library needs is compiled outside of the workspace.
    (
        "docs/guide/from-others.md",
        concat!(
            include_str!("../../../examples/examples/from_serde_dynamo.rs"),
            include_str!("../../../examples/examples/from_kms_loop/main.rs"),
            include_str!("guide/from_others.rs"),
            include_str!("../../../examples/examples/from_kms_loop/main.rs"),
            include_str!("../../../peers/src/bin/move_table.rs"),
        ),
    ),
    ("docs/guide/groups.md", include_str!("guide/groups.rs")),
    ("docs/guide/keys.md", include_str!("guide/keys.rs")),
    (
        "docs/guide/lambda.md",
        concat!(
            include_str!("guide/lambda.rs"),
            include_str!("../../../examples/examples/lambda_stream.rs"),
        ),
    ),
    ("docs/guide/marks.md", include_str!("guide/marks.rs")),
    ("docs/guide/migration.md", include_str!("guide/migration.rs")),
    ("docs/guide/multi-region.md", include_str!("guide/multi_region.rs")),
    ("docs/guide/observability.md", include_str!("guide/observability.rs")),
    ("docs/guide/operations.md", include_str!("guide/operations.rs")),
    ("docs/guide/partners.md", include_str!("guide/partners.rs")),
    ("docs/guide/reading.md", include_str!("guide/reading.rs")),
    ("docs/guide/search.md", include_str!("guide/search.rs")),
    ("docs/guide/security-model.md", include_str!("guide/security_model.rs")),
    ("docs/guide/single-table.md", include_str!("guide/single_table.rs")),
    ("docs/guide/streams.md", include_str!("guide/streams.rs")),
    ("docs/guide/struct-changes.md", include_str!("guide/struct_changes.rs")),
    ("docs/guide/testing.md", include_str!("guide/testing.rs")),
    ("docs/guide/why.md", include_str!("guide/why.rs")),
    ("docs/guide/without-a-table.md", include_str!("guide/without_a_table.rs")),
    ("docs/guide/writing.md", include_str!("guide/writing.rs")),
    ("envelope-testing/README.md", include_str!("guide/testing_readme.rs")),
];

#[test]
fn rust_code_in_documents_is_compiled() {
    for (document, code) in DOCUMENTS {
        let mut rest: Vec<&str> = code.lines().map(str::trim_start).collect();
        for paragraph in rust_paragraphs(&read(document)) {
            let Some(end) = end_of_excerpt(&rest, &paragraph) else {
                panic!("{document}: not compiled, or in another order:\n{}", paragraph.join("\n"));
            };
            rest.drain(..end);
        }
    }
}

#[test]
fn every_document_with_rust_code_is_compared() {
    let listed: BTreeSet<_> = DOCUMENTS.map(|(document, _)| document.to_owned()).into();
    let guide = fs::read_dir(root().join("docs/guide")).expect("docs/guide is a directory");
    let chapters = guide.map(|entry| {
        format!("docs/guide/{}", entry.expect("an entry").file_name().to_string_lossy())
    });
    let chapters = chapters.filter(|name| name.ends_with(".md"));
    for document in chapters.chain(["README.md", "envelope-testing/README.md"].map(str::to_owned)) {
        let has_code = !rust_paragraphs(&read(&document)).is_empty();
        assert_eq!(has_code, listed.contains(&document), "{document}");
    }
}

/// The lines of the Rust blocks, without indentation, up to each blank line.
fn rust_paragraphs(document: &str) -> Vec<Vec<&str>> {
    let blocks = document.split("\n```rust\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap_or_default());
    let paragraphs = blocks.flat_map(|block| block.split("\n\n"));
    paragraphs.map(|paragraph| paragraph.lines().map(str::trim_start).collect()).collect()
}

/// The number of the line of `code` after the excerpt.
fn end_of_excerpt(code: &[&str], excerpt: &[&str]) -> Option<usize> {
    let start = code.windows(excerpt.len()).position(|lines| lines == excerpt)?;
    Some(start + excerpt.len())
}

/// Whether one `text` block of the document has `text`, however its lines are broken.
fn is_printed_in(document: &str, text: &str) -> bool {
    let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = on_one_line(text);
    let document = read(document);
    let blocks = document.split("\n```text\n").skip(1);
    let mut blocks = blocks.map(|rest| rest.split("\n```").next().unwrap_or_default());
    blocks.any(|block| on_one_line(block).contains(&text))
}

fn read(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

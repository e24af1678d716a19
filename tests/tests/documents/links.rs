//! Links in the documents lead to files and headings that exist. The guide lists all its pages,
//! and each says at its end what can go wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::names::{documents, read, root};

#[test]
fn links_in_documents_lead_to_files_and_headings() {
    let mut with_anchor = 0;
    for (document, text) in documents() {
        let folder = document.parent().unwrap();
        for target in links(&text).filter(|target| !target.starts_with("http")) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = match path {
                "" => root().join(&document),
                _ => root().join(folder).join(path),
            };
            assert!(path.exists(), "{}: no such file: {target}", document.display());
            if !anchor.is_empty() {
                let anchors = anchors(&fs::read_to_string(&path).unwrap());
                let is_known = anchors.contains(anchor);
                assert!(is_known, "{}: no such heading: {target}", document.display());
                with_anchor += 1;
            }
        }
    }
    assert!(with_anchor > 40, "{with_anchor}");
}

#[test]
fn the_table_of_contents_and_the_introduction_list_every_page_of_the_guide() {
    let pages = chapters();
    let listed_in = |document: &str| -> Vec<String> {
        let mut seen = BTreeSet::from(["README.md".to_owned()]);
        links(&read(document)).filter(|target| seen.insert(target.clone())).collect()
    };
    let summary = listed_in("docs/guide/SUMMARY.md");
    let of_the_guide = summary.iter().filter(|target| !target.starts_with("../")).cloned();
    assert_eq!(of_the_guide.collect::<BTreeSet<_>>(), pages, "docs/guide/SUMMARY.md");
    assert_eq!(listed_in("docs/guide/README.md"), summary, "docs/guide/README.md, in this order");
}

#[test]
fn every_chapter_ends_with_what_can_go_wrong() {
    for chapter in chapters() {
        let text = read(&format!("docs/guide/{chapter}"));
        let prose = text.split("```").step_by(2).flat_map(str::lines);
        let last = prose.filter(|line| line.starts_with("## ")).last();
        assert_eq!(last, Some("## What can go wrong"), "{chapter}");
    }
}

/// The pages of the guide, without the introduction and the table of contents.
fn chapters() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("docs/guide")).unwrap();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_chapter = |name: &String| {
        name.ends_with(".md") && !["README.md", "SUMMARY.md"].contains(&name.as_str())
    };
    names.filter(is_chapter).collect()
}

/// The targets of the inline links of a document, outside of code.
fn links(text: &str) -> impl Iterator<Item = String> {
    let paragraphs = text.split("```").step_by(2).flat_map(|prose| prose.split("\n\n"));
    let prose: String =
        paragraphs.flat_map(|text| text.split('`').step_by(2).chain(["\n\n"])).collect();
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The anchors of a document's headings, as forges and mdBook make them.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    let lines = text.split("```").step_by(2).flat_map(str::lines);
    let headings = lines.filter(|line| line.starts_with('#'));
    let mut seen = BTreeMap::new();
    headings
        .map(|heading| {
            let anchor = anchor(heading.trim_start_matches('#'));
            let before = seen.entry(anchor.clone()).or_insert(0);
            *before += 1;
            if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
        })
        .collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

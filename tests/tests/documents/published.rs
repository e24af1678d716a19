//! The packages that are published: the manifests of the crates agree, and all links lead into the
//! repository.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

use super::links::anchors;
use super::names::{files, read, root};

/// In the order in which they are published: each depends only on those before it.
const PUBLISHED: [&str; 5] = [
    "envelope-core",
    "envelope-derive",
    "envelope-dynamo",
    "envelope-testing",
    "envelope-dynamo-cli",
];

const FOLDERS: [&str; 5] =
    ["envelope-core", "envelope-derive", "envelope-dynamo", "envelope-testing", "envelope-cli"];

#[test]
fn the_manifests_of_published_crates_agree() {
    let packages = packages();
    let published: BTreeSet<_> = packages.iter().map(name).collect();
    assert_eq!(published, BTreeSet::from(PUBLISHED), "the other packages have `publish = false`");
    for package in &packages {
        let name = name(package);
        for key in ["version", "license", "repository", "homepage", "rust_version"] {
            assert_eq!(package[key], packages[0][key], "{name}: {key}");
            assert!(package[key].is_string(), "{name}: {key}");
        }
        assert_eq!(package["documentation"], format!("https://docs.rs/{name}"), "{name}");
        assert_eq!(package["readme"], "README.md", "{name}");
        assert!(package["description"].as_str().is_some_and(|text| text.len() < 140), "{name}");
        // crates.io takes five of each.
        for (key, required) in [("categories", 2), ("keywords", 5)] {
            let count = package[key].as_array().unwrap().len();
            assert!((required..=5).contains(&count), "{name}: {key}");
        }
        assert!(package["metadata"]["docs"]["rs"].is_object(), "{name}: package.metadata.docs.rs");
        for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let copy = fs::read_to_string(manifest.with_file_name(license));
            assert_eq!(copy.unwrap(), read(license), "{name}: {license}");
        }
    }
    let homepage = packages[0]["homepage"].as_str().unwrap();
    assert!(homepage.starts_with(&repository()), "the homepage is a page of the repository");
}

/// Without a version, crates.io does not accept a dependency on another crate of the workspace.
#[test]
fn published_crates_depend_on_each_other_by_version_and_in_order() {
    for package in packages() {
        let name = name(&package);
        let position = PUBLISHED.iter().position(|other| *other == name).unwrap();
        let dependencies = package["dependencies"].as_array().unwrap().clone();
        let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
        for dependency in normal.filter(|dependency| dependency["path"].is_string()) {
            let other = dependency["name"].as_str().unwrap();
            assert!(PUBLISHED[..position].contains(&other), "{name} depends on {other}");
            let required = dependency["req"].as_str().unwrap().trim_start_matches(['=', '^']);
            assert_eq!(package["version"], required, "{name} depends on {other}");
        }
    }
}

/// A link that crates.io, docs.rs or PyPI shows cannot be relative: there, the file does not exist.
#[test]
fn links_into_the_repository_have_its_address_and_lead_to_files_and_headings() {
    let repository = repository();
    let mut seen = 0;
    for (file, text) in linking_files() {
        for link in addresses(&text) {
            // github.com/OWNER/envelope/blob/main/PATH#HEADING
            let mut parts = link.splitn(6, '/');
            let address: Vec<_> = parts.by_ref().take(3).collect();
            assert_eq!(format!("https://{}", address.join("/")), repository, "{file:?}: {link}");
            let Some(("blob" | "tree", "main", path)) =
                parts.next().and_then(|kind| Some((kind, parts.next()?, parts.next()?)))
            else {
                continue;
            };
            let (path, heading) = path.split_once('#').unwrap_or((path, ""));
            assert!(root().join(path).exists(), "{file:?}: no such file: {link}");
            if !heading.is_empty() {
                assert!(
                    anchors(&read(path)).contains(heading),
                    "{file:?}: no such heading: {link}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn the_readmes_of_published_packages_have_no_relative_links() {
    for folder in FOLDERS.into_iter().chain(["python"]) {
        let text = read(&format!("{folder}/README.md"));
        let inline = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        // `[name]: target`, on a line of its own.
        let named = text.lines().filter(|line| line.starts_with('['));
        let named = named.filter_map(|line| Some(line.split_once("]: ")?.1));
        for target in inline.chain(named) {
            assert!(
                target.starts_with("https://") || target.starts_with('#'),
                "{folder}: {target}"
            );
        }
    }
}

/// The files in which the address of the repository may stand.
fn linking_files() -> impl Iterator<Item = (PathBuf, String)> {
    let sources = FOLDERS.iter().flat_map(|folder| files(&root().join(folder), "rs"));
    let manifests = ["Cargo.toml", "python/pyproject.toml"].map(|path| root().join(path));
    let manuals = super::names::documents().map(|(path, _)| root().join(path));
    sources.chain(manifests).chain(manuals).map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    })
}

/// Every `github.com/somebody/envelope..` in a text, without the brackets around it.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("github.com/").filter_map(|(start, _)| {
        let link = text[start..].split([')', ']', '"', '>', ' ', '\n', '`']).next()?;
        (link.split('/').nth(2) == Some("envelope")).then_some(link)
    })
}

fn repository() -> String {
    packages()[0]["repository"].as_str().unwrap().to_owned()
}

/// The packages of the workspace that may be published, as cargo describes them.
fn packages() -> Vec<Value> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().clone();
    packages.into_iter().filter(|package| package["publish"].is_null()).collect()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

//! The commands of docs/guide/rotation-example.md, run as they stand there; what they print is
//! compared with what the document shows.
//!
//! `ENVELOPE_TRANSCRIPT=write tests/real-servers.sh cargo test --workspace --test documents
//! rotation -- --include-ignored` writes what they print into the document.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const CHAPTER: &str = "docs/guide/rotation-example.md";

/// What a shell prints after each step, before the exit code of its last command.
const END_OF_STEP: &str = "--- end of step:";

#[test]
#[ignore = "needs the servers and the AWS CLI of tests/real-servers.sh"]
fn the_rotation_goes_as_the_chapter_shows() {
    let chapter = fs::read_to_string(root().join(CHAPTER)).unwrap();
    let steps = blocks(&chapter, "sh");
    let printed = run(&steps);
    let ran = filled(&chapter, &printed);
    if env::var_os("ENVELOPE_TRANSCRIPT").is_some() {
        fs::write(root().join(CHAPTER), normalised(&ran)).unwrap();
        return;
    }
    let (expected, found) = (compared(&chapter), compared(&ran));
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(expected, found, "the document is on the left; all that was printed:\n{ran}");
    }
    assert_eq!(expected.lines().count(), found.lines().count(), "{ran}");
}

/// The blocks of one language.
fn blocks<'d>(document: &'d str, language: &str) -> Vec<&'d str> {
    let fence = format!("```{language}\n");
    document.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Runs the steps in one shell, since they set variables, and returns what each prints.
fn run(steps: &[&str]) -> Vec<String> {
    let variable = |name: &str| env::var(name).expect("run this by tests/real-servers.sh");
    let ends = format!("\necho '{END_OF_STEP}' $?\n");
    let script: String = steps.iter().map(|step| format!("{step}{ends}")).collect();
    let output = Command::new("bash")
        .args(["-uc", &format!("exec 2>&1\n{script}")])
        .current_dir(root())
        .env("DYNAMODB_ENDPOINT", variable("DYNAMODB_ENDPOINT"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut printed = Vec::new();
    let mut rest = text.as_str();
    for step in steps {
        let (output, after) = rest.split_once(END_OF_STEP).unwrap_or_else(|| panic!("{text}"));
        let (code, after) = after.split_once('\n').unwrap();
        assert_eq!(code.trim(), "0", "{step}\nprinted:\n{output}");
        printed.push(output.to_owned());
        rest = after;
    }
    printed
}

/// The document, with what was printed in the `text` block after each step.
fn filled(document: &str, printed: &[String]) -> String {
    let mut filled = String::new();
    let mut parts = document.split("```sh\n");
    filled.push_str(parts.next().unwrap());
    for (part, printed) in parts.zip(printed) {
        filled.push_str("```sh\n");
        match part.split_once("```text\n") {
            Some((before, shown)) => {
                let (_, after) = shown.split_once("```").unwrap();
                filled.push_str(&format!("{before}```text\n{printed}```{after}"));
            }
            None => filled.push_str(part),
        }
    }
    filled
}

/// The text with what differs from run to run replaced: ids of keys and tables, times, messages of
/// the shell.
fn normalised(text: &str) -> String {
    let lines = text.lines().filter(|line| !is_of_the_shell(line)).map(|line| format!("{line}\n"));
    numbered_ids(&lines.collect::<String>())
}

/// What is compared. How many records a part had moved before it was killed, and how often the
/// service was faster, depends on the moment; how many records there are does not.
fn compared(text: &str) -> String {
    normalised(text).lines().map(|line| format!("{}\n", without_chance(line))).collect()
}

fn without_chance(line: &str) -> String {
    if line.contains(" KMS calls ") {
        return "what it consumed".to_owned();
    }
    match line.split_once("moved ") {
        Some((before, counts)) if counts.contains("already ") => {
            format!("{before}records: {}", sum_of_numbers(counts))
        }
        _ => line.trim_end().to_owned(),
    }
}

fn sum_of_numbers(text: &str) -> u64 {
    let words = text.split_whitespace().map(|word| word.replace(',', ""));
    words.filter_map(|word| word.parse::<u64>().ok()).sum()
}

/// A shell says which job was killed, with its number and the line of the script.
fn is_of_the_shell(line: &str) -> bool {
    line.contains("Killed")
}

/// Replaces each UUID by its number in the order of first appearance.
fn numbered_ids(text: &str) -> String {
    let mut known = BTreeMap::new();
    let (mut numbered, mut rest) = (String::new(), text);
    while let Some(at) = (0..rest.len()).find(|&at| rest.get(at..).is_some_and(starts_with_id)) {
        let (before, from) = rest.split_at(at);
        let (id, after) = from.split_at(ID);
        let next = known.len() + 1;
        let number = *known.entry(id.to_owned()).or_insert(next);
        numbered.push_str(&format!("{before}00000000-0000-0000-0000-{number:012}"));
        rest = after;
    }
    numbered + rest
}

/// The length of a UUID.
const ID: usize = 36;

fn starts_with_id(text: &str) -> bool {
    let id = text.as_bytes().get(..ID).unwrap_or_default();
    !id.is_empty()
        && id.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

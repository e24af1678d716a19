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

/// The text with what differs from run to run replaced: ids of keys and their hints, times,
/// messages of the shell.
fn normalised(text: &str) -> String {
    let lines = text.lines().filter(|line| !is_of_the_shell(line));
    let text: String = lines.map(|line| format!("{}\n", line.trim_end())).collect();
    let text =
        numbered(&text, UUID, is_uuid, |number| format!("00000000-0000-0000-0000-{number:012}"));
    let text = numbered(&text, TIME, is_time, |_| "2026-11-22T02:00:00Z".to_owned());
    numbered(&text, HINT, is_hint, |number| format!("{number:08}"))
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
    if let Some((before, _)) = line.split_once(" pages, ") {
        return before.rsplit_once(' ').map_or(before, |(before, _)| before).to_owned();
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

/// Replaces each word of `length` bytes that `is_one` recognises; equal words get equal numbers, in
/// the order in which they appear.
fn numbered(
    text: &str,
    length: usize,
    is_one: fn(&[u8]) -> bool,
    replacement: fn(usize) -> String,
) -> String {
    let mut known = BTreeMap::new();
    let (mut numbered, mut at) = (String::new(), 0);
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let bytes = rest.as_bytes();
        let stands_alone = !is_word(at.checked_sub(1).and_then(|at| text.as_bytes().get(at)))
            && !is_word(bytes.get(length));
        match bytes.get(..length) {
            Some(word) if stands_alone && is_one(word) => {
                let next = known.len() + 1;
                numbered.push_str(&replacement(*known.entry(word).or_insert(next)));
                at += length;
            }
            _ => {
                let character = rest.chars().next().unwrap();
                numbered.push(character);
                at += character.len_utf8();
            }
        }
    }
    numbered
}

const UUID: usize = 36;

fn is_uuid(word: &[u8]) -> bool {
    word.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// `2026-11-22T02:00:00Z`
const TIME: usize = 20;

fn is_time(word: &[u8]) -> bool {
    word.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        10 => *byte == b'T',
        13 | 16 => *byte == b':',
        19 => *byte == b'Z',
        _ => byte.is_ascii_digit(),
    })
}

/// The hint of a KMS key in a header: 4 bytes in hexadecimal. Eight zeros are the beginning of a
/// UUID that was replaced.
const HINT: usize = 8;

fn is_hint(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_hexdigit) && word.iter().any(|byte| *byte != b'0')
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

//! The Rust code blocks in a piece of documentation.

/// A code block that rustdoc compiles.
#[derive(Debug, PartialEq)]
pub struct CodeBlock {
    /// Without the lines that rustdoc hides.
    code: String,
    no_run: bool,
}

impl CodeBlock {
    /// Whether the block shows how something is used: what the code does is asserted.
    ///
    /// Code that is only compiled cannot assert. It waits for an answer, so it needs a server, or
    /// it is a whole program.
    pub fn is_example(&self) -> bool {
        if self.no_run {
            self.code.contains(".await") || self.code.contains("fn main()")
        } else {
            self.code.contains("assert")
        }
    }

    /// Whether the code has `name` as a word.
    pub fn names(&self, name: &str) -> bool {
        self.code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    }
}

/// Finds the code blocks that rustdoc compiles, but for those that must not compile: these say how
/// a thing is not used.
pub fn code_blocks(docs: &str) -> Vec<CodeBlock> {
    let mut blocks = Vec::new();
    let mut lines = docs.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some((fence, info)) = opening_fence(line) else { continue };
        let code: Vec<_> = lines
            .by_ref()
            .take_while(|line| !closes(line, fence))
            .filter(|line| !is_hidden(line))
            .collect();
        let flags = || info.split([',', ' ']).filter(|flag| !flag.is_empty());
        if flags().all(is_compiled) {
            blocks.push(CodeBlock {
                code: code.join("\n"),
                no_run: flags().any(|flag| flag == "no_run"),
            });
        }
    }
    blocks
}

fn opening_fence(line: &str) -> Option<(&str, &str)> {
    let mark = line.chars().next().filter(|mark| "`~".contains(*mark))?;
    let (fence, info) = line.split_at(line.find(|c| c != mark).unwrap_or(line.len()));
    (fence.len() >= 3 && !info.contains('`')).then_some((fence, info))
}

fn closes(line: &str, fence: &str) -> bool {
    line.starts_with(fence) && line.trim_start_matches(&fence[..1]).is_empty()
}

fn is_hidden(line: &str) -> bool {
    line == "#" || line.starts_with("# ")
}

/// rustdoc takes a block for another language if a word of its first line is none of these.
fn is_compiled(flag: &str) -> bool {
    matches!(flag, "rust" | "no_run" | "should_panic" | "standalone_crate")
        || flag.starts_with("edition20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_example(docs: &str) -> bool {
        code_blocks(docs).iter().any(CodeBlock::is_example)
    }

    #[test]
    fn code_that_asserts_is_an_example() {
        assert!(is_example("Adds.\n\n```\nassert_eq!(1 + 1, 2);\n```\n"));
        assert!(is_example("- In a list:\n  ~~~rust,edition2024\n  assert!(true);\n  ~~~\n"));
        assert!(!is_example("```\nlet two = 1 + 1;\n```\n"));
        assert!(!is_example("Says `assert!` outside of a block."));
    }

    #[test]
    fn code_that_is_only_compiled_waits_for_a_server() {
        assert!(is_example("```no_run\nclient.send().await?;\n```\n"));
        assert!(!is_example("```no_run\nassert_eq!(1 + 1, 2);\n```\n"));
    }

    #[test]
    fn code_that_rustdoc_does_not_compile_is_no_example() {
        for flags in ["text", "ignore", "rust,ignore", "compile_fail", "toml", "ignore-wasm"] {
            assert!(!is_example(&format!("```{flags}\nassert!(true);\n```\n")), "{flags}");
        }
    }

    #[test]
    fn hidden_lines_show_nothing() {
        assert!(!is_example("```\n# assert!(true);\n```\n"));
        assert!(is_example("```\n#[derive(Debug)]\nstruct A;\nassert!(true);\n```\n"));
    }

    #[test]
    fn each_block_ends_at_its_own_fence() {
        let docs = "````text\n```\nassert!(true);\n````\n```\nassert!(2);\n```\nassert!(3);";
        let blocks = code_blocks(docs);
        assert_eq!(blocks, [CodeBlock { code: "assert!(2);".into(), no_run: false }]);
    }

    #[test]
    fn a_name_is_a_whole_word() {
        let block = CodeBlock { code: "let a = TableName::new();".into(), no_run: false };
        assert!(block.names("TableName"));
        assert!(!block.names("Table"));
    }
}

//! `--part`: which part of the table this process works on.

use std::env;
use std::str::FromStr;

use envelope_dynamo::maintain::Part;

use crate::failure::Failure;

/// Where engines say which of several equal processes this is: Kubernetes (Indexed Job) and AWS
/// Batch (array job).
const INDEXES: [&str; 2] = ["JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"];

/// A part as it was written.
#[derive(Clone, Debug)]
pub(crate) enum PartArg {
    Given(Part),
    /// The engine names the index.
    Auto {
        count: u32,
    },
}

impl FromStr for PartArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("auto/") {
            None => text.parse().map(Self::Given).map_err(|error| format!("{error}")),
            Some(count) => {
                let first = format!("0/{count}").parse::<Part>();
                let count = count.parse().map_err(|_| "the number of parts is no number");
                first.map_err(|error| format!("{error}"))?;
                Ok(Self::Auto { count: count? })
            }
        }
    }
}

impl PartArg {
    /// The part: the one that was given, or the one that the engine names.
    pub(crate) fn find(&self) -> Result<Part, Failure> {
        match self {
            Self::Given(part) => Ok(*part),
            Self::Auto { count } => named_by_engine(*count, |name| env::var(name).ok()),
        }
    }
}

fn named_by_engine(count: u32, variable: impl Fn(&str) -> Option<String>) -> Result<Part, Failure> {
    let Some((name, index)) = INDEXES.iter().find_map(|name| Some((name, variable(name)?))) else {
        return Err(Failure::act_now(format!(
            "--part auto/{count} needs {}, which Kubernetes or AWS Batch sets; or name the part, \
             such as --part 0/{count}",
            INDEXES.join(" or ")
        )));
    };
    format!("{index}/{count}").parse().map_err(|error| {
        Failure::act_now(format!("{name} is {index:?}, with --part auto/{count}: {error}"))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use envelope_dynamo::maintain::Part;

    use crate::part::{PartArg, named_by_engine};

    #[test]
    fn the_engine_names_the_index() {
        let kubernetes = |name: &str| (name == "JOB_COMPLETION_INDEX").then(|| "17".to_owned());
        assert_eq!(named_by_engine(256, kubernetes).unwrap(), Part::of(17, 256).unwrap());
        let batch = |name: &str| (name == "AWS_BATCH_JOB_ARRAY_INDEX").then(|| "3".to_owned());
        assert_eq!(named_by_engine(4, batch).unwrap(), Part::of(3, 4).unwrap());
        let message = named_by_engine(4, kubernetes).unwrap_err().message;
        assert!(message.contains("JOB_COMPLETION_INDEX is \"17\""), "{message}");
        let message = named_by_engine(4, |_| None).unwrap_err().message;
        assert!(message.contains("AWS_BATCH_JOB_ARRAY_INDEX"), "{message}");
    }

    #[test]
    fn parts_that_do_not_exist_are_refused() {
        for text in ["9/8", "auto/0", "auto/x", "auto/", "auto", "1", "auto/999999999"] {
            assert!(text.parse::<PartArg>().is_err(), "{text}");
        }
        assert!("auto/256".parse::<PartArg>().is_ok() && "255/256".parse::<PartArg>().is_ok());
    }
}

//! What Kubernetes and AWS Batch do when the process of a part ends, by the rules of the manifests
//! in `deploy/`.

use serde_json::Value;

use crate::Outcome;

/// How the process of a part ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an exit code. A process that a signal killed has 128 and the signal's number.
    Exit(i32),
    /// The machine was taken away: a drained node, a spot instance.
    HostLost,
    /// By the scheduler itself: the job was suspended.
    Suspended,
}

/// What becomes of the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The part is done.
    Done,
    /// The part is started again. If the try counts, it does so only up to a limit.
    Retry {
        /// Whether this try is one of the limited number.
        counts: bool,
    },
    /// The part failed for good, and the others go on.
    FailPart,
    /// The job failed, and all parts are stopped.
    FailJob,
}

/// A scheduler of parts.
#[derive(Clone, Debug)]
pub struct Engine {
    /// The environment variable that has the number of the part.
    pub index_variable: &'static str,
    /// How many tries of a part may fail before the part fails for good.
    pub failures_allowed: u64,
    rules: Vec<(On, Verdict)>,
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum On {
    Exit(i32),
    HostLost,
}

impl Engine {
    /// Kubernetes, by the Job in the text of `deploy/kubernetes/rewrap.yaml`.
    ///
    /// # Errors
    ///
    /// If the text lacks a rule that this expects, or has one that it does not know.
    pub fn kubernetes(manifest: &str) -> Outcome<Self> {
        let value = |name: &str| {
            let mut lines = manifest.lines().map(|line| line.trim().trim_start_matches("- "));
            let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            found.map(without_comment).ok_or_else(|| format!("the manifest has no {name}"))
        };
        let (_, rules) = manifest.split_once("podFailurePolicy:").ok_or("no podFailurePolicy")?;
        let (rules, _) = rules.split_once("template:").ok_or("no template after the rules")?;
        let rules = rules.split("- action: ").skip(1).map(rule_of_kubernetes);
        Ok(Self {
            index_variable: "JOB_COMPLETION_INDEX",
            failures_allowed: value("backoffLimitPerIndex")?.parse()?,
            rules: rules.collect::<Outcome<_>>()?,
        })
    }

    /// AWS Batch, by the text of `deploy/batch/job-definition.json`.
    ///
    /// # Errors
    ///
    /// If the text lacks a rule that this expects, or has one that it does not know.
    pub fn batch(definition: &str) -> Outcome<Self> {
        let definition: Value = serde_json::from_str(definition)?;
        let strategy = definition.get("retryStrategy").ok_or("no retryStrategy")?;
        let attempts = strategy.get("attempts").and_then(Value::as_u64).ok_or("no attempts")?;
        let rules = strategy.get("evaluateOnExit").and_then(Value::as_array);
        let rules = rules.ok_or("no evaluateOnExit")?.iter().map(rule_of_batch);
        Ok(Self {
            index_variable: "AWS_BATCH_JOB_ARRAY_INDEX",
            failures_allowed: attempts - 1,
            rules: rules.collect::<Outcome<_>>()?,
        })
    }

    /// What becomes of a part whose process ended.
    #[must_use]
    pub fn verdict(&self, ended: Ended) -> Verdict {
        let on = match ended {
            Ended::Exit(0) => return Verdict::Done,
            Ended::Suspended => return Verdict::Retry { counts: false },
            Ended::Exit(code) => On::Exit(code),
            Ended::HostLost => On::HostLost,
        };
        // The first rule that fits decides; both schedulers try again where none fits.
        let rule = self.rules.iter().find(|(rule, _)| *rule == on);
        rule.map_or(Verdict::Retry { counts: true }, |(_, verdict)| *verdict)
    }
}

/// One rule: the text behind `- action: `.
fn rule_of_kubernetes(text: &str) -> Outcome<(On, Verdict)> {
    let action = without_comment(text.lines().next().unwrap_or_default());
    let on = match text.split_once("values: [") {
        Some((_, values)) => {
            let (code, _) = values.split_once(']').ok_or("the list of exit codes has no end")?;
            On::Exit(code.parse()?)
        }
        None if text.contains("type: DisruptionTarget") => On::HostLost,
        None => return Err(format!("unknown rule: {text}").into()),
    };
    let verdict = match action {
        "Ignore" => Verdict::Retry { counts: false },
        "FailIndex" => Verdict::FailPart,
        "FailJob" => Verdict::FailJob,
        other => return Err(format!("unknown action: {other}").into()),
    };
    Ok((on, verdict))
}

fn rule_of_batch(rule: &Value) -> Outcome<(On, Verdict)> {
    let member = |name: &str| rule.get(name).and_then(Value::as_str);
    let on = match (member("onExitCode"), member("onStatusReason")) {
        (Some(code), None) => On::Exit(code.parse()?),
        (None, Some("Host EC2*")) => On::HostLost,
        _ => return Err(format!("unknown rule: {rule}").into()),
    };
    let verdict = match member("action") {
        Some("EXIT") => Verdict::FailPart,
        Some("RETRY") => Verdict::Retry { counts: true },
        _ => return Err(format!("unknown action: {rule}").into()),
    };
    Ok((on, verdict))
}

fn without_comment(text: &str) -> &str {
    text.split(" #").next().unwrap_or_default().trim()
}

//! An inspection as text.

use std::collections::BTreeMap;
use std::fmt;

use envelope_dynamo::error::Escaped;
use envelope_dynamo::maintain::inspect::{
    Entry, Inspection, PayloadHeader, SealedPart, WrappedKeys,
};

use crate::figures::count;

/// An inspection, and the keys whose hints were looked for. Texts of the item are escaped: whoever
/// can write the table chose them.
pub(crate) struct Text<'a> {
    pub(crate) inspection: &'a Inspection,
    pub(crate) keys: &'a [String],
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inspection {
            table,
            record_type,
            unprotected,
            bytes,
            attributes,
            record,
            groups,
            problems,
            ..
        } = self.inspection;
        let entity = record_type.as_deref().unwrap_or("a record of unknown type");
        writeln!(
            f,
            "{entity} of the table {table}: {} bytes, {attributes} attributes",
            count(*bytes as u64)
        )?;
        if *unprotected {
            writeln!(
                f,
                "the type is unprotected: nothing in the item is secret or authentic, and whoever can \
                 write the table can write it"
            )?;
        } else if !self.inspection.is_sealed() {
            writeln!(f, "the item has no sealed fields")?;
        }
        self.part(f, "", record)?;
        for (name, part) in groups {
            writeln!(f, "group {}", Escaped(name))?;
            if part.payload.is_none() && part.wrapped_keys.is_none() {
                writeln!(f, "  the record has nothing in this group")?;
            }
            self.part(f, "  ", part)?;
        }
        for (name, generation) in &self.inspection.search_tags {
            let generation = match generation {
                Some(generation) => format!("generation {generation}"),
                None => "the record has none".to_owned(),
            };
            writeln!(f, "search tag {}: {generation}", Escaped(name))?;
        }
        for problem in problems {
            match problem.attribute.as_str() {
                "" => writeln!(f, "problem: {}", problem.problem)?,
                attribute => {
                    writeln!(f, "problem: `{}`: {}", Escaped(attribute), problem.problem)?;
                }
            }
        }
        match problems.len() {
            0 if *unprotected => write!(f, "no problem was found"),
            0 => write!(f, "no problem was found; nothing of this is proved without the data key"),
            1 => write!(f, "1 problem"),
            count => write!(f, "{count} problems"),
        }
    }
}

impl Text<'_> {
    fn part(&self, f: &mut fmt::Formatter<'_>, indent: &str, part: &SealedPart) -> fmt::Result {
        if let Some(payload) = &part.payload {
            payload_lines(f, indent, payload)?;
        }
        if let Some(keys) = &part.wrapped_keys {
            self.keys(f, indent, keys)?;
        }
        if let Some(context) = &part.encryption_context {
            let is_hashed = part.wrapped_keys.as_ref().is_some_and(|keys| keys.form == "hashed");
            context_lines(f, indent, context, is_hashed)?;
        }
        Ok(())
    }

    fn keys(&self, f: &mut fmt::Formatter<'_>, indent: &str, keys: &WrappedKeys) -> fmt::Result {
        let WrappedKeys { version, form, bytes, entries, .. } = keys;
        writeln!(
            f,
            "{indent}encrypted_dek: version {version}, context form {form}, {bytes} bytes, {} {}",
            entries.len(),
            if entries.len() == 1 { "entry" } else { "entries" }
        )?;
        entries.iter().try_for_each(|entry| self.entry(f, indent, entry))
    }

    fn entry(&self, f: &mut fmt::Formatter<'_>, indent: &str, entry: &Entry) -> fmt::Result {
        let Entry { kind, id, bytes, fits, .. } = entry;
        write!(f, "{indent}  {kind}: ")?;
        match (&entry.branch_version, kind.as_str(), entry.id.get(..8)) {
            (Some(version), _, _) => write!(f, "branch key version {version}")?,
            (None, "aws-kms", Some(key)) => {
                let material = id.get(8..).filter(|_| entry.names_material);
                write!(f, "hint {key}, key material {}", material.unwrap_or("not named"))?;
            }
            _ => write!(f, "id {id}")?,
        }
        write!(f, ", wrapped key of {bytes} bytes")?;
        for key in fits {
            write!(f, "; the hint fits {key}")?;
        }
        if kind == "aws-kms" && fits.is_empty() && !self.keys.is_empty() {
            write!(f, "; the hint fits none of the keys given")?;
        }
        writeln!(f)
    }
}

fn payload_lines(f: &mut fmt::Formatter<'_>, indent: &str, payload: &PayloadHeader) -> fmt::Result {
    let PayloadHeader { version, suite, bytes, authenticated, absent, .. } = payload;
    writeln!(
        f,
        "{indent}encrypted_payload: version {version}, suite {suite}, {} bytes",
        count(*bytes as u64)
    )?;
    if !authenticated.is_empty() {
        let shown = authenticated.iter().map(|name| {
            let is_absent = if absent.contains(name) { " (the item does not have it)" } else { "" };
            format!("{}{is_absent}", Escaped(name))
        });
        writeln!(f, "{indent}  authenticated: {}", shown.collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

fn context_lines(
    f: &mut fmt::Formatter<'_>,
    indent: &str,
    context: &BTreeMap<String, String>,
    is_hashed: bool,
) -> fmt::Result {
    writeln!(f, "{indent}encryption context, as CloudTrail shows it:")?;
    for (name, value) in context {
        let is_key = matches!(name.as_str(), "partition_key" | "sort_key");
        let note = if is_hashed && is_key { "   (SHA-256 of the key)" } else { "" };
        writeln!(f, "{indent}  {} = {}{note}", Escaped(name), Escaped(value))?;
    }
    Ok(())
}

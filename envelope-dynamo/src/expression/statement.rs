//! PartiQL statements, looked at before they are sent: what they must not name.

use super::refuse::{refuse_encrypted, refuse_encrypted_names, refuse_protected, refuse_update_of_protected};
use crate::error::{Error, ErrorKind, RecordId};
use crate::record::Envelope;

/// Refuses a statement that names an encrypted field, changes what is sealed or bound, or stores what is not sealed.
pub(crate) fn refuse_statement<T: Envelope>(statement: &str) -> Result<(), Error> {
    let refuse = |reason| Err(Error::new(RecordId::of_table(T::TABLE), ErrorKind::Statement { reason }));
    let statement = without_literals(statement);
    let keyword = statement.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    match keyword.as_str() {
        "SELECT" | "DELETE" | "UPDATE" => {}
        "INSERT" => return refuse("it would store a record that is not sealed: `Table::put` seals it"),
        _ => return refuse("it is none of SELECT, UPDATE and DELETE"),
    }
    refuse_encrypted_names::<T>(&statement, None)?;
    refuse_encrypted::<T>(quoted_names(&statement))?;
    if keyword == "UPDATE" {
        let changes = changes(&statement);
        refuse_update_of_protected::<T>(&changes, None, None)?;
        refuse_protected::<T>(quoted_names(&changes))?;
    }
    Ok(())
}

/// The statement without the text of its string literals, in which any word may stand.
fn without_literals(statement: &str) -> String {
    let outside = statement.split('\'').step_by(2);
    outside.collect::<Vec<_>>().join("''")
}

/// The names in double quotes, whatever characters they have.
fn quoted_names(statement: &str) -> impl Iterator<Item = &str> {
    statement.split('"').skip(1).step_by(2)
}

/// What stands between the table's name and the condition: the clauses that change something.
fn changes(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let is = |word: &&str, keyword: &str| word.eq_ignore_ascii_case(keyword);
    let start = words.iter().position(|word| is(word, "SET") || is(word, "REMOVE")).unwrap_or(0);
    let end = words.iter().position(|word| is(word, "WHERE")).unwrap_or(words.len());
    words.get(start..end.max(start)).unwrap_or_default().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{changes, quoted_names, without_literals};

    #[test]
    fn literals_are_no_names_and_quoted_names_are_whole() {
        let statement = without_literals(r#"SELECT * FROM "users" WHERE "a.b" = 'it''s email' AND plan = 'x'"#);
        assert!(!statement.contains("email") && statement.contains("plan"), "{statement}");
        assert_eq!(quoted_names(&statement).collect::<Vec<_>>(), ["users", "a.b"]);
    }

    #[test]
    fn a_condition_changes_nothing() {
        assert_eq!(
            changes("UPDATE users SET logins = logins + 1 REMOVE note WHERE user_id = ?"),
            "SET logins = logins + 1 REMOVE note"
        );
        assert_eq!(changes("UPDATE users"), "UPDATE users");
    }
}

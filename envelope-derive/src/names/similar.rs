//! "did you mean": the known word that a misspelt one resembles.

/// The candidate nearest to `word`, if it is near enough to be a misspelling.
pub(crate) fn similar<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of letters to insert, delete or replace to turn `from` into `to`.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((b, above_left), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let replace = above_left + usize::from(a != *b);
            let left = next.last().copied().unwrap_or_default();
            next.push(replace.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_letters_changed() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("tabel", "table"), 2);
    }

    #[test]
    fn finds_a_near_word_and_no_distant_one() {
        let options = ["table", "unmarked", "kms_context", "context", "crate"];
        assert_eq!(similar("tabel", &options), Some("table"));
        assert_eq!(similar("kms-context", &options), Some("kms_context"));
        assert_eq!(similar("unmarkt", &options), Some("unmarked"));
        assert_eq!(similar("rename_all", &options), None);
        assert_eq!(similar("encryptd", &["encrypted", "plaintext"]), Some("encrypted"));
        assert_eq!(similar("default", &["encrypted", "plaintext"]), None);
    }
}

//! The format of a composed key: constant text, and fields in braces.

use syn::Ident;
use syn::ext::IdentExt;
use syn::parse::Parser;

/// A piece of a format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Part(Part),
}

/// `{field}` or `{field:020}` in a format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The name of the field in the struct, without `r#`.
    pub(crate) field: String,
    /// The number of digits to which the field is padded with zeros.
    pub(crate) digits: Option<usize>,
}

/// Splits a format into its pieces. An error is the problem and the help.
pub(super) fn pieces(format: &str) -> Result<Vec<Piece>, (String, String)> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        literal.push_str(before);
        if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
            literal.push_str(brace.get(..1).unwrap_or_default());
            rest = after;
        } else if let Some((placeholder, after)) =
            brace.strip_prefix('{').and_then(|open| open.split_once('}'))
        {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Part(part(placeholder)?));
            rest = after;
        } else {
            let problem = "the format has an unmatched brace".to_owned();
            return Err((
                problem,
                "write `{field}`, or `{{` and `}}` for literal braces".to_owned(),
            ));
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// `field` or `field:020`.
fn part(placeholder: &str) -> Result<Part, (String, String)> {
    let (field, spec) = match placeholder.split_once(':') {
        Some((field, spec)) => (field, Some(spec)),
        None => (placeholder, None),
    };
    if Ident::parse_any.parse_str(field).is_err() {
        let problem = format!("`{{{placeholder}}}` does not name a field");
        return Err((
            problem,
            "write the name of a field in the braces: `{order_id}`, `{created:020}`".to_owned(),
        ));
    }
    let digits = match spec
        .map(|spec| spec.strip_prefix('0').and_then(|digits| digits.parse().ok()))
    {
        None => None,
        Some(Some(digits @ 1..=39)) => Some(digits),
        Some(_) => {
            let problem = format!("`{{{placeholder}}}` is not a valid placeholder");
            let help = format!(
                "write `{{{field}}}`, or `{{{field}:020}}` for an integer padded with zeros to 20 \
                 digits (39 at most), so that it sorts"
            );
            return Err((problem, help));
        }
    };
    Ok(Part { field: field.trim_start_matches("r#").to_owned(), digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(field: &str, digits: Option<usize>) -> Piece {
        Piece::Part(Part { field: field.to_owned(), digits })
    }

    #[test]
    fn a_format_is_text_and_fields() {
        let literal = |text: &str| Piece::Literal(text.to_owned());
        assert_eq!(pieces("PROFILE"), Ok(vec![literal("PROFILE")]));
        assert_eq!(pieces("{id}"), Ok(vec![of("id", None)]));
        assert_eq!(
            pieces("A#{a:020}#{b}#"),
            Ok(vec![literal("A#"), of("a", Some(20)), literal("#"), of("b", None), literal("#")])
        );
        assert_eq!(pieces("{{{a}}}"), Ok(vec![literal("{"), of("a", None), literal("}")]));
        assert_eq!(pieces(""), Ok(vec![]));
    }

    #[test]
    fn a_malformed_format_is_refused() {
        for format in [
            "{", "}", "{a", "a}", "{}", "{:020}", "{a:20}", "{a:>20}", "{a:0}", "{a:00}",
            "{a:040}", "{a b}", "{0}",
        ] {
            assert!(pieces(format).is_err(), "{format}");
        }
    }
}

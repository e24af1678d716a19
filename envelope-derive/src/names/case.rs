//! serde's rename rules, for the names of fields.

/// A rule of `#[serde(rename_all = "..")]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RenameRule {
    /// The name as written. serde applies `"lowercase"` and `"snake_case"` to fields in this way.
    #[default]
    Unchanged,
    Upper,
    Pascal,
    Camel,
    Kebab,
    ScreamingKebab,
}

impl RenameRule {
    /// serde's names of the rules.
    pub(crate) const NAMES: [&str; 8] = [
        "lowercase",
        "UPPERCASE",
        "PascalCase",
        "camelCase",
        "snake_case",
        "SCREAMING_SNAKE_CASE",
        "kebab-case",
        "SCREAMING-KEBAB-CASE",
    ];

    /// The rule with this name in serde.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" | "snake_case" => Self::Unchanged,
            "UPPERCASE" | "SCREAMING_SNAKE_CASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// The name under which a field is stored.
    pub(crate) fn apply(self, field: &str) -> String {
        match self {
            Self::Unchanged => field.to_owned(),
            Self::Upper => field.to_ascii_uppercase(),
            Self::Pascal => pascal(field),
            Self::Camel => lower_first(&pascal(field)),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn pascal(field: &str) -> String {
    let mut name = String::new();
    let mut capitalize = true;
    for letter in field.chars() {
        if letter == '_' {
            capitalize = true;
        } else if capitalize {
            name.push(letter.to_ascii_uppercase());
            capitalize = false;
        } else {
            name.push(letter);
        }
    }
    name
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the rule gives the same names as serde.
    macro_rules! same_as_serde {
        ($($rule:literal)*) => {$({
            #[derive(Default, serde::Serialize)]
            #[serde(rename_all = $rule)]
            #[allow(non_snake_case)]
            struct Names {
                a: u8,
                outcome: u8,
                very_tasty: u8,
                z42: u8,
                line_2_of_3: u8,
                _leading: u8,
                trailing_: u8,
                double__underscore: u8,
                alreadyCamel: u8,
                HTTPStatus: u8,
                straße_nr: u8,
                r#type: u8,
            }
            let fields = [
                "a", "outcome", "very_tasty", "z42", "line_2_of_3", "_leading", "trailing_",
                "double__underscore", "alreadyCamel", "HTTPStatus", "straße_nr", "type",
            ];
            let rule = RenameRule::named($rule).expect($rule);
            let ours: Vec<String> = fields.iter().map(|field| rule.apply(field)).collect();
            let json = serde_json::to_string(&Names::default()).expect("a map of numbers");
            let theirs: Vec<&str> = json.split('"').skip(1).step_by(2).collect();
            assert_eq!(ours, theirs, "{}", $rule);
        })*};
    }

    #[test]
    fn every_rule_names_fields_as_serde_does() {
        same_as_serde!(
            "lowercase" "UPPERCASE" "PascalCase" "camelCase" "snake_case" "SCREAMING_SNAKE_CASE"
            "kebab-case" "SCREAMING-KEBAB-CASE"
        );
    }

    #[test]
    fn every_name_of_a_rule_is_known_and_no_other() {
        for name in RenameRule::NAMES {
            assert!(RenameRule::named(name).is_some(), "{name}");
        }
        assert_eq!(RenameRule::named("Train-Case"), None);
    }
}

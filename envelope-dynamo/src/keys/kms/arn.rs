//! The names of KMS keys: as configured, and as in the answers of KMS.

use std::fmt;

use envelope_core::KmsKeyHint;

/// A key as the caller configured it: key id, key ARN, alias name or alias ARN.
#[derive(Clone, Debug)]
pub(crate) struct KeyName(String);

impl KeyName {
    pub(crate) const fn new(name: String) -> Self {
        Self(name)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN, if the name already is a key ARN.
    pub(crate) fn as_key_arn(&self) -> Option<KeyArn> {
        KeyArn::parse(&self.0)
    }

    /// The hint of the key, if the name is its ARN or its key id. An alias has none: it can stand
    /// for another key tomorrow.
    pub(crate) fn hint(&self) -> Option<KmsKeyHint> {
        match self.as_key_arn() {
            Some(arn) => Some(arn.hint()),
            None if self.0.contains([':', '/']) || self.0.is_empty() => None,
            None => Some(KmsKeyHint::of(&self.0)),
        }
    }

    /// Whether KMS may answer for this name with `arn`: the same key id; the same partition, region
    /// and account for an alias ARN; any key for an alias name.
    pub(crate) fn may_be(&self, arn: &KeyArn) -> bool {
        match self.0.split_once(":alias/") {
            Some((place, _)) => arn.place() == place,
            None => self.0.starts_with("alias/") || self.0 == arn.key_id(),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What to do about a name that KMS does not know: an alias without its prefix is taken for a key
/// id.
pub(crate) fn advice(name: &str) -> String {
    let is_id = |part: &str| part.len() >= 32 && part.chars().all(is_id_character);
    let is_id = is_id(name.strip_prefix("mrk-").unwrap_or(name));
    if is_id || name.contains(['/', ':', ' ']) {
        return String::new();
    }
    format!(" (`{name}` is taken for a key id; an alias is named `alias/{name}`)")
}

const fn is_id_character(character: char) -> bool {
    character.is_ascii_hexdigit() || character == '-'
}

/// The ARN of a KMS key: `arn:aws:kms:eu-central-1:111122223333:key/1234abcd-..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyArn {
    text: String,
    /// Where `:key/` starts.
    key: usize,
}

const KEY: &str = ":key/";

impl KeyArn {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (place, id) = text.split_once(KEY)?;
        let parts: Vec<_> = place.split(':').collect();
        let ["arn", partition, "kms", region, account] = parts.as_slice() else { return None };
        let whole = [*partition, *region, *account, id].iter().all(|part| !part.is_empty());
        whole.then(|| Self { text: text.to_owned(), key: place.len() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Partition, service, region and account.
    fn place(&self) -> &str {
        self.text.get(..self.key).unwrap_or_default()
    }

    /// The key id: a UUID, or `mrk-..`, which the replicas of a multi-region key share.
    fn key_id(&self) -> &str {
        self.text.get(self.key + KEY.len()..).unwrap_or_default()
    }

    /// What `encrypted_dek` says about the key (FORMAT 6.2).
    pub(crate) fn hint(&self) -> KmsKeyHint {
        KmsKeyHint::of(self.key_id())
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::keys::kms::arn::{KeyArn, KeyName, advice};

    const ARN: &str =
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn an_answer_is_checked_against_every_way_of_naming_a_key() {
        let arn = KeyArn::parse(ARN).unwrap();
        let may_be = |name: &str| KeyName::new(name.to_owned()).may_be(&arn);
        assert!(may_be("1234abcd-12ab-34cd-56ef-1234567890ab"));
        assert!(may_be("alias/users"));
        assert!(may_be("arn:aws:kms:eu-central-1:111122223333:alias/users"));
        assert!(!may_be("arn:aws:kms:eu-west-1:111122223333:alias/users"), "another region");
        assert!(!may_be("arn:aws:kms:eu-central-1:999999999999:alias/users"), "another account");
        assert!(!may_be("9999abcd-12ab-34cd-56ef-1234567890ab"), "another key");
        assert_eq!(KeyName::new(ARN.to_owned()).as_key_arn().unwrap(), arn);
    }

    #[test]
    fn an_alias_without_its_prefix_is_recognised() {
        assert_eq!(
            advice("users"),
            " (`users` is taken for a key id; an alias is named `alias/users`)"
        );
        let known = [
            "alias/users",
            ARN,
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
            "arn:aws:kms:eu-central-1:111122223333:alias/users",
        ];
        assert_eq!(known.map(advice), [""; 5]);
    }

    #[test]
    fn other_texts_are_not_key_arns() {
        for text in [
            "",
            "1234",
            "arn:aws:kms:eu:1:alias/x",
            "arn:aws:s3:eu:1:key/x",
            "arn:aws:kms::1:key/x",
            "arn:aws:kms:eu:1:key/",
        ] {
            assert!(KeyArn::parse(text).is_none(), "{text}");
        }
    }
}

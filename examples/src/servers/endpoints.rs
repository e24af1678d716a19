//! The servers that the environment names.

use super::error::ServersError;

const DYNAMODB_ENDPOINT: &str = "DYNAMODB_ENDPOINT";
const KMS_ENDPOINT: &str = "KMS_ENDPOINT";
const KMS_KEY_ID: &str = "KMS_KEY_ID";
const AWS_REGION: &str = "AWS_REGION";
const DEFAULT_REGION: &str = "us-east-1";
/// Both parts of the credentials that emulators see.
pub(super) const MADE_UP: &str = "emulator";

/// The addresses of the emulators. `None` means embedded in this process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoints {
    pub(super) dynamodb: Option<String>,
    pub(super) kms: Option<String>,
    pub(super) kms_key_id: Option<String>,
    pub(super) region: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self { dynamodb: None, kms: None, kms_key_id: None, region: DEFAULT_REGION.to_owned() }
    }
}

impl Endpoints {
    pub(super) fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ServersError> {
        let dynamodb = endpoint(&var, DYNAMODB_ENDPOINT)?;
        let kms = endpoint(&var, KMS_ENDPOINT)?;
        let kms_key_id = set(&var, KMS_KEY_ID);
        if kms.is_none() && kms_key_id.is_some() {
            return Err(ServersError::new(
                "KMS_KEY_ID names a key that the embedded KMS does not have: \
                 set KMS_ENDPOINT as well, ask for AWS, or unset KMS_KEY_ID",
            ));
        }
        let region = set(&var, AWS_REGION).unwrap_or_else(|| DEFAULT_REGION.to_owned());
        Ok(Self { dynamodb, kms, kms_key_id, region })
    }

    pub(super) fn describe(&self) -> String {
        let place = |url: &Option<String>| {
            url.as_ref().map_or("in this process".to_owned(), |url| format!("at {url}"))
        };
        format!("DynamoDB {}, KMS {}", place(&self.dynamodb), place(&self.kms))
    }
}

/// The key to use at AWS, if the environment does not name emulators at the same time.
pub(super) fn aws_key_id(var: impl Fn(&str) -> Option<String>) -> Result<String, ServersError> {
    for name in [DYNAMODB_ENDPOINT, KMS_ENDPOINT] {
        if set(&var, name).is_some() {
            return Err(ServersError::new(format!(
                "AWS is asked for, but {name} names an emulator: unset it, or do not ask for AWS"
            )));
        }
    }
    set(&var, KMS_KEY_ID).ok_or_else(|| {
        ServersError::new("a KMS key costs money, so none is created at AWS: set KMS_KEY_ID to its id, ARN or alias")
    })
}

fn endpoint(
    var: impl Fn(&str) -> Option<String>,
    name: &str,
) -> Result<Option<String>, ServersError> {
    match set(var, name) {
        Some(url) if !url.starts_with("http://") => Err(ServersError::new(format!(
            "{name} must be the plain HTTP address of an emulator, such as http://127.0.0.1:8000"
        ))),
        url => Ok(url),
    }
}

/// An empty variable counts as unset, because a script cannot always unset one.
fn set(var: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    var(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn vars<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    fn message<T: std::fmt::Debug>(result: Result<T, ServersError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn an_empty_environment_means_embedded_servers() {
        let silent =
            Endpoints::from_vars(vars(&[("KMS_ENDPOINT", ""), ("KMS_KEY_ID", "")])).unwrap();
        assert_eq!(silent, Endpoints::default());
        assert_eq!(silent.describe(), "DynamoDB in this process, KMS in this process");
    }

    #[test]
    fn each_server_is_named_on_its_own() {
        let mixed =
            Endpoints::from_vars(vars(&[("DYNAMODB_ENDPOINT", "http://127.0.0.1:8000")])).unwrap();
        assert_eq!(mixed.describe(), "DynamoDB at http://127.0.0.1:8000, KMS in this process");
        let kms = vars(&[
            ("KMS_ENDPOINT", "http://kms:1"),
            ("KMS_KEY_ID", "alias/users"),
            ("AWS_REGION", "eu-west-1"),
        ]);
        let kms = Endpoints::from_vars(kms).unwrap();
        assert_eq!(kms.describe(), "DynamoDB in this process, KMS at http://kms:1");
        assert_eq!(
            (kms.kms_key_id.as_deref(), kms.region.as_str()),
            (Some("alias/users"), "eu-west-1")
        );
    }

    #[test]
    fn an_invalid_variable_is_refused_with_advice() {
        let tls =
            Endpoints::from_vars(vars(&[("KMS_ENDPOINT", "https://kms.us-east-1.amazonaws.com")]));
        assert!(message(tls).starts_with("KMS_ENDPOINT must be the plain HTTP address"));
        let key_alone = Endpoints::from_vars(vars(&[("KMS_KEY_ID", "alias/users")]));
        assert!(message(key_alone).contains("set KMS_ENDPOINT as well"));
    }

    #[test]
    fn aws_needs_a_key_and_no_emulator() {
        assert!(message(aws_key_id(vars(&[]))).contains("set KMS_KEY_ID"));
        let both =
            vars(&[("KMS_KEY_ID", "alias/users"), ("DYNAMODB_ENDPOINT", "http://127.0.0.1:8000")]);
        assert!(message(aws_key_id(both)).contains("DYNAMODB_ENDPOINT names an emulator"));
        assert_eq!(aws_key_id(vars(&[("KMS_KEY_ID", "alias/users")])).unwrap(), "alias/users");
    }
}

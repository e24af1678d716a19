//! The servers that the environment names.

use crate::error::Error;

const DYNAMODB_ENDPOINT: &str = "DYNAMODB_ENDPOINT";
const KMS_ENDPOINT: &str = "KMS_ENDPOINT";
const KMS_KEY_ID: &str = "KMS_KEY_ID";
const AWS_REGION: &str = "AWS_REGION";
const DEFAULT_REGION: &str = "us-east-1";
/// Both parts of the credentials that emulators see.
pub(crate) const MADE_UP: &str = "emulator";

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
    pub(super) fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let dynamodb = endpoint(&var, DYNAMODB_ENDPOINT)?;
        let kms = endpoint(&var, KMS_ENDPOINT)?;
        let kms_key_id = set(&var, KMS_KEY_ID);
        if kms.is_none() && kms_key_id.is_some() {
            return Err(Error::new(
                "KMS_KEY_ID names a key that the embedded KMS does not have: \
                 set KMS_ENDPOINT as well, or unset KMS_KEY_ID",
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

fn endpoint(var: impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<String>, Error> {
    match set(var, name) {
        Some(url) if !url.starts_with("http://") => Err(Error::new(format!(
            "{name} must be the plain HTTP address of an emulator, such as http://127.0.0.1:8000"
        ))),
        Some(url) if is_of_aws(&url) => Err(Error::new(format!(
            "{name} names AWS itself: tests use emulators, such as http://127.0.0.1:8000"
        ))),
        url => Ok(url),
    }
}

/// AWS also answers plain HTTP, so the scheme alone does not tell an emulator from AWS.
fn is_of_aws(url: &str) -> bool {
    let authority = url.trim_start_matches("http://").split(['/', '?', '#']).next();
    let host = authority.unwrap_or_default().rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    let host = host.to_ascii_lowercase();
    ["amazonaws.com", "amazonaws.com.cn", "api.aws"].iter().any(|domain| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
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

    fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
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
        for url in [
            "http://dynamodb.us-east-1.amazonaws.com",
            "http://KMS.eu-west-1.AmazonAWS.com.:80/",
            "http://name@kms.cn-north-1.amazonaws.com.cn",
            "http://dynamodb.us-east-1.api.aws?",
        ] {
            let aws = Endpoints::from_vars(vars(&[("DYNAMODB_ENDPOINT", url)]));
            assert!(message(aws).starts_with("DYNAMODB_ENDPOINT names AWS itself"), "{url}");
        }
        let key_alone = Endpoints::from_vars(vars(&[("KMS_KEY_ID", "alias/users")]));
        assert!(message(key_alone).contains("set KMS_ENDPOINT as well"));
    }
}

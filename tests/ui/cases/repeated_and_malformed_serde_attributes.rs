use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
#[serde(rename_all = "camelCase")]
#[serde(rename_all = "snake_case", bound = "T is displayed")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(rename = "mail", rename = "email")]
    email: String,
    #[encrypted]
    #[serde(with = "not a path")]
    phone: String,
    #[encrypted]
    #[serde(with = "a::module", serialize_with = "a::function")]
    fax: String,
    #[encrypted]
    #[serde(default = "String::new()")]
    plan: String,
    #[encrypted]
    #[serde(borrow)]
    note: String,
    #[encrypted]
    #[serde(borrow = "'b")]
    name: std::borrow::Cow<'static, str>,
    #[serde(skip, skip_serializing)]
    cache: String,
}

fn main() {}

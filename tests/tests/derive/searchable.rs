//! `#[searchable]`: the search tags in the schema, and the indexes that have them as keys.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::record::Mark;
use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
use envelope_examples::Servers;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Phone(String);

#[derive(Debug, Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-email-2", partition_key = email_2, sort_key = created),
    index(name = "by-phone", partition_key = phone_number),
    index(name = "by-card", partition_key = card),
    index(name = "by-tenant", partition_key = (tenant, email)),
)]
#[serde(rename_all = "camelCase")]
struct User<T> {
    #[partition_key]
    user_id: String,
    #[authenticated]
    tenant: T,
    #[plaintext]
    created: u64,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    #[searchable(name = "email_2")]
    email: String,
    #[encrypted]
    #[searchable(normalize(digits))]
    phone_number: Option<Phone>,
    #[encrypted]
    #[searchable]
    #[serde(with = "reversed")]
    card: Cow<'static, str>,
}

mod reversed {
    use std::borrow::Cow;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&text.chars().rev().collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Cow<'static, str>, D::Error> {
        Ok(String::deserialize(deserializer)?.chars().rev().collect::<String>().into())
    }
}

#[test]
fn a_search_tag_is_an_authenticated_attribute_of_the_schema() {
    let names = |mark| {
        let fields = User::<u8>::SCHEMA.fields().iter().copied();
        let shown = fields.map(|field| format!("{field:?}"));
        shown.filter(|shown| shown.contains(mark)).count()
    };
    assert_eq!(names("SearchTag(SearchTag"), 4);
    let email = User::<u8>::SCHEMA
        .fields()
        .iter()
        .map(|field| format!("{field:?}"))
        .find(|shown| shown.contains("\"blind_email\""))
        .unwrap();
    assert!(email.contains(&format!("mark: {:?}", Mark::Authenticated)), "{email}");
    assert!(
        email.contains(
            "SearchTag { name: \"email\", fields: [(\"email\", [Trim, AsciiLowercase])], is_unique: \
             false }"
        ),
        "{email}"
    );
}

#[test]
fn an_index_by_a_searchable_field_has_the_tag_as_its_key() {
    let indexes = User::<String>::indexes();
    assert_eq!(format!("{:?}", indexes.by_email), "by-email(blind_email)");
    assert_eq!(format!("{:?}", indexes.by_email_2), "by-email-2(blind_email+email_2, created)");
    assert_eq!(format!("{:?}", indexes.by_phone), "by-phone(blind_phoneNumber)");
    assert_eq!(format!("{:?}", indexes.by_tenant), "by-tenant(tenant, blind_email)");
}

async fn users() -> Table<User<String>> {
    let servers = Servers::embedded().await.unwrap();
    Table::new(servers.dynamodb().clone(), LocalKeyProvider::new(RootKey::generate().unwrap()))
}

#[tokio::test]
async fn tables_are_created_with_tags_as_binary_keys() {
    let users = users().await;
    let creation = users.create_table().into_sdk().unwrap();
    let types: HashMap<_, _> = creation
        .get_attribute_definitions()
        .iter()
        .flatten()
        .map(|definition| (definition.attribute_name(), definition.attribute_type().clone()))
        .collect();
    let expected = [
        ("userId", ScalarAttributeType::S),
        ("tenant", ScalarAttributeType::S),
        ("created", ScalarAttributeType::N),
        ("blind_email", ScalarAttributeType::B),
        ("blind_email+email_2", ScalarAttributeType::B),
        ("blind_phoneNumber", ScalarAttributeType::B),
        ("blind_card", ScalarAttributeType::B),
    ];
    assert_eq!(types, HashMap::from(expected));
}

/// A query takes values of the field's type, and of the types that may stand for it.
#[tokio::test]
async fn a_query_takes_the_value_of_the_field() {
    let users = users().await;
    drop(users.index(|i| i.by_email).query("zoe@example.com"));
    drop(users.index(|i| i.by_email).query("zoe@example.com".to_owned()));
    drop(users.index(|i| i.by_phone).query(Phone("079".to_owned())));
    drop(users.index(|i| i.by_card).query("4111"));
    drop(users.index(|i| i.by_tenant).query(("t_1", "zoe@example.com")));
    let by_email_2 = users.index(|i| i.by_email_2);
    drop(by_email_2.query("zoe@example.com").sort(|created| created.gt(7_u64)));
}

#[derive(Envelope)]
#[envelope(
    table = "shop",
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = last_first, sort_key = email),
    index(name = "by-place", partition_key = (tenant, email), sort_key = (last_2, tenant_2)),
    index(name = "local-name", local, sort_key = last_2),
    searchable(fields(last(trim, ascii_lowercase), first)),
    entity(kind = "customer")
)]
#[allow(dead_code)]
struct Customer {
    #[partition_key]
    tenant: String,
    #[sort_key]
    id: String,
    #[authenticated]
    tenant_2: String,
    #[encrypted]
    #[searchable]
    email: String,
    #[encrypted]
    #[searchable(name = "last_2")]
    last: String,
    #[encrypted]
    first: String,
}

#[derive(Envelope)]
#[envelope(
    table = "shop",
    index(name = "by-email", partition_key = email),
    entity(kind = "supplier")
)]
#[allow(dead_code)]
struct Supplier {
    #[partition_key]
    tenant: String,
    #[sort_key]
    id: String,
    #[encrypted]
    #[searchable(normalize(trim))]
    email: Option<String>,
}

#[derive(Envelope)]
#[allow(dead_code)]
enum Shop {
    Customer(Customer),
    Supplier(Supplier),
}

#[test]
fn a_tag_is_named_after_its_fields_and_its_own_name() {
    let indexes = Customer::indexes();
    assert_eq!(format!("{:?}", indexes.by_name), "by-name(blind_last+first, blind_email)");
    assert_eq!(
        format!("{:?}", indexes.by_place),
        "by-place(tenant, blind_email, blind_last+last_2, tenant_2)"
    );
    assert_eq!(format!("{:?}", indexes.local_name), "local-name(tenant, blind_last+last_2)");
}

/// A search tag has no order, so its only condition is `eq`.
#[tokio::test]
async fn a_sort_key_that_is_a_tag_takes_the_value_of_its_field() {
    let servers = Servers::embedded().await.unwrap();
    let provider = LocalKeyProvider::new(RootKey::generate().unwrap());
    let customers = Table::<Customer>::new(servers.dynamodb().clone(), provider);
    let by_name = customers.index(|i| i.by_name).query(("Smith", "Zoe"));
    drop(by_name.sort(|email| email.eq("zoe@example.com")));
    let by_place = customers.index(|i| i.by_place).query(("t_1", "zoe@example.com"));
    drop(by_place.sort(|last| last.eq("Smith").and(|tenant| tenant.begins_with("t_"))));
    drop(customers.index(|i| i.local_name).query("t_1").sort(|last| last.eq("Smith")));
}

#[tokio::test]
async fn records_of_several_kinds_share_an_index_by_a_tag() {
    let servers = Servers::embedded().await.unwrap();
    let provider = LocalKeyProvider::new(RootKey::generate().unwrap());
    let shop = Table::<Shop>::new(servers.dynamodb().clone(), provider);
    let creation = shop.create_table().into_sdk().unwrap();
    let indexes = creation.get_global_secondary_indexes().clone().unwrap();
    let named = indexes.iter().filter(|index| index.index_name() == "by-email");
    assert_eq!(named.count(), 1);
    drop(shop.index(|i| i.by_email).query("zoe@example.com"));
    drop(shop.index_of(Supplier::indexes().by_email).query("zoe@example.com"));
}

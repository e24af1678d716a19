use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;

mod refusals;

/// The expansion of `#[derive(Envelope)]`.
fn derive(input: TokenStream) -> TokenStream {
    syn::parse2(input)
        .map_or_else(syn::Error::into_compile_error, |input| crate::derive::envelope(&input))
}

/// The generated code, formatted.
fn formatted(tokens: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(tokens).expect("generated code parses"))
}

/// Compares the generated code with a file that reviewers can read.
///
/// `UPDATE_SNAPSHOTS=1 cargo test --workspace --lib generated` accepts the code as it is generated
/// now.
#[test]
fn the_generated_code_of_a_record_matches_its_snapshot() {
    let expanded = formatted(derive(quote! {
        #[envelope(table = "events", kms_context = "hashed", context(purpose = "audit"))]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Event<T> {
            #[partition_key]
            stream_id: String,
            #[sort_key]
            #[serde(with = "epoch_seconds")]
            at: Time,
            #[encrypted(accept = "plaintext")]
            #[serde(alias = "mail")]
            email: Option<String>,
            #[encrypted]
            body: T,
            #[authenticated]
            #[encryption_context]
            tenant: u32,
            #[plaintext]
            labels: BTreeMap<String, String>,
            #[serde(skip)]
            cache: Cache,
        }
    }));
    compare(&expanded, concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/event.rs"));
}

#[test]
fn the_generated_code_of_composed_keys_matches_its_snapshot() {
    let expanded = formatted(derive(quote! {
        #[envelope(table = "shop", entity(kind = "order"))]
        #[partition_key(name = "pk", format = "USER#{user_id}")]
        #[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]
        pub struct Order {
            #[key]
            pub user_id: String,
            #[key]
            pub created: u64,
            #[authenticated]
            pub order_id: String,
            #[encrypted]
            pub card: String,
        }
    }));
    compare(&expanded, concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/order.rs"));
}

#[test]
fn the_generated_code_of_index_keys_matches_its_snapshot() {
    let expanded = formatted(derive(quote! {
        #[envelope(
            table = "visits",
            index(
                name = "gsi1",
                partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"),
                sort_key(name = "gsi1sk", format = "{start:020}#{state}")
            ),
            index(name = "by-start", partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"), sort_key = start),
        )]
        struct Visit {
            #[partition_key]
            id: String,
            #[encrypted]
            notes: String,
            #[authenticated]
            #[serde(rename = "Doctor")]
            doctor: Option<String>,
            #[authenticated]
            #[serde(with = "epoch")]
            start: Time,
            #[plaintext]
            state: State,
        }
    }));
    compare(&expanded, concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/visit.rs"));
}

#[test]
fn the_generated_code_of_search_tags_matches_its_snapshot() {
    let expanded = formatted(derive(quote! {
        #[envelope(
            table = "patients",
            index(name = "by-email", partition_key = email),
            index(name = "by-name", partition_key = (clinic, last_first), sort_key = phone),
            searchable(fields(last(trim, ascii_lowercase), first)),
        )]
        struct Patient {
            #[partition_key]
            id: String,
            #[authenticated]
            clinic: String,
            #[encrypted]
            #[searchable(normalize(trim, ascii_lowercase))]
            #[serde(rename = "mail")]
            email: Option<String>,
            #[encrypted]
            last: String,
            #[encrypted]
            first: String,
            #[encrypted]
            #[searchable]
            #[serde(with = "phone_number")]
            phone: Phone,
        }
    }));
    compare(&expanded, concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/patient.rs"));
}

fn compare(expanded: &str, path: &str) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, expanded).expect("the snapshot can be written");
    }
    let reviewed = std::fs::read_to_string(path).expect("the snapshot exists");
    assert_eq!(expanded, reviewed, "review and accept with UPDATE_SNAPSHOTS=1");
}

#[test]
fn generated_code_names_the_crate_once_by_its_given_path() {
    let expanded = derive(quote! {
        #[envelope(table = "t", crate = ::other::path)]
        struct Record {
            #[partition_key]
            id: u8,
            #[encrypted]
            value: u8,
        }
    })
    .to_string();
    assert_eq!(expanded.matches(":: other :: path").count(), 1, "{expanded}");
    assert!(!expanded.contains("envelope_dynamo"), "{expanded}");
    let elsewhere = expanded.replace("__envelope :: serde", "");
    assert!(!elsewhere.contains(":: serde"), "the user need not depend on serde: {expanded}");
}

/// The messages of the `compile_error!`s in generated code.
fn messages(expanded: TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(expanded).expect("generated code parses");
    let message = |item| match item {
        syn::Item::Macro(item) => {
            Some(syn::parse2::<syn::LitStr>(item.mac.tokens).expect("a message").value())
        }
        _ => None,
    };
    file.items.into_iter().filter_map(message).collect()
}

#[test]
fn odd_attributes_are_reported_without_panic() {
    let attributes = [
        quote!(#[envelope]),
        quote!(#[envelope()]),
        quote!(#[envelope(,)]),
        quote!(#[envelope("table")]),
        quote!(#[envelope(= "t")]),
        quote!(#[envelope(table)]),
        quote!(#[envelope(table = )]),
        quote!(#[envelope(table("t"))]),
        quote!(#[envelope(table["t"])]),
        quote!(#[envelope(crate)]),
        quote!(#[envelope(crate = 1 + 1)]),
        quote!(#[envelope(context(= "x", 1 = "y", ("z")))]),
        quote!(#[envelope[table = "t"]]),
        quote!(#[serde]),
        quote!(#[serde = "x"]),
        quote!(#[serde(rename_all())]),
        quote!(#[serde("rename")]),
        quote!(#[serde(bound = "not a bound at all")]),
    ];
    let fields = [
        quote!(#[partition_key]),
        quote!(#[partition_key()]),
        quote!(#[encrypted(accept)]),
        quote!(#[encrypted = 1]),
        quote!(#[serde(rename())] #[encrypted]),
        quote!(#[serde(rename = 1)] #[encrypted]),
        quote!(#[serde(alias)] #[encrypted]),
        quote!(#[serde(skip, skip)] #[encrypted]),
        quote!(#[path::encrypted]),
    ];
    for container in &attributes {
        for field in &fields {
            let expanded = derive(quote!(#container struct Record<T> { #field __: T, r#type: u8 }));
            let messages = messages(expanded);
            assert!(!messages.is_empty(), "{container} {field}");
            for message in messages {
                assert!(message.contains("\nhelp: "), "{message}");
            }
        }
    }
}

#[test]
fn a_function_is_reported_by_the_parser() {
    assert_eq!(
        messages(derive(quote!(
            fn main() {}
        )))
        .len(),
        1
    );
}

#[test]
fn a_flattened_field_is_refused_once_whatever_its_mark() {
    for field in [
        quote!(#[encrypted] #[serde(flatten)]),
        quote!(#[authenticated] #[serde(default, flatten)]),
        quote!(#[plaintext] #[encryption_context] #[serde(flatten)]),
        quote!(#[encrypted(group = "g")] #[serde(flatten)]),
        quote!(#[sort_key] #[serde(flatten)]),
        quote!(#[serde(skip, flatten)]),
        quote!(#[plaintext] #[serde(flatten = true)]),
    ] {
        let messages = messages(derive(quote! {
            #[envelope(table = "t")]
            struct Record { #[partition_key] id: u8, #[encrypted] value: u8, #field rest: Rest }
        }));
        let [message] = messages.as_slice() else { panic!("{field}: {messages:?}") };
        assert!(message.starts_with("`#[serde(flatten)]` is not supported"), "{field}: {message}");
        assert!(
            message
                .contains("declare each attribute as a field of the struct; or remove `flatten`"),
            "{message}"
        );
    }
}

#[test]
fn a_flattened_field_of_a_view_is_refused() {
    let view = syn::parse2(quote! {
        #[view(of = User)]
        struct Contact { #[serde(default, flatten)] rest: Rest }
    });
    let messages = messages(crate::derive::view(&view.expect("a struct")));
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(message.starts_with("`#[serde(flatten)]` is not supported"), "{message}");
}

/// The errors of a record with this field, beside a key and an encrypted field.
fn messages_of(container: TokenStream, field: TokenStream) -> Vec<String> {
    messages(derive(quote! {
        #[envelope(table = "t")]
        #container
        struct Record<'a> {
            #[partition_key]
            id: u8,
            #[encrypted]
            secret: u8,
            #field
        }
    }))
}

#[test]
fn a_field_that_could_not_be_read_back_is_refused() {
    let nothing = || quote!();
    // The tokens of `$ty:ty` in a `macro_rules!` macro.
    let of_a_macro = Group::new(Delimiter::None, quote!(&'a str));
    for (container, field, problem) in [
        (
            nothing(),
            quote!(#[plaintext] #[serde(rename(serialize = "w", deserialize = "r"))] n: u8),
            "not read under",
        ),
        (
            nothing(),
            quote!(#[encrypted] #[serde(rename(deserialize = "r"))] n: u8),
            "not read under",
        ),
        (
            quote!(#[serde(deny_unknown_fields)]),
            quote!(#[plaintext] #[serde(skip_deserializing)] n: u8),
            "`deny_",
        ),
        (nothing(), quote!(#[encrypted] n: &'a str), "is borrowed"),
        (nothing(), quote!(#[authenticated] n: Option<&'a [u8]>), "is borrowed"),
        (nothing(), quote!(#[encrypted] n: (&'a str)), "is borrowed"),
        (nothing(), quote!(#[encrypted] n: #of_a_macro), "is borrowed"),
    ] {
        let messages = messages_of(container, field);
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        assert!(message.starts_with("`n` is ") && message.contains(problem), "{message}");
    }
    let split = messages_of(
        quote!(#[serde(rename_all(serialize = "UPPERCASE", deserialize = "lowercase"))]),
        quote!(#[plaintext] n: u8),
    );
    assert_eq!(split.len(), 3, "every field has two names: {split:?}");
}

#[test]
fn a_field_that_is_read_back_or_never_read_is_accepted() {
    for (container, field) in [
        (
            quote!(),
            quote! {
                #[plaintext]
                #[serde(rename(serialize = "w", deserialize = "r"), alias = "w")]
                n: u8
            },
        ),
        (quote!(), quote!(#[plaintext] #[serde(rename(serialize = "w", deserialize = "w"))] n: u8)),
        (quote!(), quote!(#[plaintext] #[serde(skip_deserializing)] n: &'a str)),
        (quote!(), quote!(#[encrypted] n: PhantomData<&'a str>)),
        (
            quote!(),
            quote!(#[plaintext] #[serde(skip_serializing, rename(deserialize = "r"))] n: u8),
        ),
        (quote!(#[serde(deny_unknown_fields)]), quote!(#[serde(skip)] n: u8)),
        (quote!(), quote!(#[encrypted] #[serde(borrow)] n: Cow<'a, str>)),
        (quote!(), quote!(#[encrypted] #[serde(deserialize_with = "leaked")] n: &'static str)),
    ] {
        let field_text = field.to_string();
        assert_eq!(messages_of(container, field), Vec::<String>::new(), "{field_text}");
    }
}

#[test]
fn every_attribute_of_a_field_is_declared_and_documented() {
    let source = include_str!("lib.rs");
    let (_, declared) =
        source.split_once("    attributes(\n").expect("the derive declares attributes");
    let (declared, _) = declared.split_once(')').expect("the list ends");
    let marks = crate::marks::Mark::ALL.map(crate::marks::Mark::attribute);
    let roles = crate::marks::ROLES.map(|role| role.name);
    for name in marks
        .into_iter()
        .chain(roles)
        .chain([crate::marks::ENCRYPTION_CONTEXT, crate::marks::SEARCHABLE])
    {
        assert!(declared.split([',', ' ', '\n']).any(|word| word == name), "{name} is declared");
        let in_table = |line: &&str| line.starts_with("/// | `#[");
        let mut rows = source.lines().filter(in_table);
        assert!(rows.any(|row| row.contains(&format!("`#[{name}]`"))), "{name} is documented");
    }
}

//! The derive input, parsed: the struct with its `#[envelope(..)]` options and its fields.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Ident, LitStr, Meta, Path, Visibility};

use crate::attr::{self, ENCRYPTION_CONTEXT, ENVELOPE, Entry, Mark, Value, option};
use crate::composed::ComposedKey;
use crate::errors::Errors;
use crate::field::Field;
use crate::indexes::{self, Index};
use crate::role::Role;
use crate::serde_attr::{self, ContainerSerde};

/// A struct with named fields and its attributes.
pub(crate) struct Input {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) options: Options,
    pub(crate) serde: ContainerSerde,
    pub(crate) fields: Vec<Field>,
    /// The keys that are made of fields.
    pub(crate) composed: Vec<ComposedKey>,
    pub(crate) vis: Visibility,
    /// Whether the struct or one of its fields is deprecated, or may be of a type that is.
    pub(crate) is_deprecated: bool,
    /// `#[repr(packed)]` and its like, which decide how fields may be borrowed.
    pub(crate) repr: Vec<Attribute>,
}

/// The options of `#[envelope(..)]`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) table: Option<LitStr>,
    /// The path of the crate, if it is not `::envelope_dynamo`.
    pub(crate) krate: Option<TokenStream>,
    /// The mark of fields that carry none.
    pub(crate) unmarked: Option<Mark>,
    pub(crate) context_form: ContextForm,
    pub(crate) context: Vec<Pair>,
    /// The attribute that tells the entity type, with its value.
    pub(crate) entity: Option<Pair>,
    pub(crate) indexes: Vec<Index>,
}

/// `kms_context = ".."`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ContextForm {
    #[default]
    Raw,
    Hashed,
    Table,
}

const NAME_THE_TABLE: &str =
    "name the table that the records belong to: `#[envelope(table = \"users\")]`";

const UNMARKED: [(&str, Mark); 2] =
    [("plaintext", Mark::Plaintext), ("encrypted", Mark::Encrypted)];

const KMS_CONTEXT: [(&str, ContextForm); 3] =
    [("raw", ContextForm::Raw), ("hashed", ContextForm::Hashed), ("table", ContextForm::Table)];

/// A constant pair of the encryption context.
pub(crate) struct Pair {
    pub(crate) name: Name,
    pub(crate) value: LitStr,
}

/// A name, with the place that gave it.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) value: String,
    pub(crate) span: Span,
}

impl From<&LitStr> for Name {
    fn from(literal: &LitStr) -> Self {
        Self { value: literal.value(), span: literal.span() }
    }
}

impl ToTokens for Name {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        LitStr::new(&self.value, self.span).to_tokens(tokens);
    }
}

impl Options {
    /// Reads the `#[envelope(..)]` attributes of the struct, `ident`.
    pub(crate) fn parse(ident: &Ident, attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(ENVELOPE)) {
            if let Meta::NameValue(_) = attribute.meta {
                let problem = "the options of `#[envelope]` stand in parentheses";
                errors.report(attribute, problem, "`#[envelope(table = \"users\")]`");
                seen.push(option::TABLE);
            }
            for entry in attr::attribute_entries(attribute) {
                options.read(&entry, &mut seen, errors);
            }
        }
        if !seen.contains(&option::TABLE) {
            errors.report(ident, "the struct does not name its table", NAME_THE_TABLE);
        }
        options
    }

    /// Reads one option; a misspelt one counts as the one that was meant.
    fn read(&mut self, entry: &Entry, seen: &mut Vec<&str>, errors: &mut Errors) {
        let known = option::ALL.into_iter().find(|known| *known == entry.name);
        let Some(name) =
            known.or_else(|| attr::report_unknown_option(entry, ENVELOPE, &option::ALL, errors))
        else {
            return;
        };
        if seen.contains(&name) && name != option::INDEX {
            errors.report(entry, format_args!("`{name}` is given twice"), "keep one of the two");
            return;
        }
        seen.push(name);
        match name {
            option::TABLE => self.table = table(entry, errors),
            option::ENTITY => self.entity = entity(entry, errors),
            option::CRATE => self.krate = crate_path(entry, errors),
            // One wrong word here is not a missing mark on every field.
            option::UNMARKED => {
                self.unmarked = choice(entry, &UNMARKED, errors).or(Some(Mark::Encrypted))
            }
            option::KMS_CONTEXT => {
                self.context_form = choice(entry, &KMS_CONTEXT, errors).unwrap_or_default()
            }
            option::INDEX => self.indexes.extend(indexes::parse(entry, errors)),
            _ => self.context = context(entry, errors),
        }
    }

    /// The path under which generated code finds the crate.
    pub(crate) fn crate_path(&self) -> TokenStream {
        self.krate.clone().unwrap_or_else(|| quote!(::envelope_dynamo))
    }
}

impl Input {
    /// Parses the struct; `None` if it is something else.
    pub(crate) fn parse(
        input: &DeriveInput,
        options: Options,
        errors: &mut Errors,
    ) -> Option<Self> {
        report_misplaced_marks(&input.attrs, errors);
        let composed = ComposedKey::parse_all(&input.attrs, errors);
        let serde = serde_attr::container(&input.attrs, errors);
        let fields = named_fields(input, errors)?;
        let is_generic = !input.generics.params.is_empty();
        let fields: Vec<_> = fields
            .iter()
            .filter_map(|field| {
                Field::parse(field, serde.rename_all, options.unmarked, is_generic, errors)
            })
            .collect();
        let is_deprecated =
            uses_deprecated(&input.attrs) || fields.iter().any(|field| field.is_deprecated);
        let repr = input
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("repr"))
            .cloned()
            .collect();
        Some(Self {
            ident: input.ident.clone(),
            generics: input.generics.clone(),
            options,
            serde,
            fields,
            composed,
            vis: input.vis.clone(),
            is_deprecated,
            repr,
        })
    }

    /// The fields that are written or read, in the order of the struct.
    pub(crate) fn stored_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.serde.is_skipped())
    }
}

/// Whether what bears these attributes is deprecated, or may use what is: generated code then may
/// as well.
pub(crate) fn uses_deprecated(attributes: &[Attribute]) -> bool {
    let is_allowed = |attribute: &Attribute| {
        let is_level = attribute.path().is_ident("allow") || attribute.path().is_ident("expect");
        is_level
            && attr::attribute_entries(attribute).iter().any(|entry| entry.name == "deprecated")
    };
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("deprecated") || is_allowed(attribute))
}

fn named_fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a Fields> {
    const HELP: &str =
        "write a struct with named fields: `struct Name { #[partition_key] id: String, .. }`";
    let what = match &input.data {
        Data::Struct(data) => match &data.fields {
            fields @ Fields::Named(_) => return Some(fields),
            Fields::Unnamed(_) => "a tuple struct",
            Fields::Unit => "a unit struct",
        },
        // An enum is one of records, and never comes here.
        Data::Enum(_) | Data::Union(_) => "a union",
    };
    errors.report(
        &input.ident,
        format_args!(
            "`Envelope` cannot be derived for {what}: attributes have the names of fields"
        ),
        HELP,
    );
    None
}

/// Reports attributes of fields that stand on the struct.
fn report_misplaced_marks(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes {
        let Some(name) = attr::name(attribute) else { continue };
        let is_mark = Mark::named(&name).is_some_and(|mark| !mark.is_key());
        if !is_mark && Role::named(&name).is_none() && name != ENCRYPTION_CONTEXT {
            continue;
        }
        let help = match name.as_str() {
            "encrypted" | "plaintext" => {
                format!(
                    "move it to a field, or write `#[envelope(unmarked = \"{name}\")]` for all fields without a mark"
                )
            }
            _ => "move it to a field".to_owned(),
        };
        errors.report(
            attribute,
            format_args!("`#[{name}]` belongs to a field, not to the struct"),
            help,
        );
    }
}

/// The name in `table = ".."`.
fn table(entry: &Entry, errors: &mut Errors) -> Option<LitStr> {
    let Some(table) = entry.string() else {
        errors.report(entry, "`table` takes a string", NAME_THE_TABLE);
        return None;
    };
    if table.value().is_empty() {
        errors.report(&table, "the table has an empty name", NAME_THE_TABLE);
    }
    Some(table)
}

/// The value that a string in `name = ".."` stands for.
fn choice<T: Copy>(entry: &Entry, allowed: &[(&str, T)], errors: &mut Errors) -> Option<T> {
    let written = entry.string();
    let value = written.as_ref().map(LitStr::value);
    let chosen =
        allowed.iter().find(|(name, _)| value.as_deref() == Some(*name)).map(|(_, value)| *value);
    if chosen.is_none() {
        let allowed: Vec<_> =
            allowed.iter().map(|(name, _)| format!("`{} = {name:?}`", entry.name)).collect();
        let problem = match &value {
            Some(value) => format!("`{}` cannot be {value:?}", entry.name),
            None => format!("`{}` takes a string", entry.name),
        };
        let place = written.map_or_else(|| entry.tokens.clone(), LitStr::into_token_stream);
        errors.report(place, problem, format_args!("choose one of {}", allowed.join(", ")));
    }
    chosen
}

/// The path in `crate = ::path`.
///
/// A relative path would mean something else wherever a name of the user's shadows it.
pub(crate) fn crate_path(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let path = match &entry.value {
        Value::Assigned(value) => syn::parse2::<PathArgument>(value.clone()).ok(),
        _ => None,
    };
    let Some(PathArgument(path)) = path else {
        let path =
            entry.string().map_or_else(|| "::envelope_dynamo".to_owned(), |path| path.value());
        errors.report(entry, "`crate` takes a path", format_args!("`crate = {path}`"));
        return None;
    };
    let starts_at_crate = path
        .segments
        .first()
        .is_some_and(|segment| segment.ident == "crate" || segment.ident == "$crate");
    if path.leading_colon.is_some() || starts_at_crate {
        return Some(path.into_token_stream());
    }
    let written = path.to_token_stream().to_string().replace(' ', "");
    let help = format_args!(
        "`crate = ::{written}` for a dependency, `crate = crate::{written}` for a module"
    );
    errors.report(&path, format_args!("the path `{written}` is relative"), help);
    // The stub that stands in for the implementation is best found where the help points.
    Some(quote!(::#path))
}

struct PathArgument(Path);

impl syn::parse::Parse for PathArgument {
    fn parse(input: syn::parse::ParseStream<'_>) -> syn::Result<Self> {
        input.call(Path::parse_mod_style).map(Self)
    }
}

/// The pairs in `context(name = "value", "other-name" = "value")`.
fn context(entry: &Entry, errors: &mut Errors) -> Vec<Pair> {
    let Value::List(list) = &entry.value else {
        errors.report(
            entry,
            "`context` takes pairs in parentheses",
            "`context(purpose = \"billing\")`",
        );
        return Vec::new();
    };
    attr::entries(list.clone()).iter().filter_map(|pair| context_pair(pair, errors)).collect()
}

/// The attribute and its value in `entity(kind = "order")`.
fn entity(entry: &Entry, errors: &mut Errors) -> Option<Pair> {
    let pairs = match &entry.value {
        Value::List(list) => attr::entries(list.clone()),
        _ => Vec::new(),
    };
    let pair = match pairs.as_slice() {
        [pair] => pair_of(pair),
        _ => None,
    };
    if pair.is_none() {
        let problem = "`entity` takes the name of one attribute and its value, in parentheses";
        errors.report(entry, problem, "`entity(kind = \"order\")`");
    }
    pair
}

/// `name = "value"`.
fn pair_of(entry: &Entry) -> Option<Pair> {
    let is_word = entry.is_quoted() || syn::parse_str::<Ident>(&entry.name).is_ok();
    let value = entry.string().filter(|_| is_word)?;
    let span =
        entry.tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    Some(Pair { name: Name { value: entry.name.clone(), span }, value })
}

fn context_pair(entry: &Entry, errors: &mut Errors) -> Option<Pair> {
    let pair = pair_of(entry);
    if pair.is_none() {
        errors.report(
            entry,
            "a context pair is a name and a string",
            "`context(purpose = \"billing\", \"cost-center\" = \"42\")`",
        );
    }
    pair
}

impl ContextForm {
    /// The variant of the same name in the crate.
    pub(crate) fn variant(self) -> Ident {
        match self {
            Self::Raw => format_ident!("Raw"),
            Self::Hashed => format_ident!("Hashed"),
            Self::Table => format_ident!("Table"),
        }
    }
}

/// The name of a field as serde knows it: without `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    ident.unraw().to_string()
}

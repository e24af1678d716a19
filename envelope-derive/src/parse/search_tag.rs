//! Search tags: `#[searchable(normalize(trim))]` on a field, and `searchable(fields(last(trim),
//! first))` in the options of the struct.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::{Attribute, Ident, Meta};

use super::entry::{self, Entry, Value};
use crate::errors::Errors;
use crate::marks::{SEARCHABLE, Step};
use crate::names::{Name, list};

const NAME: &str = "name";
const NORMALIZE: &str = "normalize";
const FIELDS: &str = "fields";
const UNIQUE: &str = "unique";

const FIELD_EXAMPLE: &str = "`#[searchable(normalize(trim, ascii_lowercase))]`";

/// An example of a tag of several fields, for the help of messages.
pub(crate) const SEARCHABLE_EXAMPLE: &str =
    "`searchable(fields(last(trim, ascii_lowercase), first))`";

/// `#[searchable(..)]` on a field.
pub(crate) struct WrittenTag {
    written: TokenStream,
    /// The name, if it is given.
    name: Option<Name>,
    steps: Vec<Step>,
    is_unique: bool,
}

/// A search tag: an attribute that is computed from encrypted fields, and is the key of an index.
pub(crate) struct SearchTag {
    /// The attribute or option, for errors.
    pub(crate) written: TokenStream,
    /// The name that is given to it.
    pub(crate) given: Option<Name>,
    /// How `index(..)` names the tag: by the given name, or by its fields joined by `_`.
    pub(crate) ident: Ident,
    pub(crate) fields: Vec<TaggedField>,
    /// Whether the tag is an option of the struct, and not an attribute of a field.
    pub(crate) is_compound: bool,
    /// Whether no two records may have the same values.
    pub(crate) is_unique: bool,
}

/// A field of a search tag.
pub(crate) struct TaggedField {
    pub(crate) ident: Ident,
    pub(crate) steps: Vec<Step>,
}

impl SearchTag {
    /// The tags of a field with this identifier.
    pub(super) fn of_field<'w>(
        ident: &'w Ident,
        written: &'w [WrittenTag],
    ) -> impl Iterator<Item = Self> + 'w {
        written.iter().map(move |tag| Self {
            written: tag.written.clone(),
            given: tag.name.clone(),
            ident: tag.name.as_ref().and_then(name_ident).unwrap_or_else(|| ident.clone()),
            fields: vec![TaggedField { ident: ident.clone(), steps: tag.steps.clone() }],
            is_compound: false,
            is_unique: tag.is_unique,
        })
    }

    /// Reads `searchable(fields(..), name = "..")` of the struct; `None` after a mistake that
    /// leaves no usable tag.
    pub(super) fn parse_compound(entry: &Entry, errors: &mut Errors) -> Option<Self> {
        let help = format_args!("write {SEARCHABLE_EXAMPLE}").to_string();
        let Value::List(options) = &entry.value else {
            errors.report(entry, "`searchable` takes its options in parentheses", help);
            return None;
        };
        let (mut name, mut fields, mut is_unique) = (None, None, false);
        let mut seen = Vec::new();
        for option in options_of(options.clone(), "searchable(..)", &[FIELDS, UNIQUE, NAME], errors)
        {
            let (known, option) = option;
            if is_repeated(known, &option, &mut seen, errors) {
                continue;
            }
            match known {
                NAME => name = tag_name(&option, errors),
                UNIQUE => is_unique = unique(&option, errors),
                _ => fields = tagged_fields(&option, errors),
            }
        }
        if !seen.contains(&FIELDS) {
            errors.report(entry, "`searchable` names no fields", &help);
        }
        if seen.contains(&NAME) && name.is_none() {
            return None;
        }
        let (written, fields): (_, Vec<TaggedField>) = (entry.to_token_stream(), fields?);
        let ident = match &name {
            Some(name) => name_ident(name)?,
            None => joined(&fields, entry)?,
        };
        Some(Self { written, given: name, ident, fields, is_compound: true, is_unique })
    }

    /// Whether the field is one of those that the tag is computed from.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| crate::names::unraw(&field.ident) == name)
    }
}

/// The name by which an index names a tag of several fields: `last_first`.
fn joined(fields: &[TaggedField], place: &Entry) -> Option<Ident> {
    let names: Vec<_> = fields.iter().map(|field| crate::names::unraw(&field.ident)).collect();
    let mut ident: Ident = syn::parse_str(&names.join("_")).ok()?;
    let first = place.tokens.clone().into_iter().next();
    ident.set_span(first.map_or_else(Span::call_site, |token| token.span()));
    Some(ident)
}

/// The `#[searchable(..)]` attributes of a field.
pub(super) fn written_tags(attributes: &[Attribute], errors: &mut Errors) -> Vec<WrittenTag> {
    let tags = attributes.iter().filter(|attribute| attribute.path().is_ident(SEARCHABLE));
    tags.map(|attribute| written_tag(attribute, errors)).collect()
}

fn written_tag(attribute: &Attribute, errors: &mut Errors) -> WrittenTag {
    let mut tag = WrittenTag {
        written: attribute.to_token_stream(),
        name: None,
        steps: Vec::new(),
        is_unique: false,
    };
    let list = match &attribute.meta {
        Meta::Path(_) => return tag,
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(_) => {
            let problem = "the options of `#[searchable]` belong in parentheses";
            errors.report(attribute, problem, format_args!("write {FIELD_EXAMPLE}"));
            return tag;
        }
    };
    let mut seen = Vec::new();
    let allowed = [NORMALIZE, UNIQUE, NAME];
    for (known, option) in options_of(list, "#[searchable(..)]", &allowed, errors) {
        if is_repeated(known, &option, &mut seen, errors) {
            continue;
        }
        match known {
            NAME => tag.name = tag_name(&option, errors),
            UNIQUE => tag.is_unique = unique(&option, errors),
            _ => tag.steps = normalize(&option, errors),
        }
    }
    tag
}

/// The options in a list, each with the known option that it is or resembles.
fn options_of<'a>(
    list: TokenStream,
    what: &str,
    allowed: &[&'a str],
    errors: &mut Errors,
) -> Vec<(&'a str, Entry)> {
    let mut options = Vec::new();
    for option in entry::entries(list) {
        let known = allowed.iter().copied().find(|known| *known == option.name);
        // `#[searchable(trim)]` is a step in the wrong place.
        if known.is_none() && allowed.contains(&NORMALIZE) && Step::named(&option.name).is_some() {
            let problem = format_args!("`{}` is a step of `normalize`", option.name);
            errors.report(&option, problem, format_args!("write `normalize({})`", option.name));
        } else if let Some(known) =
            known.or_else(|| entry::report_unknown_option(&option, what, allowed, errors))
        {
            options.push((known, option));
        }
    }
    options
}

fn is_repeated<'a>(
    known: &'a str,
    option: &Entry,
    seen: &mut Vec<&'a str>,
    errors: &mut Errors,
) -> bool {
    let is_repeated = seen.contains(&known);
    if is_repeated {
        errors.report(option, format_args!("`{known}` is given twice"), "keep one of the two");
    }
    seen.push(known);
    is_repeated
}

/// Reports a value of `unique`. Whatever it is, the tag is meant to be unique.
fn unique(option: &Entry, errors: &mut Errors) -> bool {
    if !matches!(option.value, Value::Nothing) {
        errors.report(option, "`unique` takes no value", "write `#[searchable(unique)]`");
    }
    true
}

/// The name in `name = "email_2"`. An index names the tag by it, as it names a field.
fn tag_name(option: &Entry, errors: &mut Errors) -> Option<Name> {
    let Some(name) = option.string() else {
        errors.report(option, "`name` takes a string", "write `name = \"email_2\"`");
        return None;
    };
    let name = Name::from(&name);
    if name_ident(&name).is_none() {
        let problem = format_args!("{:?} is not a valid name of a search tag", name.value);
        let help = "use letters, digits and `_`, as in the name of a field: `name = \"email_2\"`";
        errors.report(&name, problem, help);
        return None;
    }
    Some(name)
}

/// The name of a tag as an identifier.
fn name_ident(name: &Name) -> Option<Ident> {
    let mut ident = Ident::parse_any.parse_str(&name.value).ok()?;
    ident.set_span(name.span);
    super::index::field_ident(ident)
}

/// The steps in `normalize(trim, ascii_lowercase)`.
fn normalize(option: &Entry, errors: &mut Errors) -> Vec<Step> {
    match &option.value {
        Value::List(list) => steps(option, list.clone(), errors),
        _ => {
            let problem = "`normalize` takes its steps in parentheses";
            errors.report(option, problem, format_args!("write {FIELD_EXAMPLE}"));
            Vec::new()
        }
    }
}

/// The steps in parentheses behind the name `place`.
fn steps(place: &Entry, list_of_steps: TokenStream, errors: &mut Errors) -> Vec<Step> {
    let names = Step::ALL.map(|step| step.name);
    let mut steps: Vec<Step> = Vec::new();
    let entries = entry::entries(list_of_steps);
    if entries.is_empty() {
        let problem = format_args!("`{}` names no step", place.name);
        let help = format_args!("name some of {}, or remove the parentheses", list(&names));
        errors.report(place, problem, help);
    }
    for entry in &entries {
        let known = Step::named(&entry.name).filter(|_| matches!(entry.value, Value::Nothing));
        match known {
            None => {
                let problem = format_args!("`{}` is not a step", entry.name);
                let help = match crate::names::similar(&entry.name, &names) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the steps are {}", list(&names)),
                };
                errors.report(entry, problem, help);
            }
            Some(step) if steps.contains(&step) => {
                let problem = format_args!("the step `{}` is given twice", step.name);
                errors.report(entry, problem, "keep one of the two");
            }
            Some(step) => steps.push(step),
        }
    }
    steps
}

/// The fields in `fields(last(ascii_lowercase), first)`.
fn tagged_fields(option: &Entry, errors: &mut Errors) -> Option<Vec<TaggedField>> {
    let Value::List(list) = &option.value else {
        let problem = "`fields` takes the names of fields in parentheses";
        errors.report(option, problem, format_args!("write {SEARCHABLE_EXAMPLE}"));
        return None;
    };
    let fields = entry::entries(list.clone());
    fields.iter().map(|entry| tagged_field(entry, errors)).collect()
}

fn tagged_field(entry: &Entry, errors: &mut Errors) -> Option<TaggedField> {
    let ident = Ident::parse_any.parse_str(&entry.name).ok().filter(|_| !entry.is_quoted());
    let ident = ident.and_then(super::index::field_ident);
    let (Some(mut ident), Value::Nothing | Value::List(_)) = (ident, &entry.value) else {
        let problem = "`fields` takes the names of fields, each with its steps in parentheses";
        errors.report(entry, problem, format_args!("write {SEARCHABLE_EXAMPLE}"));
        return None;
    };
    let first = entry.tokens.clone().into_iter().next();
    ident.set_span(first.map_or_else(Span::call_site, |token| token.span()));
    let steps = match &entry.value {
        Value::List(list) => steps(entry, list.clone(), errors),
        _ => Vec::new(),
    };
    Some(TaggedField { ident, steps })
}

impl ToTokens for SearchTag {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.written.to_tokens(tokens);
    }
}

//! The bounds of the generated `impl`: those that serde's derive infers, for writing and reading.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, Ident, LifetimeParam, TypeParam};

use super::used_parameters::Used;
use crate::parse::{ContainerDefault, Field, Input, Predicates};

/// The predicates under which the struct can be written and read.
pub(super) fn predicates(input: &Input) -> Vec<TokenStream> {
    let mut predicates = declared(input);
    predicates.extend(serializing(input));
    predicates.extend(deserializing(input));
    predicates
}

/// The parameters without their bounds, and the bounds as predicates. clippy would warn in the
/// user's crate about a function with bounds in both places.
pub(super) fn apart(generics: &Generics) -> (Generics, Vec<TokenStream>) {
    let mut bare = generics.clone();
    let mut predicates = Vec::new();
    for parameter in &mut bare.params {
        match parameter {
            GenericParam::Lifetime(LifetimeParam { lifetime, bounds, .. })
                if !bounds.is_empty() =>
            {
                let bounds = std::mem::take(bounds);
                predicates.push(quote!(#lifetime: #bounds));
            }
            GenericParam::Type(TypeParam { ident, bounds, .. }) if !bounds.is_empty() => {
                let bounds = std::mem::take(bounds);
                predicates.push(quote!(#ident: #bounds));
            }
            GenericParam::Lifetime(_) | GenericParam::Type(_) | GenericParam::Const(_) => {}
        }
    }
    (bare, predicates)
}

/// The predicates in the `where` clause of the struct itself.
pub(super) fn declared(input: &Input) -> Vec<TokenStream> {
    let predicates = input.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    predicates.map(ToTokens::to_token_stream).collect()
}

/// `Self: Default`, if absent fields come from the default of a generic struct.
pub(super) fn container_default(input: &Input) -> Option<TokenStream> {
    let is_generic = !input.generics.params.is_empty();
    (input.serde.default == Some(ContainerDefault::Trait) && is_generic)
        .then(|| quote!(Self: __envelope::Default))
}

fn serializing(input: &Input) -> Vec<TokenStream> {
    let fields = || input.fields.iter();
    let mut predicates: Vec<_> = fields()
        .filter_map(|field| field.serde.bounds.serialize.as_ref())
        .flat_map(given)
        .collect();
    match &input.serde.bounds.serialize {
        Some(bounds) => predicates.extend(given(bounds)),
        None => {
            let inferred = fields().filter(|field| is_written_by_type(field));
            predicates.extend(bound_each(input, inferred, &quote!(__envelope::serde::Serialize)));
        }
    }
    predicates
}

fn deserializing(input: &Input) -> Vec<TokenStream> {
    let fields = || input.fields.iter();
    let mut predicates: Vec<_> = fields()
        .filter_map(|field| field.serde.bounds.deserialize.as_ref())
        .flat_map(given_for_reading)
        .collect();
    match &input.serde.bounds.deserialize {
        Some(bounds) => predicates.extend(given_for_reading(bounds)),
        None => {
            let inferred = fields().filter(|field| is_read_by_type(field));
            predicates.extend(bound_each(
                input,
                inferred,
                &quote!(__envelope::serde::Deserialize<'static>),
            ));
            let defaulted = fields().filter(|field| is_defaulted_by_type(input, field));
            predicates.extend(bound_each(input, defaulted, &quote!(__envelope::Default)));
            predicates.extend(container_default(input));
        }
    }
    predicates
}

pub(super) fn is_written_by_type(field: &Field) -> bool {
    let serde = &field.serde;
    !serde.skip.serialize && !serde.with.serialize && serde.bounds.serialize.is_none()
}

fn is_read_by_type(field: &Field) -> bool {
    let serde = &field.serde;
    !serde.skip.deserialize && !serde.with.deserialize && serde.bounds.deserialize.is_none()
}

/// Whether the field's value may come from `Default`. `skip_deserializing` implies that, unless the
/// struct has a default.
fn is_defaulted_by_type(input: &Input, field: &Field) -> bool {
    let implied =
        field.serde.skip.deserialize && !field.serde.default_path && input.serde.default.is_none();
    field.serde.default_trait || implied
}

fn given(bounds: &Predicates) -> impl Iterator<Item = TokenStream> {
    bounds.iter().map(ToTokens::to_token_stream)
}

/// The predicates of a deserialize bound, with `'static` in place of serde's `'de`.
fn given_for_reading(bounds: &Predicates) -> impl Iterator<Item = TokenStream> {
    given(bounds)
        .map(|predicate| if quantifies(&predicate) { predicate } else { replace_de(predicate) })
}

/// Whether a predicate may introduce `'de` itself: `for<'de> ..`.
fn quantifies(predicate: &TokenStream) -> bool {
    predicate
        .clone()
        .into_iter()
        .any(|token| matches!(token, TokenTree::Ident(ident) if ident == "for"))
}

fn replace_de(predicate: TokenStream) -> TokenStream {
    let mut after_quote = false;
    let replace = |token| match token {
        TokenTree::Group(group) => {
            let mut replaced =
                proc_macro2::Group::new(group.delimiter(), replace_de(group.stream()));
            replaced.set_span(group.span());
            TokenTree::Group(replaced)
        }
        TokenTree::Ident(ident) if after_quote && ident == "de" => {
            TokenTree::Ident(Ident::new("static", ident.span()))
        }
        token => {
            after_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
            token
        }
    };
    predicate.into_iter().map(replace).collect()
}

/// `T: bound` for each type parameter that the fields' own types use, and for fields of a type such
/// as `T::Item`.
fn bound_each<'a>(
    input: &Input,
    fields: impl Iterator<Item = &'a Field>,
    bound: &TokenStream,
) -> Vec<TokenStream> {
    let mut used = Used::new(&input.generics);
    let mut associated = Vec::new();
    for field in fields {
        used.visit_type(&field.ty);
        associated.extend(used.associated(&field.ty));
    }
    let parameters = used.parameters().map(|ident| quote!(#ident: #bound));
    parameters.chain(associated.iter().map(|ty| quote!(#ty: #bound))).collect()
}

/// `where` and the predicates, if there are any.
pub(super) fn where_clause(
    predicates: impl IntoIterator<Item = TokenStream>,
) -> Option<TokenStream> {
    let mut predicates = predicates.into_iter().peekable();
    predicates.peek()?;
    Some(quote!(where #(#predicates),*))
}

//! The bounds of the generated `impl`: those that serde's derive infers, for both directions.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    GenericArgument, GenericParam, Generics, Ident, LifetimeParam, PathArguments, ReturnType, Type,
    TypeParam, TypeParamBound, TypePath,
};

use crate::field::Field;
use crate::input::Input;
use crate::serde_attr::{ContainerDefault, Predicates};

/// The predicates under which the struct can be written and read.
pub(crate) fn predicates(input: &Input) -> Vec<TokenStream> {
    let mut predicates = declared(input);
    predicates.extend(serializing(input));
    predicates.extend(deserializing(input));
    predicates
}

/// The parameters without their bounds, and those as predicates: clippy warns of a function that
/// has bounds in both places, in the user's crate.
pub(crate) fn apart(generics: &Generics) -> (Generics, Vec<TokenStream>) {
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
pub(crate) fn declared(input: &Input) -> Vec<TokenStream> {
    let predicates = input.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    predicates.map(ToTokens::to_token_stream).collect()
}

/// `Self: Default` where absent fields come from the default of a generic struct.
pub(crate) fn container_default(input: &Input) -> Option<TokenStream> {
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

pub(crate) fn is_written_by_type(field: &Field) -> bool {
    let serde = &field.serde;
    !serde.skip.serialize && !serde.with.serialize && serde.bounds.serialize.is_none()
}

fn is_read_by_type(field: &Field) -> bool {
    let serde = &field.serde;
    !serde.skip.deserialize && !serde.with.deserialize && serde.bounds.deserialize.is_none()
}

/// `default` without a path, which `skip_deserializing` implies unless the struct has a default.
fn is_defaulted_by_type(input: &Input, field: &Field) -> bool {
    let implied =
        field.serde.skip.deserialize && !field.serde.default_path && input.serde.default.is_none();
    field.serde.default_trait || implied
}

fn given(bounds: &Predicates) -> impl Iterator<Item = TokenStream> {
    bounds.iter().map(ToTokens::to_token_stream)
}

/// The predicates of a deserialize bound, with `'static` for the lifetime that serde calls `'de`.
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
    let mut used = Used {
        parameters: input.generics.type_params().map(|param| (&param.ident, false)).collect(),
    };
    let mut associated = Vec::new();
    for field in fields {
        used.visit_type(&field.ty);
        associated.extend(used.associated(&field.ty));
    }
    let parameters =
        used.parameters.iter().filter(|(_, used)| *used).map(|(ident, _)| quote!(#ident: #bound));
    parameters.chain(associated.iter().map(|ty| quote!(#ty: #bound))).collect()
}

/// The type parameters of the struct, each with whether it has been met.
struct Used<'a> {
    parameters: Vec<(&'a Ident, bool)>,
}

impl Used<'_> {
    /// The field's type, if it is an associated type of a parameter.
    fn associated<'ty>(&self, ty: &'ty Type) -> Option<&'ty TypePath> {
        match ty {
            Type::Group(group) => self.associated(&group.elem),
            Type::Path(ty) if ty.qself.is_none() && ty.path.segments.len() > 1 => {
                let first = &ty.path.segments.first()?.ident;
                self.parameters.iter().any(|(parameter, _)| *parameter == first).then_some(ty)
            }
            _ => None,
        }
    }

    fn visit_type(&mut self, ty: &Type) {
        match ty {
            Type::Array(ty) => self.visit_type(&ty.elem),
            Type::Group(ty) => self.visit_type(&ty.elem),
            Type::Paren(ty) => self.visit_type(&ty.elem),
            Type::Ptr(ty) => self.visit_type(&ty.elem),
            Type::Reference(ty) => self.visit_type(&ty.elem),
            Type::Slice(ty) => self.visit_type(&ty.elem),
            Type::Tuple(ty) => ty.elems.iter().for_each(|ty| self.visit_type(ty)),
            Type::FnPtr(ty) => {
                ty.inputs.iter().for_each(|input| self.visit_type(&input.ty));
                self.visit_return(&ty.output);
            }
            Type::TraitObject(ty) => ty.bounds.iter().for_each(|bound| self.visit_bound(bound)),
            Type::Path(ty) => {
                if let Some(qself) = &ty.qself {
                    self.visit_type(&qself.ty);
                }
                self.visit_path(&ty.path);
            }
            _ => {}
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.segments.last().is_some_and(|segment| segment.ident == "PhantomData") {
            // Written and read whether or not its parameter can be.
            return;
        }
        if let Some(ident) = path.get_ident() {
            let is_used = |parameter: &Ident| parameter == ident || ident == "Self";
            self.parameters.iter_mut().for_each(|(parameter, used)| *used |= is_used(parameter));
        }
        for segment in &path.segments {
            match &segment.arguments {
                PathArguments::None => {}
                PathArguments::AngleBracketed(arguments) => {
                    arguments.args.iter().for_each(|argument| self.visit_argument(argument));
                }
                PathArguments::Parenthesized(arguments) => {
                    arguments.inputs.iter().for_each(|input| self.visit_type(&input.ty));
                    self.visit_return(&arguments.output);
                }
            }
        }
    }

    fn visit_argument(&mut self, argument: &GenericArgument) {
        match argument {
            GenericArgument::Type(ty) => self.visit_type(ty),
            GenericArgument::AssocType(ty) => self.visit_type(&ty.ty),
            _ => {}
        }
    }

    fn visit_return(&mut self, output: &ReturnType) {
        if let ReturnType::Type(_, ty) = output {
            self.visit_type(ty);
        }
    }

    fn visit_bound(&mut self, bound: &TypeParamBound) {
        if let TypeParamBound::Trait(bound) = bound {
            self.visit_path(&bound.path);
        }
    }
}

//! Which type parameters the types of fields use, found as serde's derive finds them.

use syn::{
    GenericArgument, Generics, Ident, PathArguments, ReturnType, Type, TypeParamBound, TypePath,
};

/// The type parameters of the struct, each with whether a visited type uses it.
pub(super) struct Used<'a> {
    parameters: Vec<(&'a Ident, bool)>,
}

impl<'a> Used<'a> {
    pub(super) fn new(generics: &'a Generics) -> Self {
        Self { parameters: generics.type_params().map(|param| (&param.ident, false)).collect() }
    }

    /// The parameters that the visited types use.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Ident> {
        self.parameters.iter().filter(|(_, used)| *used).map(|(ident, _)| *ident)
    }

    /// The field's type, if it is an associated type of a parameter.
    pub(super) fn associated<'ty>(&self, ty: &'ty Type) -> Option<&'ty TypePath> {
        match ty {
            Type::Group(group) => self.associated(&group.elem),
            Type::Path(ty) if ty.qself.is_none() && ty.path.segments.len() > 1 => {
                let first = &ty.path.segments.first()?.ident;
                self.parameters.iter().any(|(parameter, _)| *parameter == first).then_some(ty)
            }
            _ => None,
        }
    }

    pub(super) fn visit_type(&mut self, ty: &Type) {
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
            // serde writes and reads `PhantomData` whatever its parameter is.
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

//! The type of the object, as the `impl` block gives it.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, GenericArgument, Generics, Ident, ItemImpl, Type, TypeParamBound,
    parse::{Parse, Parser as _},
    parse_quote,
    punctuated::Punctuated,
};

use crate::{
    borrow::{Borrow, borrow_in, is_static},
    errors::Errors,
};

pub(crate) struct Object {
    pub(crate) ty: Type,
    /// Its name, without what it is generic over.
    pub(crate) name: Ident,
    /// Of the `impl` block, with `'static` where the handle needs it.
    pub(crate) generics: Generics,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) conditions: Vec<Attribute>,
}

impl Object {
    pub(crate) fn new(block: &ItemImpl) -> syn::Result<Object> {
        let mut errors = Errors::default();
        if let Some((_, path, _)) = &block.trait_ {
            errors.add(path, "`#[heap_thread]` belongs on an `impl` block without a trait");
        }
        for lifetime in block.generics.lifetimes() {
            errors.add(lifetime, "an object that borrows cannot have a thread of its own: it may outlive the lender");
        }
        let ty = bare(&block.self_ty);
        let name = match ty {
            Type::Path(path) if path.qself.is_none() => path.path.segments.last().map(|segment| &segment.ident),
            _ => None,
        };
        if name.is_none() {
            errors.add(ty, "`#[heap_thread]` needs a type with a name");
        }
        if block.generics.lifetimes().next().is_none()
            && let Some(Borrow::Lifetime(lifetime)) = borrow_in(ty)
        {
            errors.add(lifetime, "an object that borrows cannot have a thread of its own: it may outlive the lender");
        }
        errors.into_result()?;
        let with =
            |name| block.attrs.iter().filter(move |attribute| attribute.path().is_ident(name)).cloned().collect();
        let mut object = Object {
            ty: ty.clone(),
            name: name.expect("an error otherwise").clone(),
            generics: block.generics.clone(),
            docs: with("doc"),
            conditions: with("cfg"),
        };
        object.generics = object.resolve(&block.generics)?;
        // Generics are printed without their clause.
        object.generics.where_clause =
            block.generics.where_clause.as_ref().map(|clause| object.resolve(clause)).transpose()?;
        for parameter in object.generics.type_params_mut() {
            require_static(&mut parameter.bounds);
        }
        Ok(object)
    }

    /// The same tokens with the object's type where they say `Self`, which is another type on the handle.
    pub(crate) fn resolve<V: Parse + ToTokens>(&self, tokens: &V) -> syn::Result<V> {
        V::parse.parse2(self.resolve_tokens(tokens.to_token_stream()))
    }

    fn resolve_tokens(&self, tokens: TokenStream) -> TokenStream {
        let mut tokens = tokens.into_iter().peekable();
        let mut resolved = TokenStream::new();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if ident == "Self" => {
                    let in_path = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                    resolved.extend(if in_path { self.qualifier() } else { self.ty.to_token_stream() });
                }
                TokenTree::Group(group) => {
                    let mut inner = Group::new(group.delimiter(), self.resolve_tokens(group.stream()));
                    inner.set_span(group.span());
                    resolved.extend([TokenTree::Group(inner)]);
                }
                token => resolved.extend([token]),
            }
        }
        resolved
    }

    /// What stands before `::` and the name of an associated item: `Words`, `<Store<T>>`.
    pub(crate) fn qualifier(&self) -> TokenStream {
        let ty = &self.ty;
        match ty {
            Type::Path(path) if path.path.segments.iter().all(|segment| segment.arguments.is_none()) => quote!(#ty),
            _ => quote!(<#ty>),
        }
    }

    /// Whether a type is the object's.
    pub(crate) fn is(&self, ty: &Type) -> bool {
        bare(ty).to_token_stream().to_string() == self.ty.to_token_stream().to_string()
    }
}

/// A type without the invisible group around it, which it has where a macro by example passed it on.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        ty => ty,
    }
}

/// The first type among generic arguments.
pub(crate) fn first_type<P>(arguments: &Punctuated<GenericArgument, P>) -> Option<&Type> {
    arguments.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Adds `'static`, where it is missing.
pub(crate) fn require_static<P: Default>(bounds: &mut Punctuated<TypeParamBound, P>) {
    let is_there = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Lifetime(lifetime) if is_static(lifetime));
    if !bounds.iter().any(is_there) {
        bounds.push(parse_quote!('static));
    }
}

/// Adds `Send`, where it is missing.
pub(crate) fn require_send<P: Default>(bounds: &mut Punctuated<TypeParamBound, P>) {
    let is_there = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|segment| segment.ident == "Send"),
        _ => false,
    };
    if !bounds.iter().any(is_there) {
        bounds.push(parse_quote!(Send));
    }
}

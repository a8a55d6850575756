//! How one argument gets to the object's thread.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{FnArg, Ident, Pat, PatType, PathArguments, Type, TypeParamBound, TypeReference, parse_quote};

use crate::{
    borrow::{Borrow, borrow_in, is_static},
    errors::Errors,
    object::{bare, first_type, require_send, require_static},
    signature::Dropped,
    text::plain,
};

pub(crate) struct Argument {
    pub(crate) name: Ident,
    /// What the handle's method takes.
    pub(crate) ty: Type,
    pub(crate) passing: Passing,
}

pub(crate) enum Passing {
    /// As it is.
    Moved,
    /// Converted into this type by the caller's thread, then moved.
    Converted(Type),
    /// Converted into this owned type by the caller's thread, then lent to the method.
    Lent(Type),
    /// Not the caller's: the object's thread has it.
    Running,
    /// Nor is this: where the method puts its items, of this type.
    Sink(Type),
}

impl Argument {
    /// The `number`th argument, the first after `self` being 1.
    pub(crate) fn new(number: usize, argument: &PatType, dropped: &Dropped) -> syn::Result<Argument> {
        let mut errors = Errors::default();
        for attribute in argument.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
            errors.add(attribute, "`#[sync]` cannot expose an argument that is there sometimes: write two methods");
        }
        let name = match &*argument.pat {
            Pat::Ident(pattern) if pattern.subpat.is_none() => pattern.ident.clone(),
            _ => format_ident!("argument_{number}"),
        };
        let mut ty = bare(&argument.ty).clone();
        if let Type::ImplTrait(bounded) = &mut ty {
            dropped.remove_from(&mut bounded.bounds);
        }
        let passing = errors.take(Passing::of(&ty));
        if let (Some(Passing::Moved), Type::ImplTrait(bounded)) = (&passing, &mut ty) {
            require_send(&mut bounded.bounds);
            require_static(&mut bounded.bounds);
        }
        if let Some(Passing::Lent(owned)) = &passing {
            ty = parse_quote!(impl ::std::convert::Into<#owned>);
        }
        errors.into_result()?;
        Ok(Argument { name, ty, passing: passing.expect("an error otherwise") })
    }

    /// In the signature of the handle's method.
    pub(crate) fn declared(&self) -> Option<TokenStream> {
        let Argument { name, ty, passing } = self;
        (!matches!(passing, Passing::Running | Passing::Sink(_))).then(|| quote!(#name: #ty))
    }

    /// What the caller's thread does first.
    pub(crate) fn converted(&self) -> Option<TokenStream> {
        let name = &self.name;
        match &self.passing {
            Passing::Converted(ty) | Passing::Lent(ty) => Some(quote!(let #name: #ty = #name.into();)),
            Passing::Moved | Passing::Running | Passing::Sink(_) => None,
        }
    }

    /// In the call of the object's method.
    pub(crate) fn passed(&self, running: &Ident, sink: &Ident) -> TokenStream {
        let name = &self.name;
        match &self.passing {
            Passing::Moved | Passing::Converted(_) => quote!(#name),
            Passing::Lent(_) => quote!(&#name),
            Passing::Running => quote!(#running),
            Passing::Sink(_) => quote!(#sink),
        }
    }
}

impl Passing {
    fn of(ty: &Type) -> syn::Result<Passing> {
        if let Type::Reference(reference) = ty
            && !reference.lifetime.as_ref().is_some_and(is_static)
            && let Some(passing) = Passing::of_reference(reference)
        {
            return Ok(passing);
        }
        let converted = converted(ty);
        match borrow_in(ty) {
            Some(Borrow::Reference(reference)) => Err(syn::Error::new_spanned(reference, reference_error(reference))),
            Some(Borrow::Lifetime(lifetime)) => Err(syn::Error::new_spanned(
                ty,
                format!("what is borrowed for `{lifetime}` cannot travel to the object's thread: take an owned type"),
            )),
            None => Ok(converted.map_or(Passing::Moved, |ty| Passing::Converted(ty.clone()))),
        }
    }

    /// References that have an owned form which callers have at hand.
    fn of_reference(reference: &TypeReference) -> Option<Passing> {
        if reference.mutability.is_some() {
            return filled(&reference.elem).map(|item| Passing::Sink(item.clone()));
        }
        let is = |name| matches!(bare(&reference.elem), Type::Path(path) if ends_with(path, name));
        match &*reference.elem {
            _ if is("str") => Some(Passing::Lent(parse_quote!(::std::string::String))),
            _ if is("Path") => Some(Passing::Lent(parse_quote!(::std::path::PathBuf))),
            _ if is("Running") => Some(Passing::Running),
            Type::Slice(slice) if borrow_in(&slice.elem).is_none() => {
                let item = &slice.elem;
                Some(Passing::Lent(parse_quote!(::std::vec::Vec<#item>)))
            }
            _ => None,
        }
    }
}

fn ends_with(path: &syn::TypePath, name: &str) -> bool {
    path.path.segments.last().is_some_and(|segment| segment.ident == name && segment.arguments.is_none())
}

/// `X` of `Sink<X>`.
fn filled(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = bare(ty) else {
        return None;
    };
    let segment = path.path.segments.last().filter(|segment| segment.ident == "Sink")?;
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => first_type(&arguments.args),
        _ => None,
    }
}

/// `X` of `impl Into<X>`.
fn converted(ty: &Type) -> Option<&Type> {
    let Type::ImplTrait(bounded) = ty else {
        return None;
    };
    let mut bounds = bounded.bounds.iter();
    let (Some(TypeParamBound::Trait(bound)), None) = (bounds.next(), bounds.next()) else {
        return None;
    };
    let segment = bound.path.segments.last().filter(|segment| segment.ident == "Into")?;
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => first_type(&arguments.args),
        _ => None,
    }
}

fn reference_error(reference: &TypeReference) -> String {
    let owned = owned(&reference.elem);
    match reference.mutability {
        None => format!("a reference cannot travel to the object's thread: take `{owned}`"),
        Some(_) => {
            format!("a reference cannot travel to the object's thread: take `{owned}` and return what became of it")
        }
    }
}

/// What a reference's owned form would be.
pub(crate) fn owned(ty: &Type) -> String {
    match ty {
        Type::Path(path) if ends_with(path, "str") => "String".to_owned(),
        Type::Path(path) if ends_with(path, "Path") => "PathBuf".to_owned(),
        Type::Path(path) if ends_with(path, "OsStr") => "OsString".to_owned(),
        Type::Path(path) if ends_with(path, "CStr") => "CString".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", owned(&slice.elem)),
        Type::TraitObject(object) => format!("Box<{} + Send>", plain(object)),
        Type::Reference(reference) => owned(&reference.elem),
        ty => plain(ty),
    }
}

/// The arguments after `self`.
pub(crate) fn typed<'a>(inputs: impl IntoIterator<Item = &'a FnArg>) -> impl Iterator<Item = &'a PatType> {
    inputs.into_iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    })
}

//! References and lifetimes in a type: what cannot travel from thread to thread.

use syn::{
    GenericArgument, Lifetime, Path, PathArguments, ReturnType, Type, TypeParamBound, TypeReference,
    punctuated::Punctuated,
};

/// Something borrowed, for less than `'static`.
pub(crate) enum Borrow<'a> {
    Reference(&'a TypeReference),
    Lifetime(&'a Lifetime),
}

/// The first thing borrowed in a type. The types that a function within it takes and gives are its own affair.
pub(crate) fn borrow_in(ty: &Type) -> Option<Borrow<'_>> {
    match ty {
        Type::Reference(reference) if !reference.lifetime.as_ref().is_some_and(is_static) => {
            Some(Borrow::Reference(reference))
        }
        Type::Reference(reference) => borrow_in(&reference.elem),
        Type::Path(path) => {
            let outer = path.qself.as_ref().and_then(|qself| borrow_in(&qself.ty));
            outer.or_else(|| borrow_in_path(&path.path))
        }
        Type::Tuple(tuple) => tuple.elems.iter().find_map(borrow_in),
        Type::Array(array) => borrow_in(&array.elem),
        Type::Slice(slice) => borrow_in(&slice.elem),
        Type::Paren(paren) => borrow_in(&paren.elem),
        Type::Group(group) => borrow_in(&group.elem),
        Type::ImplTrait(bounded) => borrow_in_bounds(&bounded.bounds),
        Type::TraitObject(bounded) => borrow_in_bounds(&bounded.bounds),
        _ => None,
    }
}

pub(crate) fn borrow_in_bounds<P>(bounds: &Punctuated<TypeParamBound, P>) -> Option<Borrow<'_>> {
    bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Lifetime(lifetime) if !is_static(lifetime) => Some(Borrow::Lifetime(lifetime)),
        // `for<'a> Trait<'a>` brings its own lifetimes.
        TypeParamBound::Trait(bound) if bound.lifetimes.is_none() => borrow_in_path(&bound.path),
        _ => None,
    })
}

fn borrow_in_path(path: &Path) -> Option<Borrow<'_>> {
    let arguments = path.segments.iter().filter_map(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        PathArguments::Parenthesized(_) | PathArguments::None => None,
    });
    arguments.flatten().find_map(|argument| match argument {
        GenericArgument::Lifetime(lifetime) if !is_static(lifetime) => Some(Borrow::Lifetime(lifetime)),
        GenericArgument::Type(ty) => borrow_in(ty),
        GenericArgument::AssocType(assigned) => borrow_in(&assigned.ty),
        _ => None,
    })
}

pub(crate) fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// The type that a function returns.
pub(crate) fn returned(output: &ReturnType) -> Option<&Type> {
    match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(ty),
    }
}

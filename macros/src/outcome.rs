//! What a method gives, and what becomes of it on the handle.

use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound, parse_quote, punctuated::Punctuated};

use crate::{
    argument::owned,
    borrow::{Borrow, borrow_in, returned},
    errors::Errors,
    object::{Object, bare, first_type},
};

pub(crate) enum Outcome {
    /// `R`: a call of it.
    Value(Type),
    /// `Result<V, E>`: a call of `V`.
    Fallible(Type),
    /// An iterator: a generation.
    Items {
        item: Type,
        /// Whether each item is a `Result`.
        fallible: bool,
        /// Whether the iterator is within a `Result`.
        starts_fallible: bool,
    },
    /// Nothing or `Result<(), E>`, and items into a sink: a generation.
    Sent { item: Type, fallible: bool },
}

impl Outcome {
    pub(crate) fn new(output: &ReturnType) -> syn::Result<Outcome> {
        let Some(ty) = returned(output) else {
            return Ok(Outcome::Value(parse_quote!(())));
        };
        let outcome = match (items_of(ty)?, result_of(ty)) {
            (Some(item), _) => Outcome::items(item, false),
            (None, Some(value)) => match items_of(&value)? {
                Some(item) => Outcome::items(item, true),
                None => Outcome::Fallible(value),
            },
            (None, None) => Outcome::Value(ty.clone()),
        };
        outcome.check()?;
        Ok(outcome)
    }

    /// The same of a method that has a sink for items of this type. `None`: it gives something else as well.
    pub(crate) fn sent(self, item: &Type) -> Option<syn::Result<Outcome>> {
        let is_unit = |ty: &Type| matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty());
        let fallible = match &self {
            Outcome::Value(ty) if is_unit(ty) => false,
            Outcome::Fallible(ty) if is_unit(ty) => true,
            _ => return None,
        };
        let sent = Outcome::Sent { item: item.clone(), fallible };
        Some(sent.check().map(|()| sent))
    }

    fn items(item: Type, starts_fallible: bool) -> Outcome {
        match result_of(&item) {
            Some(item) => Outcome::Items { item, fallible: true, starts_fallible },
            None => Outcome::Items { item, fallible: false, starts_fallible },
        }
    }

    /// What leaves the thread is owned and has a name.
    fn check(&self) -> syn::Result<()> {
        let mut errors = Errors::default();
        let (Outcome::Value(ty)
        | Outcome::Fallible(ty)
        | Outcome::Items { item: ty, .. }
        | Outcome::Sent { item: ty, .. }) = self;
        match borrow_in(ty) {
            Some(Borrow::Reference(reference)) => {
                let owned = owned(&reference.elem);
                errors.add(reference, format!("a reference cannot leave the object's thread: return `{owned}`"));
            }
            Some(Borrow::Lifetime(lifetime)) => {
                errors.add(ty, format!("what is borrowed for `{lifetime}` cannot leave the object's thread"));
            }
            None => {}
        }
        if let Type::ImplTrait(unnamed) = ty {
            errors.add(unnamed, "only iterators can be returned as `impl Trait`: name the type");
        }
        errors.into_result()
    }
}

/// Whether a function without `self` makes the object; `Some(true)` where it can fail.
pub(crate) fn makes(object: &Object, output: &ReturnType) -> Option<bool> {
    let ty = returned(output)?;
    if object.is(ty) {
        return Some(false);
    }
    result_of(ty).filter(|value| object.is(value)).map(|_| true)
}

/// `V` of `Result<V, E>`, of `io::Result<V>`, of any path that ends in `Result`; `()` of `fmt::Result`.
fn result_of(ty: &Type) -> Option<Type> {
    let Type::Path(path) = bare(ty) else {
        return None;
    };
    let segment = path.path.segments.last().filter(|segment| segment.ident == "Result")?;
    match &segment.arguments {
        PathArguments::None => Some(parse_quote!(())),
        PathArguments::AngleBracketed(arguments) => first_type(&arguments.args).cloned(),
        PathArguments::Parenthesized(_) => None,
    }
}

/// `X` of `impl Iterator<Item = X>` and of `Box<dyn Iterator<Item = X>>`.
fn items_of(ty: &Type) -> syn::Result<Option<Type>> {
    match bare(ty) {
        Type::ImplTrait(bounded) => items_of_bounds(&bounded.bounds),
        Type::Path(path) => {
            let boxed = path.path.segments.last().filter(|segment| segment.ident == "Box");
            match boxed.map(|segment| &segment.arguments) {
                Some(PathArguments::AngleBracketed(arguments)) => match first_type(&arguments.args) {
                    Some(Type::TraitObject(bounded)) => items_of_bounds(&bounded.bounds),
                    _ => Ok(None),
                },
                _ => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

const ITERATORS: [&str; 4] = ["Iterator", "DoubleEndedIterator", "ExactSizeIterator", "FusedIterator"];

fn items_of_bounds<P>(bounds: &Punctuated<TypeParamBound, P>) -> syn::Result<Option<Type>> {
    let last_segments = bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last(),
        _ => None,
    });
    let Some(iterator) = last_segments.into_iter().find(|segment| ITERATORS.iter().any(|name| segment.ident == name))
    else {
        return Ok(None);
    };
    if let PathArguments::AngleBracketed(arguments) = &iterator.arguments {
        for argument in &arguments.args {
            if let GenericArgument::AssocType(assigned) = argument
                && assigned.ident == "Item"
            {
                return Ok(Some(assigned.ty.clone()));
            }
        }
    }
    Err(syn::Error::new_spanned(iterator, "say what the items are: `Iterator<Item = ...>`"))
}

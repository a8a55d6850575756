//! What of a method's generics makes sense on the handle.

use quote::quote;
use syn::{GenericParam, Generics, Lifetime, TypeParamBound, WherePredicate, punctuated::Punctuated};

use crate::{
    borrow::{Borrow, borrow_in, borrow_in_bounds},
    errors::Errors,
    object::{require_send, require_static},
};

/// The lifetimes that a method declares: nothing on the handle is borrowed for them.
pub(crate) struct Dropped(Vec<Lifetime>);

impl Dropped {
    pub(crate) fn of(generics: &Generics) -> Dropped {
        Dropped(generics.lifetimes().map(|parameter| parameter.lifetime.clone()).collect())
    }

    /// Removes bounds by these lifetimes: what is `'static` satisfies them all.
    pub(crate) fn remove_from<P: Default>(&self, bounds: &mut Punctuated<TypeParamBound, P>) {
        let is_kept = |bound: &TypeParamBound| match bound {
            TypeParamBound::Lifetime(lifetime) => lifetime.ident != "_" && !self.0.contains(lifetime),
            _ => true,
        };
        *bounds = std::mem::take(bounds).into_iter().filter(is_kept).collect();
    }
}

/// The generics of the handle's method: types and constants, with their bounds. What travels is `Send + 'static`.
pub(crate) fn on_handle(generics: &Generics, dropped: &Dropped) -> syn::Result<Generics> {
    let mut errors = Errors::default();
    let mut kept = Generics::default();
    for parameter in &generics.params {
        let mut parameter = parameter.clone();
        match &mut parameter {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Const(_) => {}
            GenericParam::Type(parameter) => {
                dropped.remove_from(&mut parameter.bounds);
                refuse_borrow(&mut errors, borrow_in_bounds(&parameter.bounds));
                require_send(&mut parameter.bounds);
                require_static(&mut parameter.bounds);
            }
        }
        kept.params.push(parameter);
    }
    for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        let WherePredicate::Type(predicate) = predicate else {
            continue;
        };
        let mut predicate = predicate.clone();
        dropped.remove_from(&mut predicate.bounds);
        if predicate.lifetimes.is_none() {
            refuse_borrow(&mut errors, borrow_in(&predicate.bounded_ty));
            refuse_borrow(&mut errors, borrow_in_bounds(&predicate.bounds));
        }
        if !predicate.bounds.is_empty() {
            kept.make_where_clause().predicates.push(WherePredicate::Type(predicate));
        }
    }
    errors.into_result()?;
    Ok(kept)
}

fn refuse_borrow(errors: &mut Errors, borrow: Option<Borrow<'_>>) {
    let at = match borrow {
        Some(Borrow::Reference(reference)) => quote!(#reference),
        Some(Borrow::Lifetime(lifetime)) => quote!(#lifetime),
        None => return,
    };
    errors.add(at, "a bound on what is borrowed makes no sense on another thread");
}

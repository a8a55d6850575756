//! Several errors at once: who mends one should see the others.

use quote::ToTokens;

#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error at these tokens.
    pub(crate) fn add(&mut self, at: impl ToTokens, text: impl Into<String>) {
        self.put(syn::Error::new_spanned(at, text.into()));
    }

    pub(crate) fn put(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    /// What there is, or one more error.
    pub(crate) fn take<V>(&mut self, result: syn::Result<V>) -> Option<V> {
        result.map_err(|error| self.put(error)).ok()
    }

    pub(crate) fn into_result(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

//! What `#[heap_thread(...)]` says.

use syn::{
    Ident, Token, Visibility,
    parse::{Parse, ParseStream},
};

/// `handle = pub(crate) Name`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) handle: Option<Ident>,
    /// The handle's visibility, where it is written.
    pub(crate) visibility: Option<Visibility>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Options> {
        let mut options = Options::default();
        while !input.is_empty() {
            let argument: Ident = input.parse().map_err(|error| syn::Error::new(error.span(), USAGE))?;
            if argument != "handle" {
                return Err(syn::Error::new(argument.span(), format!("unknown argument `{argument}`: {USAGE}")));
            }
            if options.handle.is_some() {
                return Err(syn::Error::new(argument.span(), "`handle` is given twice"));
            }
            input.parse::<Token![=]>().map_err(|_| syn::Error::new(argument.span(), USAGE))?;
            let visibility = input.parse()?;
            options.visibility = Some(visibility).filter(|visibility| !matches!(visibility, Visibility::Inherited));
            options.handle = Some(input.parse()?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

const USAGE: &str = "write `#[heap_thread]` or `#[heap_thread(handle = Name)]`";

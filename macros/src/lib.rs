//! The attribute `#[heap_thread]` of the crate `aiointernal`, which re-exports it and is what to depend on.
//!
//! ```text
//! impl block -> object (the type), method (what is exposed), argument and outcome (how it travels) -> handle (the code)
//! ```

mod options;
mod object;
mod borrow;
mod argument;
mod outcome;
mod signature;
mod method;
mod handle;
mod expansion;
mod errors;
mod text;
#[cfg(test)]
mod documented;

use proc_macro::TokenStream;
use proc_macro2::Span;

#[expect(missing_docs, reason = "`aiointernal` has them, where they can link to its types")]
#[proc_macro_attribute]
pub fn heap_thread(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expansion::of(arguments.into(), item.into()).into()
}

/// Marks what [`#[heap_thread]`](macro@heap_thread) exposes. Within its `impl` block it needs no import; anywhere else
/// it is an error.
#[proc_macro_attribute]
pub fn sync(_: TokenStream, item: TokenStream) -> TokenStream {
    let text = "`#[sync]` belongs on the methods of an `impl` block that has `#[heap_thread]`";
    let mut output = TokenStream::from(syn::Error::new(Span::call_site(), text).into_compile_error());
    output.extend(item);
    output
}

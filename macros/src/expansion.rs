//! From the attribute and its `impl` block to the block without marks, and the handle.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, ImplItem, ImplItemConst, ImplItemFn, ImplItemMacro, ImplItemType, Item, ItemImpl, Meta, parse2};

use crate::{
    errors::Errors,
    handle::Handle,
    method::{Method, most_visible, remove_second_open},
    object::Object,
    options::Options,
};

pub(crate) fn of(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut block = match parse2(item.clone()) {
        Ok(Item::Impl(block)) => block,
        Ok(_) => {
            let text = "`#[heap_thread]` belongs on an `impl` block";
            let error = syn::Error::new(Span::call_site(), text).into_compile_error();
            return quote!(#item #error);
        }
        Err(error) => return error.into_compile_error(),
    };
    let exposed = take_marks(&mut block, &mut errors);
    let code = errors.take(parse2(arguments)).and_then(|options| handle(options, &block, &exposed, &mut errors));
    let errors = errors.into_result().err().map(syn::Error::into_compile_error);
    quote!(#block #code #errors)
}

/// The handle, with whatever of it can be made.
fn handle(options: Options, block: &ItemImpl, exposed: &[ImplItemFn], errors: &mut Errors) -> Option<TokenStream> {
    let object = errors.take(Object::new(block))?;
    if exposed.is_empty() {
        let text = "mark the methods that the handle is to have with `#[sync]`";
        errors.put(syn::Error::new(Span::call_site(), text));
    }
    let made = exposed.iter().filter_map(|function| errors.take(Method::new(function, &object)));
    let mut methods: Vec<Method> = made.collect();
    remove_second_open(&mut methods, errors);
    let handle = Handle {
        name: options.handle.unwrap_or_else(|| format_ident!("{}Handle", object.name)),
        visibility: options.visibility.unwrap_or_else(|| most_visible(&methods)),
        object: &object,
        methods: &methods,
    };
    Some(handle.code())
}

/// Removes `#[sync]`, and returns the methods that had it.
fn take_marks(block: &mut ItemImpl, errors: &mut Errors) -> Vec<ImplItemFn> {
    let mut exposed = Vec::new();
    for item in &mut block.items {
        match item {
            ImplItem::Fn(function) => {
                let mark = take_mark(&mut function.attrs, errors);
                exposed.extend(mark.map(|_| function.clone()));
            }
            ImplItem::Const(ImplItemConst { attrs, .. })
            | ImplItem::Type(ImplItemType { attrs, .. })
            | ImplItem::Macro(ImplItemMacro { attrs, .. }) => {
                if let Some(mark) = take_mark(attrs, errors) {
                    errors.add(mark, "`#[sync]` belongs on methods");
                }
            }
            _ => {}
        }
    }
    exposed
}

fn take_mark(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Option<Attribute> {
    let index = attributes.iter().position(is_mark)?;
    let mark = attributes.remove(index);
    if !matches!(mark.meta, Meta::Path(_)) {
        errors.add(mark.meta.to_token_stream(), "`#[sync]` has no arguments");
    }
    Some(mark)
}

/// `#[sync]` or `#[aiointernal::sync]`.
fn is_mark(attribute: &Attribute) -> bool {
    let names: Vec<_> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    matches!(names.iter().map(String::as_str).collect::<Vec<_>>()[..], ["sync"] | ["aiointernal", "sync"])
}

//! The code of the handle.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Type, Visibility, parse_quote_spanned};

use crate::{
    argument::Argument,
    method::{Method, Work},
    object::Object,
    outcome::Outcome,
};

pub(crate) struct Handle<'a> {
    pub(crate) name: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) object: &'a Object,
    pub(crate) methods: &'a [Method],
}

impl Handle<'_> {
    /// The type, its methods and its traits.
    pub(crate) fn code(&self) -> TokenStream {
        let Handle { name, visibility, object, methods } = self;
        let Object { ty, generics, conditions, .. } = object;
        let docs = self.docs();
        let (on_impl, with, bounds) = generics.split_for_impl();
        let methods = methods.iter().map(|method| self.method(method));
        let own = self.own_methods();
        let traits = self.traits();
        quote! {
            #docs
            #(#conditions)*
            #visibility struct #name #generics #bounds {
                thread: ::aiointernal::HeapThread<#ty>,
            }

            #(#conditions)*
            impl #on_impl #name #with #bounds {
                #(#methods)*
                #own
            }

            #traits
        }
    }

    /// Those of the `impl` block, where it has some.
    fn docs(&self) -> TokenStream {
        let docs = &self.object.docs;
        if docs.is_empty() {
            let text = format!(" An async handle to a [`{}`] on a thread of its own.", self.object.name);
            return quote!(#[doc = #text]);
        }
        quote!(#(#docs)*)
    }

    /// What every handle has.
    fn own_methods(&self) -> TokenStream {
        let Handle { visibility, object, .. } = self;
        let ty = &object.ty;
        quote! {
            /// Closes the object, for every clone of the handle: calls in the queue still run, later ones are refused.
            #visibility fn close(&self) -> ::aiointernal::Closing {
                self.thread.close()
            }

            /// Whether calls are refused.
            #visibility fn is_closed(&self) -> bool {
                self.thread.is_closed()
            }

            /// The object's thread, for calls of closures.
            #visibility fn thread(&self) -> &::aiointernal::HeapThread<#ty> {
                &self.thread
            }
        }
    }

    fn traits(&self) -> TokenStream {
        let Handle { name, object, .. } = self;
        let Object { ty, generics, conditions, .. } = object;
        let (on_impl, with, bounds) = generics.split_for_impl();
        let text = name.to_string();
        quote! {
            #(#conditions)*
            impl #on_impl ::std::convert::From<::aiointernal::HeapThread<#ty>> for #name #with #bounds {
                fn from(thread: ::aiointernal::HeapThread<#ty>) -> Self {
                    #name { thread }
                }
            }

            #(#conditions)*
            impl #on_impl ::std::clone::Clone for #name #with #bounds {
                fn clone(&self) -> Self {
                    #name { thread: self.thread.clone() }
                }
            }

            #(#conditions)*
            impl #on_impl ::std::fmt::Debug for #name #with #bounds {
                fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                    f.debug_tuple(#text).field(&self.thread).finish()
                }
            }
        }
    }

    fn method(&self, method: &Method) -> TokenStream {
        let Method { attributes, visibility, handle_name, generics, arguments, work, .. } = method;
        // Names as the macro's own, places as the method's: what the compiler has to say is said there.
        let span = Span::call_site().located_at(method.name.span());
        let (receiver, output, body) = match work {
            Work::Open { fallible } => (None, self.opening(span), self.open(method, *fallible, span)),
            Work::Call(outcome) => (Some(quote!(&self,)), given(outcome, span), self.call(method, outcome, span)),
        };
        let (on_method, _, bounds) = generics.split_for_impl();
        let declared = arguments.iter().filter_map(Argument::declared);
        let converted = arguments.iter().filter_map(Argument::converted);
        quote_spanned! {span=>
            #(#attributes)*
            #visibility fn #handle_name #on_method(#receiver #(#declared),*) -> #output #bounds {
                #(#converted)*
                #body
            }
        }
    }

    fn opening(&self, span: Span) -> Type {
        let Handle { name, object, .. } = self;
        let (_, with, _) = object.generics.split_for_impl();
        let ty = &object.ty;
        parse_quote_spanned!(span=> ::aiointernal::Opening<#ty, #name #with>)
    }

    fn open(&self, method: &Method, fallible: bool, span: Span) -> TokenStream {
        let made = self.on_object(method, None, span);
        let setup = if fallible { made } else { infallible(made, span) };
        quote_spanned!(span=> ::aiointernal::HeapThread::spawn(move || #setup).into_handle())
    }

    fn call(&self, method: &Method, outcome: &Outcome, span: Span) -> TokenStream {
        let object = local("object", span);
        let called = self.on_object(method, Some(&object), span);
        match outcome {
            Outcome::Value(_) if method.takes_running() => {
                let running = local("running", span);
                let called = infallible(called, span);
                quote_spanned!(span=> self.thread.try_call(move |#object, #running| #called))
            }
            Outcome::Value(_) => quote_spanned!(span=> self.thread.call(move |#object| #called)),
            Outcome::Fallible(_) if method.takes_running() => {
                let running = local("running", span);
                quote_spanned!(span=> self.thread.try_call(move |#object, #running| #called))
            }
            Outcome::Fallible(_) => quote_spanned!(span=> self.thread.try_call(move |#object, _| #called)),
            Outcome::Items { fallible, starts_fallible, .. } => {
                generate(&object, &called, *fallible, *starts_fallible, span)
            }
            Outcome::Sent { fallible, .. } => {
                let sink = local("sink", span);
                let called = if *fallible { called } else { infallible(called, span) };
                quote_spanned!(span=> self.thread.generate(move |#object, #sink| #called))
            }
        }
    }

    /// The call of the object's own method. By its full name: a trait's method of the same name could come first.
    fn on_object(&self, method: &Method, object: Option<&Ident>, span: Span) -> TokenStream {
        let qualifier = self.object.qualifier();
        let mut name = method.name.clone();
        name.set_span(span);
        let turbofish = method.turbofish();
        let (running, sink) = (local("running", span), local("sink", span));
        let object = object.map(|object| quote!(#object,));
        let passed = method.arguments.iter().map(|argument| argument.passed(&running, &sink));
        quote_spanned!(span=> #qualifier::#name #turbofish(#object #(#passed),*))
    }
}

/// A name that is the macro's own: no argument can be meant by it.
fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(span))
}

fn infallible(value: TokenStream, span: Span) -> TokenStream {
    quote_spanned!(span=> ::std::result::Result::Ok::<_, ::std::convert::Infallible>(#value))
}

/// What the handle's method returns.
fn given(outcome: &Outcome, span: Span) -> Type {
    match outcome {
        Outcome::Value(ty) | Outcome::Fallible(ty) => parse_quote_spanned!(span=> ::aiointernal::Call<#ty>),
        Outcome::Items { item, .. } | Outcome::Sent { item, .. } => {
            parse_quote_spanned!(span=> ::aiointernal::Generation<#item>)
        }
    }
}

fn generate(object: &Ident, called: &TokenStream, fallible: bool, starts_fallible: bool, span: Span) -> TokenStream {
    let (sink, item) = (local("sink", span), local("item", span));
    if !fallible && !starts_fallible {
        return quote_spanned! {span=>
            self.thread.generate(move |#object, #sink| #called.try_for_each(|#item| #sink.send(#item)))
        };
    }
    let started = if starts_fallible { quote_spanned!(span=> #called?) } else { called.clone() };
    let sent = if fallible { quote_spanned!(span=> #item?) } else { quote_spanned!(span=> #item) };
    quote_spanned! {span=>
        self.thread.generate(
            move |#object, #sink| -> ::std::result::Result<
                (),
                ::std::boxed::Box<dyn ::std::error::Error + Send + Sync>,
            > {
                for #item in #started {
                    #sink.send(#sent)?;
                }
                ::std::result::Result::Ok(())
            },
        )
    }
}

//! One exposed method or constructor.

use quote::{ToTokens, quote};
use syn::{
    Attribute, GenericParam, Generics, Ident, ImplItemFn, Meta, Path, Receiver, Signature, Token, Type, Visibility,
    parse_quote, punctuated::Punctuated,
};

use crate::{
    argument::{Argument, Passing, typed},
    errors::Errors,
    object::Object,
    outcome::{Outcome, makes},
    signature::{self, Dropped},
};

pub(crate) struct Method {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// On the object.
    pub(crate) name: Ident,
    /// On the handle.
    pub(crate) handle_name: Ident,
    /// Of the handle's method.
    pub(crate) generics: Generics,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) work: Work,
}

#[expect(clippy::large_enum_variant, reason = "there are a few of them, while a program compiles")]
pub(crate) enum Work {
    /// Makes the object.
    Open {
        fallible: bool,
    },
    Call(Outcome),
}

/// What the handle has by itself, or its traits.
const TAKEN: [&str; 5] = ["close", "is_closed", "thread", "clone", "from"];

impl Method {
    pub(crate) fn new(function: &ImplItemFn, object: &Object) -> syn::Result<Method> {
        let mut errors = Errors::default();
        refuse_kinds(&function.sig, &mut errors);
        if let Some(receiver) = function.sig.receiver() {
            refuse_receiver(receiver, &mut errors);
        }
        let mut signature = object.resolve(&function.sig)?;
        // A receiver is not carried over, whatever its form.
        let has_receiver = signature.receiver().is_some();
        if !has_receiver && makes(object, &signature.output).is_none() {
            let text = "a function without `self` has to make the object: return `Self` or `Result<Self, E>`";
            errors.add(&function.sig.ident, text);
        }
        let mut work = match makes(object, &signature.output) {
            Some(fallible) if !has_receiver => Some(Work::Open { fallible }),
            _ => errors.take(Outcome::new(&signature.output)).map(Work::Call),
        };
        let dropped = Dropped::of(&signature.generics);
        let generics = errors.take(signature::on_handle(&signature.generics, &dropped));
        let mut arguments = Vec::new();
        for (index, argument) in typed(&signature.inputs).enumerate() {
            arguments.extend(errors.take(Argument::new(index + 1, argument, &dropped)));
        }
        work = work.and_then(|work| use_sink(work, &arguments, &signature, &mut errors));
        if !matches!(work, Some(Work::Call(Outcome::Value(_) | Outcome::Fallible(_))) | None) {
            refuse_running(&work, &arguments, &signature, &mut errors);
        }
        let name = std::mem::replace(&mut signature.ident, function.sig.ident.clone());
        let handle_name = match work {
            Some(Work::Open { .. }) if name == "new" => Ident::new("open", name.span()),
            _ => name.clone(),
        };
        if TAKEN.iter().any(|taken| name == taken) {
            errors.add(&name, format!("the handle has `{name}` already: give this method another name"));
        }
        errors.into_result()?;
        Ok(Method {
            attributes: carried(&function.attrs),
            visibility: function.vis.clone(),
            name,
            handle_name,
            generics: generics.expect("an error otherwise"),
            arguments,
            work: work.expect("an error otherwise"),
        })
    }

    /// `::<V, N>`, where the method has parameters that a call can name.
    pub(crate) fn turbofish(&self) -> Option<impl ToTokens + use<>> {
        let names = self.generics.params.iter().map(|parameter| match parameter {
            GenericParam::Type(parameter) => &parameter.ident,
            GenericParam::Const(parameter) => &parameter.ident,
            GenericParam::Lifetime(parameter) => &parameter.lifetime.ident,
        });
        (!self.generics.params.is_empty()).then(|| quote!(::<#(#names),*>))
    }

    /// Whether the method wants to know of the call that runs it.
    pub(crate) fn takes_running(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument.passing, Passing::Running))
    }
}

fn refuse_kinds(signature: &Signature, errors: &mut Errors) {
    if let Some(keyword) = &signature.asyncness {
        let text = "`#[sync]` exposes plain functions: drop the `async`, the handle's method is awaited anyway";
        errors.add(keyword, text);
    }
    if let Some(keyword) = &signature.unsafety {
        errors.add(keyword, "`#[sync]` cannot expose an unsafe function: the handle's method would look safe");
    }
    if let Some(abi) = &signature.abi {
        errors.add(abi, "`#[sync]` cannot expose a function of another ABI");
    }
}

fn refuse_receiver(receiver: &Receiver, errors: &mut Errors) {
    let is_self = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("Self"));
    match &*receiver.ty {
        Type::Reference(reference) if is_self(&reference.elem) => {}
        ty if is_self(ty) => {
            errors.add(receiver, "the object cannot leave its thread: take `&self` or `&mut self`");
        }
        _ => errors.add(receiver, "`#[sync]` exposes methods that take `&self` or `&mut self`"),
    }
}

/// A method that has a sink gives its items there.
fn use_sink(work: Work, arguments: &[Argument], signature: &Signature, errors: &mut Errors) -> Option<Work> {
    let mut sinks = arguments.iter().zip(typed(&signature.inputs)).filter_map(|(argument, typed)| {
        if let Passing::Sink(item) = &argument.passing { Some((item, typed)) } else { None }
    });
    let Some((item, argument)) = sinks.next() else {
        return Some(work);
    };
    for (_, second) in sinks {
        errors.add(&second.ty, "a method has one sink");
    }
    let sent = match work {
        Work::Call(outcome) => outcome.sent(item),
        Work::Open { .. } => None,
    };
    if sent.is_none() {
        let text = "a method with a sink gives its items there: return nothing or `Result<(), E>`";
        errors.add(&argument.ty, text);
    }
    errors.take(sent?).map(Work::Call)
}

fn refuse_running(work: &Option<Work>, arguments: &[Argument], signature: &Signature, errors: &mut Errors) {
    let running = arguments.iter().zip(typed(&signature.inputs));
    for (_, argument) in running.filter(|(argument, _)| matches!(argument.passing, Passing::Running)) {
        let text = match work {
            Some(Work::Call(Outcome::Sent { .. })) => "a method with a sink has its call there: `sink.running()`",
            _ => "only a method that returns a value or a `Result` can be told of its call",
        };
        errors.add(&argument.ty, text);
    }
}

/// The attributes that mean on the handle what they mean on the object.
fn carried(attributes: &[Attribute]) -> Vec<Attribute> {
    let is_carried = |path: &Path| CARRIED.iter().any(|name| path.is_ident(name));
    let kept = attributes.iter().filter(|attribute| meant(attribute).iter().all(&is_carried));
    let mut kept: Vec<Attribute> = kept.cloned().collect();
    let is_deprecated = |attribute: &Attribute| meant(attribute).iter().any(|path| path.is_ident("deprecated"));
    if kept.iter().any(is_deprecated) {
        // The handle's method calls the object's, and its caller is told already.
        kept.push(parse_quote!(#[allow(deprecated)]));
    }
    kept
}

const CARRIED: [&str; 5] = ["doc", "cfg", "deprecated", "must_use", "allow"];

/// What an attribute is; for `cfg_attr`, what it may become.
fn meant(attribute: &Attribute) -> Vec<Path> {
    if !attribute.path().is_ident("cfg_attr") {
        return vec![attribute.path().clone()];
    }
    match attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) {
        Ok(parts) => parts.iter().skip(1).map(|part| part.path().clone()).collect(),
        Err(_) => vec![attribute.path().clone()],
    }
}

/// The most visible of the methods' visibilities.
pub(crate) fn most_visible(methods: &[Method]) -> Visibility {
    let rank = |visibility: &Visibility| match visibility {
        Visibility::Public(_) => 3,
        Visibility::Restricted(within) if within.path.is_ident("crate") => 2,
        Visibility::Restricted(within) if within.path.is_ident("self") => 0,
        Visibility::Restricted(_) => 1,
        Visibility::Inherited => 0,
    };
    let visibilities = methods.iter().map(|method| &method.visibility);
    let most = visibilities.reduce(|most, next| if rank(next) > rank(most) { next } else { most });
    most.cloned().unwrap_or(Visibility::Inherited)
}

/// `new` becomes `open` on the handle; another `open` has to go.
pub(crate) fn remove_second_open(methods: &mut Vec<Method>, errors: &mut Errors) {
    let is_renamed = methods.iter().any(|method| method.name != method.handle_name);
    for second in methods.extract_if(.., |method| is_renamed && method.name == "open") {
        errors.add(&second.name, "the handle's `open` is the one that makes a `new` object: use another name");
    }
}

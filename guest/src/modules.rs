//! Modules: the host resolves and loads them, once each; here is what QuickJS needs to be told of it.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use rquickjs::{
    Ctx, Exception, Module, Object, Runtime, Value,
    loader::{ImportAttributes, Loader, Resolver},
    module::{Declarations, Declared, Exports, ModuleDef},
    object::Property,
};

use crate::{host::Host, text};

/// Bytes that a specifier or a name may have.
const MAX_NAME: usize = 4096;

/// Bytes of a specifier or a name that a message shows.
const SHOWN_NAME: usize = 512;

/// Bytes of the host's reason that a message shows.
const SHOWN_REASON: usize = 2048;

/// A module as the host gives it: the WIT record `module`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleText {
    /// The text.
    pub text: String,
    /// How it is to be read.
    pub kind: ModuleKind,
}

/// How a module's text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleKind {
    /// An ES module.
    JavaScript,
    /// JSON: its value is the default export.
    Json,
}

/// The modules of one context.
pub(crate) struct Modules<H> {
    host: Rc<H>,
    /// The running call was told to stop.
    stopped: Rc<Cell<bool>>,
    graph: RefCell<Graph>,
}

impl<H: Host> Modules<H> {
    /// Makes the host the one who is asked for modules.
    pub(crate) fn install(runtime: &Runtime, host: &Rc<H>, stopped: &Rc<Cell<bool>>) -> Rc<Modules<H>> {
        let graph = RefCell::default();
        let modules = Rc::new(Modules { host: Rc::clone(host), stopped: Rc::clone(stopped), graph });
        runtime.set_loader(FromHost(Rc::clone(&modules)), FromHost(Rc::clone(&modules)));
        modules
    }

    /// Compiles a module that the host evaluates, and loads what it imports.
    pub(crate) fn declare_main<'js>(
        &self,
        ctx: &Ctx<'js>,
        name: &str,
        text: &str,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        self.graph.borrow_mut().depth += 1;
        let module = self.declare(ctx, name, text.to_owned(), true);
        self.leave();
        module
    }

    fn declare<'js>(
        &self,
        ctx: &Ctx<'js>,
        label: &str,
        text: String,
        main: bool,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        let declared = Module::declare(ctx.clone(), label, text);
        let mut graph = self.graph.borrow_mut();
        let module = match declared {
            Ok(module) => module,
            Err(error) => {
                graph.freed.push(label.to_owned());
                return Err(error);
            }
        };
        graph.loaded.push(label.to_owned());
        let meta: Object<'js> = module.meta()?;
        meta.set("url", graph.name(label))?;
        meta.set("main", main)?;
        Ok(module)
    }

    /// What an import means: the label of a module.
    fn resolve<'js>(
        &self,
        ctx: &Ctx<'js>,
        base: &str,
        specifier: &str,
        attributes: Option<&ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        let import = Import { base: self.graph.borrow().name(base).to_owned(), specifier: specifier.to_owned() };
        wanted(attributes).map_err(|what| import.refused(ctx, Exception::throw_type, &what))?;
        let name = self.ask(ctx, &import, |host| {
            for (what, text) in [("it", specifier), ("the importer's name", &import.base)] {
                if text.len() > MAX_NAME {
                    return Err(format!("{what} has {} bytes, more than {MAX_NAME}", text.len()));
                }
            }
            check_name(host.normalize(&import.base, specifier)?)
        })?;
        let mut graph = self.graph.borrow_mut();
        let label = graph.label(name);
        if graph.depth > 0 {
            graph.edges.push((base.to_owned(), label.clone()));
        }
        graph.import = import;
        Ok(label)
    }

    /// Loads a module that is not there yet, and what it imports.
    fn load<'js>(
        &self,
        ctx: &Ctx<'js>,
        label: &str,
        attributes: Option<&ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        let (import, name) = {
            let mut graph = self.graph.borrow_mut();
            graph.depth += 1;
            (graph.import.clone(), graph.name(label).to_owned())
        };
        let module = self.load_named(ctx, label, &name, &import, attributes);
        self.leave();
        module
    }

    fn load_named<'js>(
        &self,
        ctx: &Ctx<'js>,
        label: &str,
        name: &str,
        import: &Import,
        attributes: Option<&ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        let ModuleText { text, kind } = self.ask(ctx, import, |host| {
            let module = host.load(name)?;
            match module.text.find('\0') {
                Some(at) => Err(format!("the text of {name:?} holds U+0000 at byte {at}")),
                None => Ok(module),
            }
        })?;
        match (wanted(attributes), kind) {
            (Ok(ModuleKind::JavaScript), ModuleKind::JavaScript) => self.declare(ctx, label, text, false),
            (Ok(ModuleKind::Json), ModuleKind::Json) => {
                let value = ctx.json_parse(text).map_err(|error| named(ctx, error, name))?;
                let module = Json::declare(ctx, label, value)?;
                self.graph.borrow_mut().loaded.push(label.to_owned());
                Ok(module)
            }
            (_, ModuleKind::Json) => {
                let what = format!("{name:?} is JSON, which takes `with {{ type: \"json\" }}`");
                Err(import.refused(ctx, Exception::throw_type, &what))
            }
            (_, ModuleKind::JavaScript) => {
                let what = format!("{name:?} is JavaScript, and no JSON");
                Err(import.refused(ctx, Exception::throw_type, &what))
            }
        }
    }

    /// Asks the host. An answer that came too late stops the script, and so does one that did not come for this reason.
    fn ask<T>(
        &self,
        ctx: &Ctx<'_>,
        import: &Import,
        question: impl FnOnce(&H) -> Result<T, String>,
    ) -> rquickjs::Result<T> {
        let answer = if self.stopped.get() { Err("the call was stopped".to_owned()) } else { question(&self.host) };
        answer.map_err(|reason| {
            self.stopped.set(self.stopped.get() || self.host.interrupted());
            import.refused(ctx, Exception::throw_reference, &reason)
        })
    }

    fn leave(&self) {
        let mut graph = self.graph.borrow_mut();
        graph.depth -= 1;
        if graph.depth == 0 {
            graph.settle();
        }
    }
}

/// What QuickJS asks; both of its objects are this one.
struct FromHost<H>(Rc<Modules<H>>);

impl<H: Host> Resolver for FromHost<H> {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        specifier: &str,
        attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        self.0.resolve(ctx, base, specifier, attributes.as_ref())
    }
}

impl<H: Host> Loader for FromHost<H> {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        label: &str,
        attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        // Re-entered while it loads what the module imports, so nothing of `self` may be borrowed.
        let modules = Rc::clone(&self.0);
        modules.load(ctx, label, attributes.as_ref())
    }
}

/// What somebody imports, for messages.
#[derive(Clone, Default)]
struct Import {
    base: String,
    specifier: String,
}

impl Import {
    fn refused<'js>(
        &self,
        ctx: &Ctx<'js>,
        throw: impl FnOnce(&Ctx<'js>, &str) -> rquickjs::Error,
        reason: &str,
    ) -> rquickjs::Error {
        let shown = |name: &str| text::clip(name.to_owned(), SHOWN_NAME);
        let (specifier, base) = (shown(&self.specifier), shown(&self.base));
        let reason = text::clip(reason.to_owned(), SHOWN_REASON);
        let message = format!("cannot import {specifier:?} from {base:?}: {reason}");
        let error = throw(ctx, &message);
        // QuickJS cuts the messages of its own errors at 255 bytes.
        let thrown = ctx.catch();
        if let Some(object) = thrown.as_object()
            && object.prop("message", Property::from(message).writable().configurable()).is_err()
        {
            return error;
        }
        ctx.throw(thrown)
    }
}

/// The kind of module that an import asks for.
fn wanted(attributes: Option<&ImportAttributes<'_>>) -> Result<ModuleKind, String> {
    let mut kind = ModuleKind::JavaScript;
    for key in attributes.into_iter().flat_map(ImportAttributes::keys) {
        let key = key.map_err(|_| "an import attribute is no text".to_owned())?;
        let value = attributes.and_then(|attributes| attributes.get(&key).ok().flatten()).unwrap_or_default();
        match (key.as_str(), value.as_str()) {
            ("type", "json") => kind = ModuleKind::Json,
            ("type", other) => return Err(format!("there are no modules of type {:?}", clipped(other))),
            (other, _) => return Err(format!("there is no import attribute {:?}", clipped(other))),
        }
    }
    Ok(kind)
}

fn clipped(text: &str) -> String {
    text::clip(text.to_owned(), SHOWN_NAME)
}

fn check_name(name: String) -> Result<String, String> {
    match name.find('\0') {
        _ if name.len() > MAX_NAME => Err(format!("its name has {} bytes, more than {MAX_NAME}", name.len())),
        Some(at) => Err(format!("its name holds U+0000 at byte {at}")),
        None => Ok(name),
    }
}

/// The error of a JSON text, at its place in the module of this name.
fn named(ctx: &Ctx<'_>, error: rquickjs::Error, name: &str) -> rquickjs::Error {
    if !error.is_exception() {
        return error;
    }
    let thrown = ctx.catch();
    if let Some(object) = thrown.as_object()
        && let Ok(stack) = object.get::<_, String>("stack")
    {
        let stack = stack.replacen("<input>", name, 1);
        if object.prop("stack", Property::from(stack).writable().configurable()).is_err() {
            ctx.catch();
        }
    }
    ctx.throw(thrown)
}

/// The values of JSON modules that no import has evaluated yet, by the modules' labels.
type Unevaluated<'js> = RefCell<BTreeMap<String, Value<'js>>>;

/// A JSON module.
struct Json;

impl Json {
    fn declare<'js>(ctx: &Ctx<'js>, label: &str, value: Value<'js>) -> rquickjs::Result<Module<'js, Declared>> {
        if ctx.userdata::<Unevaluated<'js>>().is_none() {
            ctx.store_userdata(Unevaluated::<'js>::default()).map_err(|_| rquickjs::Error::Unknown)?;
        }
        let module = Module::declare_def::<Json, _>(ctx.clone(), label)?;
        if let Some(values) = ctx.userdata::<Unevaluated<'js>>() {
            values.borrow_mut().insert(label.to_owned(), value);
        }
        Ok(module)
    }
}

impl ModuleDef for Json {
    fn declare(declarations: &Declarations<'_>) -> rquickjs::Result<()> {
        declarations.declare("default")?;
        Ok(())
    }

    fn evaluate<'js>(ctx: &Ctx<'js>, exports: &Exports<'js>) -> rquickjs::Result<()> {
        let label: String = exports.module().name()?;
        let value = ctx.userdata::<Unevaluated<'js>>().and_then(|values| values.borrow_mut().remove(&label));
        exports.export("default", value.ok_or(rquickjs::Error::Unknown)?)?;
        Ok(())
    }
}

/// What is known of the modules that QuickJS holds.
///
/// When loading a module fails, QuickJS frees it and all that were waiting for it. Others that were loaded meanwhile
/// stay, and may have imported one that is now free: they must not be found again. QuickJS finds modules by their
/// names, so the next one of that name is labelled otherwise: `name#2`.
#[derive(Default)]
struct Graph {
    /// How many modules of a name are not to be found again.
    lost: BTreeMap<String, u32>,
    /// The names of modules that are labelled otherwise.
    names: BTreeMap<String, String>,
    /// The import that was resolved last: it is the one that is loaded next.
    import: Import,
    /// Modules that are being loaded, each for the one before it. The rest is about these and what they import.
    depth: usize,
    edges: Vec<(String, String)>,
    loaded: Vec<String>,
    freed: Vec<String>,
}

impl Graph {
    fn name<'a>(&'a self, label: &'a str) -> &'a str {
        self.names.get(label).map_or(label, String::as_str)
    }

    fn label(&mut self, name: String) -> String {
        let Some(lost) = self.lost.get(&name) else {
            return name;
        };
        let label = format!("{name}#{}", lost + 1);
        self.names.insert(label.clone(), name);
        label
    }

    /// Everything is loaded, or loading failed.
    fn settle(&mut self) {
        let (edges, loaded) = (std::mem::take(&mut self.edges), std::mem::take(&mut self.loaded));
        let mut dangling: Vec<String> = std::mem::take(&mut self.freed);
        if dangling.is_empty() {
            return;
        }
        let mut importers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (importer, imported) in &edges {
            importers.entry(imported).or_default().push(importer);
        }
        let mut seen: BTreeSet<String> = dangling.iter().cloned().collect();
        while let Some(label) = dangling.pop() {
            for importer in importers.get(label.as_str()).into_iter().flatten() {
                if seen.insert((*importer).to_owned()) {
                    dangling.push((*importer).to_owned());
                }
            }
        }
        for label in loaded.iter().filter(|label| seen.contains(*label)) {
            let name = self.name(label).to_owned();
            *self.lost.entry(name).or_default() += 1;
        }
    }
}

//! Modules: the host resolves and loads them, once each; here is what QuickJS needs to be told of it.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use rquickjs::{
    Ctx, Exception, Module, Object, Promise, Runtime, Value,
    loader::{ImportAttributes, Loader, Resolver},
    module::{Declarations, Declared, Exports, ModuleDef},
    object::Property,
};

use crate::{
    failure::{self, Failure},
    host::Host,
    intrinsics::Interrupted,
    sites::Site,
    stopping::Stopping,
    text,
};

/// Bytes that a specifier or a name may have.
const MAX_NAME: usize = 4096;

/// Bytes that a label may have, which is a name and a number.
const MAX_LABEL: usize = MAX_NAME + 16;

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

/// Why the host does not load a module: the WIT variant `refusal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is none, in words for the script.
    None(String),
    /// Its text, of which the host would have made another, is malformed.
    Malformed(Malformed),
}

/// What is wrong with a text, and where: the WIT record `malformed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// `SyntaxError` or `RangeError`.
    pub name: String,
    /// What is wrong.
    pub message: String,
    /// Where in the text, as the stack of an error says it.
    pub stack: String,
}

impl From<String> for Refusal {
    fn from(reason: String) -> Refusal {
        Refusal::None(reason)
    }
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
    /// Whether the running call is to stop.
    stopping: Rc<Stopping>,
    interrupted: Interrupted,
    graph: RefCell<Graph>,
}

impl<H: Host> Modules<H> {
    /// Makes the host the one who is asked for modules.
    pub(crate) fn install(
        runtime: &Runtime,
        host: &Rc<H>,
        stopping: &Rc<Stopping>,
        interrupted: &Interrupted,
    ) -> Rc<Modules<H>> {
        let graph = RefCell::default();
        let modules = Rc::new(Modules {
            host: Rc::clone(host),
            stopping: Rc::clone(stopping),
            interrupted: Rc::clone(interrupted),
            graph,
        });
        runtime.set_loader(FromHost(Rc::clone(&modules)), FromHost(Rc::clone(&modules)));
        modules
    }

    /// Evaluates a module for the host, with all that it imports. It takes the place of an earlier one of its name.
    pub(crate) fn evaluate<'js>(&self, ctx: &Ctx<'js>, name: &str, text: &str) -> rquickjs::Result<Promise<'js>> {
        let label = {
            let mut graph = self.graph.borrow_mut();
            graph.enter();
            graph.next_label(name)
        };
        let module = self.declare(ctx, &label, name, text.to_owned(), true);
        self.leave();
        let evaluated = module?.eval();
        if evaluated.is_err() && !self.stopping.is_stopped() {
            self.graph.borrow_mut().give_up();
        }
        evaluated.map(|(_, done)| done)
    }

    fn declare<'js>(
        &self,
        ctx: &Ctx<'js>,
        label: &str,
        name: &str,
        text: String,
        main: bool,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        self.graph.borrow_mut().begin(label, name, &text);
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
        meta.set("url", name)?;
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
        let import = {
            let graph = self.graph.borrow();
            // Only what is being compiled imports meanwhile.
            let importer = (graph.depth > 0).then(|| base.to_owned());
            Import { importer, base: graph.name(base).to_owned(), specifier: specifier.to_owned() }
        };
        wanted(attributes).map_err(|what| self.refused(ctx, &import, Exception::throw_type, &what))?;
        let name = self.ask(ctx, &import, |host| {
            for (what, text) in [("it", specifier), ("the importer's name", &import.base)] {
                if text.len() > MAX_NAME {
                    return Err(format!("{what} has {} bytes, more than {MAX_NAME}", text.len()).into());
                }
            }
            Ok(check_name(host.normalize(&import.base, specifier)?)?)
        })?;
        let mut graph = self.graph.borrow_mut();
        let label = graph.label(&name);
        if let Some(importer) = &import.importer {
            let (importer, imported) = (importer.clone(), label.clone());
            graph.edges.push(Edge { importer, imported, specifier: specifier.to_owned() });
        }
        (graph.import, graph.resolved) = (import, name);
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
            graph.enter();
            (graph.import.clone(), std::mem::take(&mut graph.resolved))
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
                Some(at) => Err(format!("the text of {name:?} holds U+0000 at byte {at}").into()),
                None => Ok(module),
            }
        })?;
        match (wanted(attributes), kind) {
            (Ok(ModuleKind::JavaScript), ModuleKind::JavaScript) => self.declare(ctx, label, name, text, false),
            (Ok(ModuleKind::Json), ModuleKind::Json) => {
                let value = ctx.json_parse(text).map_err(|error| named(ctx, error, name))?;
                let module = Json::declare(ctx, label, value)?;
                let mut graph = self.graph.borrow_mut();
                graph.begin(label, name, "");
                graph.loaded.push(label.to_owned());
                Ok(module)
            }
            (_, ModuleKind::Json) => {
                let what = format!("{name:?} is JSON, which takes `with {{ type: \"json\" }}`");
                Err(self.refused(ctx, import, Exception::throw_type, &what))
            }
            (_, ModuleKind::JavaScript) => {
                let what = format!("{name:?} is JavaScript, and no JSON");
                Err(self.refused(ctx, import, Exception::throw_type, &what))
            }
        }
    }

    /// Asks the host. An answer that came too late stops the script, and so does one that did not come for this reason.
    fn ask<T>(
        &self,
        ctx: &Ctx<'_>,
        import: &Import,
        question: impl FnOnce(&H) -> Result<T, Refusal>,
    ) -> rquickjs::Result<T> {
        let answer = if self.stopping.is_stopped() {
            Err("the call was stopped".to_owned().into())
        } else {
            question(&self.host)
        };
        answer.map_err(|refusal| {
            (self.interrupted)();
            match refusal {
                Refusal::None(reason) => self.refused(ctx, import, Exception::throw_reference, &reason),
                Refusal::Malformed(malformed) => Self::malformed(ctx, malformed),
            }
        })
    }

    /// Throws the error of an import.
    fn refused<'js>(
        &self,
        ctx: &Ctx<'js>,
        import: &Import,
        throw: impl FnOnce(&Ctx<'js>, &str) -> rquickjs::Error,
        reason: &str,
    ) -> rquickjs::Error {
        let (specifier, base) = (clipped(&import.specifier), clipped(&import.base));
        let reason = text::clip(reason.to_owned(), SHOWN_REASON);
        let message = format!("cannot import {specifier:?} from {base:?}: {reason}");
        thrown(ctx, throw, message, |stack| self.graph.borrow().place_of(import).filter(|_| stack.is_empty()))
    }

    /// Throws the error of a text that the host could not read: as QuickJS does of one that it cannot compile.
    fn malformed(ctx: &Ctx<'_>, malformed: Malformed) -> rquickjs::Error {
        let Malformed { name, message, stack } = malformed;
        let throw = if name == "RangeError" { Exception::throw_range } else { Exception::throw_syntax };
        thrown(ctx, throw, text::clip(message, SHOWN_REASON), |_| Some(stack))
    }

    /// A failure with the names of modules for their labels, and with the place of an import that could not be linked.
    pub(crate) fn told(&self, mut failure: Failure) -> Failure {
        if let Failure::Thrown(exception) = &mut failure {
            let graph = self.graph.borrow();
            exception.each(&mut |exception| {
                if exception.stack.is_empty() && exception.name == "SyntaxError" {
                    graph.tell_link(exception);
                }
                graph.tell_names(&mut exception.stack);
            });
        }
        failure
    }

    fn leave(&self) {
        let mut graph = self.graph.borrow_mut();
        graph.depth -= 1;
        if graph.depth == 0 {
            graph.settle();
        }
    }
}

/// Throws an error with this message, at the place that is made of its stack, if any.
fn thrown<'js>(
    ctx: &Ctx<'js>,
    throw: impl FnOnce(&Ctx<'js>, &str) -> rquickjs::Error,
    message: String,
    place: impl FnOnce(&str) -> Option<String>,
) -> rquickjs::Error {
    // Here a script may run: `Error.prepareStackTrace`.
    let error = throw(ctx, &message);
    // QuickJS cuts the messages of its own errors at 255 bytes.
    let thrown = ctx.catch();
    let Some(object) = thrown.as_object() else {
        return ctx.throw(thrown);
    };
    let hidden = |text: String| Property::from(text).writable().configurable();
    if object.prop("message", hidden(message)).is_err() {
        return error;
    }
    let stack = object.get::<_, String>("stack").ok();
    if let Some(place) = stack.and_then(|stack| place(&stack))
        && object.prop("stack", hidden(format!("{place}\n"))).is_err()
    {
        return error;
    }
    ctx.throw(thrown)
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
    /// The label of the importer, where that is being compiled.
    importer: Option<String>,
    base: String,
    specifier: String,
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
/// stay, and may have imported one that is now free: they must not be found again. Nor must those be that could not be
/// linked, or whose name is that of a module that the host evaluates later. QuickJS finds modules by their names, so the next one of that name is labelled
/// otherwise: `name#2`.
#[derive(Default)]
struct Graph {
    /// How many labels of a name are used up.
    used: BTreeMap<String, u32>,
    /// What the modules are called that QuickJS holds, or is to hold, by their labels.
    names: BTreeMap<String, String>,
    /// The import that was resolved last, and to which name: it is the one that is loaded next.
    import: Import,
    resolved: String,
    /// Modules that are being loaded, each for the one before it. The rest is about these and what they import.
    /// They are kept until the next load: linking comes after loading, and an error is told after that.
    depth: usize,
    loaded: Vec<String>,
    freed: Vec<String>,
    edges: Vec<Edge>,
    /// Where each of them imports.
    sites: BTreeMap<String, Vec<Site>>,
}

/// Who imports whom, by labels, and how that is written.
struct Edge {
    importer: String,
    imported: String,
    specifier: String,
}

impl Graph {
    fn name<'a>(&'a self, label: &'a str) -> &'a str {
        self.names.get(label).map_or(label, String::as_str)
    }

    /// What the module of this name is labelled, be it there or not.
    fn label(&mut self, name: &str) -> String {
        loop {
            let label = match self.used.get(name) {
                None => name.to_owned(),
                Some(used) => format!("{name}#{}", used + 1),
            };
            // It may be what another module is called.
            if self.names.get(&label).is_none_or(|known| known == name) {
                return label;
            }
            self.use_up(name);
        }
    }

    /// The label of a module that is none of those that are there.
    fn next_label(&mut self, name: &str) -> String {
        let label = self.label(name);
        if !self.names.contains_key(&label) {
            return label;
        }
        self.use_up(name);
        self.label(name)
    }

    fn use_up(&mut self, name: &str) {
        *self.used.entry(name.to_owned()).or_default() += 1;
    }

    fn enter(&mut self) {
        if self.depth == 0 {
            self.edges.clear();
            self.sites.clear();
            self.loaded.clear();
            for label in std::mem::take(&mut self.freed) {
                self.names.remove(&label);
            }
        }
        self.depth += 1;
    }

    /// A module is compiled.
    fn begin(&mut self, label: &str, name: &str, text: &str) {
        self.names.insert(label.to_owned(), name.to_owned());
        self.sites.insert(label.to_owned(), Site::of(text));
    }

    /// Everything is loaded, or loading failed.
    fn settle(&mut self) {
        let mut dangling = self.freed.clone();
        if dangling.is_empty() {
            return;
        }
        let mut importers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Edge { importer, imported, .. } in &self.edges {
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
        self.loaded.retain(|label| seen.contains(label));
        self.give_up();
    }

    /// What was loaded is not to be found again: it could not be linked, and so was not evaluated either.
    fn give_up(&mut self) {
        for label in std::mem::take(&mut self.loaded) {
            let name = self.name(&label).to_owned();
            self.use_up(&name);
        }
    }

    /// The line of a stack for an import.
    fn place_of(&self, import: &Import) -> Option<String> {
        self.place(import.importer.as_ref()?, &import.specifier, |_| true)
    }

    fn place(&self, importer: &str, specifier: &str, is_meant: impl Fn(&Site) -> bool) -> Option<String> {
        let mut sites = self.sites.get(importer)?.iter();
        let site = sites.find(|site| site.specifier == specifier && is_meant(site))?;
        Some(format!("    at {}:{}:{}", self.name(importer), site.line, site.column))
    }

    /// Where QuickJS says of an export that it cannot be linked, says where that is imported.
    fn tell_link(&self, exception: &mut failure::Exception) {
        let Some((what, label)) = exception.message.split_once("' in module '") else {
            return;
        };
        let Some((_, export)) = what.rsplit_once("export '") else {
            return;
        };
        let label = label.split('\'').next().unwrap_or_default();
        let mut importers = self.edges.iter().filter(|edge| edge.imported == label);
        let place = importers.find_map(|edge| self.place(&edge.importer, &edge.specifier, |site| site.names(export)));
        let named = exception.message.replace(&format!("'{label}'"), &format!("'{}'", self.name(label)));
        exception.stack = place.unwrap_or_default();
        exception.message = named;
    }

    /// Puts names in the place of labels into a stack.
    fn tell_names(&self, stack: &mut String) {
        if self.used.is_empty() {
            return;
        }
        let lines: Vec<Cow<'_, str>> = stack.split('\n').map(|line| self.with_name(line)).collect();
        *stack = lines.join("\n");
    }

    /// A line of a stack, `    at function (label:line:column)` or `    at label:line:column`, with the name for the label.
    fn with_name<'l>(&self, line: &'l str) -> Cow<'l, str> {
        let Some((at, _)) = line.rmatch_indices(':').nth(1) else {
            return Cow::Borrowed(line);
        };
        let (before, place) = line.split_at(at);
        let starts = before.rmatch_indices(" (").map(|(at, _)| at + 2).take_while(|start| at - start <= MAX_LABEL);
        for start in starts.chain([before.find("at ").map_or(0, |at| at + 3)]) {
            if let Some(name) = self.names.get(&before[start..]) {
                return Cow::Owned(format!("{}{name}{place}", &before[..start]));
            }
        }
        Cow::Borrowed(line)
    }
}

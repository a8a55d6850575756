//! Calls by name, with values as text.

use std::{
    fmt::{self, Write},
    sync::Arc,
};

use wasm_wave::{
    lex::{Lexer, Token},
    untyped::UntypedValue,
    writer::Writer,
};
use wasmtime::{
    Store,
    component::{Func, InstancePre, Linker, Val, types::Type},
};

use super::{
    engine::Engine,
    function::{self, Function},
    instance::{Data, Instance, Program},
    limits::Limits,
};
#[cfg(feature = "wasi")]
use super::{grants::Grants, wasi::link_wasi};
use crate::{
    error::{Error, ErrorKind},
    thread::Running,
};

/// Levels of nesting that arguments may have: their parser uses stack for each.
const NESTING: usize = 128;

/// Any component, called by the names of its functions with values as text: for tools, and where the world is not
/// known when the program is built.
///
/// Values are in [WAVE](https://docs.rs/wasm-wave), the notation of the component model's tools: `42`, `-1.5`, `nan`,
/// `'c'`, `"text"`, `[1, 2]`, `(1, "a")` for a tuple, `{name: "a", age: 3}`, `some-case("payload")`, `some(1)`, `none`,
/// `ok(1)`, `err("why")`, `{flag-a, flag-b}`.
///
/// With the feature `wasi` it may import WASI 0.2, and is given what [`granted`](Dynamic::granted) says: nothing by
/// default. Other imports have bindings to be written for: that is what [`Program`] is for.
///
/// # Example
///
/// ```
/// use aiointernal::{Limits, component::{Config, Dynamic, Engine}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let wasm = wat::parse_str(r#"(component
/// #     (core module $m (func (export "add") (param i32 i32) (result i32)
/// #         local.get 0 local.get 1 i32.add))
/// #     (core instance $i (instantiate $m))
/// #     (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))"#)?;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let engine = Engine::new(Config::default())?;
/// let program = Dynamic::new(&engine, &wasm)?;
/// assert_eq!(program.functions()[0].to_string(), "add: func(a: u32, b: u32) -> u32");
///
/// let calculator = engine.open(program, Limits::default()).await?;
/// let reply = calculator.try_call(|calculator, running| calculator.invoke(running, "add(1, 2)")).await?;
/// assert_eq!(reply.text(), Some("3"));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct Dynamic {
    pre: InstancePre<Data<()>>,
    functions: Arc<[Function]>,
    #[cfg(feature = "wasi")]
    grants: Grants,
}

impl Dynamic {
    /// Compiles and links a component.
    ///
    /// # Errors
    ///
    /// [`BadComponent`](ErrorKind::BadComponent): as for [`Engine::compile`], or it imports what is not there. The text
    /// names each such import.
    pub fn new(engine: &Engine, wasm: &[u8]) -> Result<Dynamic, Error> {
        let component = engine.compile(wasm)?;
        check_imports(&engine.imports(&component))?;
        #[cfg_attr(not(feature = "wasi"), expect(unused_mut, reason = "there is nothing to link"))]
        let mut linker = Linker::new(engine.wasmtime());
        #[cfg(feature = "wasi")]
        link_wasi(&mut linker)
            .map_err(|error| Error::with_source(ErrorKind::Engine, format!("cannot link WASI: {error:#}"), error))?;
        Ok(Dynamic {
            pre: engine.link(&component, &linker)?,
            functions: Function::of(&component).into(),
            #[cfg(feature = "wasi")]
            grants: Grants::default(),
        })
    }

    /// The same component, given this of WASI.
    #[cfg(feature = "wasi")]
    #[must_use]
    pub fn granted(mut self, grants: Grants) -> Dynamic {
        self.grants = grants;
        self
    }

    /// The functions that it exports, those within interfaces too.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The function of this name: `add`, `example:math/basic@1.0.0#add`, or the latter without its version, or
    /// without its interface where that names one function only.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument): there is none, or more than one. The text lists what there is.
    pub fn function(&self, name: &str) -> Result<&Function, Error> {
        if let Some(exact) = self.functions.iter().find(|function| function.name() == name) {
            return Ok(exact);
        }
        let found: Vec<_> = self.functions.iter().filter(|function| function.goes_by(name)).collect();
        match *found {
            [one] => Ok(one),
            [] => {
                let message =
                    format!("the component exports no function {name:?}; {}", function::list(&self.functions));
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
            _ => {
                let names: Vec<_> = found.iter().take(10).map(|function| function.name()).collect();
                let message = format!("{name:?} is more than one function: {}", names.join(", "));
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
        }
    }
}

impl fmt::Debug for Dynamic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamic").field("functions", &self.functions).finish_non_exhaustive()
    }
}

impl Program for Dynamic {
    type Host = ();
    type Exports = wasmtime::component::Instance;

    fn host(&self) -> wasmtime::Result<()> {
        Ok(())
    }

    fn instantiate(&self, store: &mut Store<Data<()>>, _limits: &Limits) -> wasmtime::Result<Self::Exports> {
        self.pre.instantiate(store)
    }

    #[cfg(feature = "wasi")]
    fn grants(&self) -> Option<&Grants> {
        Some(&self.grants)
    }
}

/// What a function returned, from [`Instance::invoke`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    text: Option<String>,
    is_err: bool,
}

impl Reply {
    /// The result in WAVE; nothing where the function has none.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Whether the result is the `err` of a WIT `result`.
    pub fn is_err(&self) -> bool {
        self.is_err
    }
}

impl Instance<Dynamic> {
    /// Calls a function: its [name](Dynamic::function), and its arguments in WAVE within parentheses, such as
    /// `add(1, 2)`. Arguments at the end that are options may be left out.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): there is no function of that name; or the arguments are too
    ///   many, too few or of other types than its own. The text says what there is.
    /// - [`NotTransferable`](ErrorKind::NotTransferable): its arguments or its result have no text: they are or hold a
    ///   resource. It was not called.
    /// - [`SourceTooLarge`](ErrorKind::SourceTooLarge), [`ResultTooLarge`](ErrorKind::ResultTooLarge): the call, or the
    ///   text of the result, is longer than its limit.
    /// - Those of [`enter`](Instance::enter).
    pub fn invoke(&mut self, running: &Running, call: &str) -> Result<Reply, Error> {
        let limits = self.limits().for_call(running, None);
        if call.len() > limits.source {
            let message = format!("the call is longer than {} bytes", limits.source);
            return Err(Error::new(ErrorKind::SourceTooLarge, message));
        }
        let Some((name, arguments)) = call.find('(').map(|at| call.split_at(at)) else {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("expected name(arguments), not {call:?}")));
        };
        let function = self.program().function(name.trim())?.clone();
        let arguments = parse_arguments(&function, arguments.trim())?;
        check_result(&function)?;
        let weight = function.result.as_ref().map_or(1, function::weight);
        let mut results = vec![Val::Bool(false); function.result.iter().len()];
        self.enter(running, |store, instance| {
            // An element of a list takes more as a value than as text, whose own limit follows.
            let most = limits.result.saturating_mul(size_of::<Val>());
            store.set_hostcall_fuel(most.checked_div(weight).unwrap_or(most));
            exported(store, instance, &function)?.call(store, &arguments, &mut results)
        })?;
        let Some(result) = results.first() else {
            return Ok(Reply { text: None, is_err: false });
        };
        Ok(Reply { text: Some(show(result, limits.result)?), is_err: matches!(result, Val::Result(Err(_))) })
    }

    /// Runs the component's `wasi:cli/run`, and gives its exit status: 0 of a success, 1 where it returned an error. The
    /// instance is replaced by a fresh one after an exit by `wasi:cli/exit`.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): it exports no `wasi:cli/run`.
    /// - Those of [`enter`](Instance::enter).
    #[cfg(feature = "wasi")]
    pub fn run(&mut self, running: &Running) -> Result<i32, Error> {
        let function = self.program().function("wasi:cli/run#run")?.clone();
        let mut results = vec![Val::Bool(false); function.result.iter().len()];
        let mut exit = None;
        let ran = self.enter(running, |store, instance| {
            let called = exported(store, instance, &function)?.call(store, &[], &mut results);
            called.inspect_err(|error| exit = error.downcast_ref::<wasmtime_wasi::I32Exit>().map(|exit| exit.0))
        });
        match exit {
            Some(status) => Ok(status),
            None => ran.map(|()| i32::from(matches!(results.first(), Some(Val::Result(Err(_)))))),
        }
    }
}

fn exported(
    store: &mut Store<Data<()>>,
    instance: &wasmtime::component::Instance,
    function: &Function,
) -> wasmtime::Result<Func> {
    let found = instance.get_func(store, function.index);
    found.ok_or_else(|| wasmtime::format_err!("the instance lacks {}", function.name()))
}

/// Names imports that nothing gives, all at once.
fn check_imports(imports: &[String]) -> Result<(), Error> {
    const PACKAGES: [&str; 6] =
        ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];
    let is_wasi = |import: &&String| import.starts_with("wasi:");
    let is_there = |import: &&String| {
        cfg!(feature = "wasi") && import.contains("@0.2.") && PACKAGES.iter().any(|package| import.starts_with(package))
    };
    let missing: Vec<_> = imports.iter().filter(|import| !is_there(import)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let hint = match missing.iter().find(|import| is_wasi(import)) {
        Some(_) if !cfg!(feature = "wasi") => ". WASI is there with the feature `wasi` only",
        Some(other) if !other.contains("@0.2.") => ". Of WASI, there is version 0.2",
        _ => "",
    };
    let names = missing.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    Err(Error::new(ErrorKind::BadComponent, format!("the component imports what is not there: {names}{hint}")))
}

/// The arguments of a call, `(...)`.
fn parse_arguments(function: &Function, text: &str) -> Result<Vec<Val>, Error> {
    let refused = |what: String| Error::new(ErrorKind::InvalidArgument, format!("{what}; expected {function}"));
    if let Some((name, what)) = function.parameters.iter().find_map(|(name, ty)| Some((name, cannot_parse(ty)?))) {
        let message = format!("the argument {name} is or holds {what}, which has no text; {function}");
        return Err(Error::new(ErrorKind::NotTransferable, message));
    }
    if function.is_async {
        return Err(Error::new(
            ErrorKind::NotTransferable,
            format!("async functions cannot be called yet: {function}"),
        ));
    }
    check_nesting(text).map_err(refused)?;
    // WAVE has no empty tuple.
    let is_empty =
        text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).is_some_and(|rest| rest.trim().is_empty());
    let untyped = if is_empty { None } else { Some(parse(text).map_err(refused)?) };
    let nodes: Vec<_> = match &untyped {
        Some(untyped) => untyped.node().as_tuple().map_err(|error| refused(error.to_string()))?.collect(),
        None => Vec::new(),
    };
    let (given, taken) = (nodes.len(), function.parameters.len());
    let needed = function.parameters.iter().rev().skip_while(|(_, ty)| matches!(ty, Type::Option(_))).count();
    if given > taken || given < needed {
        return Err(refused(format!("{given} arguments were given, and {} takes {taken}", function.name())));
    }
    let mut values = Vec::with_capacity(taken);
    for (at, (name, ty)) in function.parameters.iter().enumerate() {
        let Some(node) = nodes.get(at) else {
            values.push(Val::Option(None));
            continue;
        };
        let value = node.to_wasm_value::<Val>(ty, text).map_err(|error| {
            let given: String = text.get(node.span()).unwrap_or_default().chars().take(80).collect();
            let ty = function::type_text(ty);
            refused(format!("the argument {name} is `{given}`, which is no {ty}: {error}"))
        })?;
        values.push(value);
    }
    Ok(values)
}

fn parse(text: &str) -> Result<UntypedValue<'_>, String> {
    UntypedValue::parse(text).map_err(|error| {
        let rest: String = text.get(error.span().start..).unwrap_or_default().chars().take(40).collect();
        format!("the arguments are not WAVE: {error}, at `{rest}`")
    })
}

/// What of a type cannot be given as text.
fn cannot_parse(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::FixedLengthList(_) => Some("a list of fixed length"),
        ty => function::has_no_text(ty),
    }
}

fn check_nesting(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for token in Lexer::new(text) {
        match token {
            Ok(Token::ParenOpen | Token::BracketOpen | Token::BraceOpen) => depth = depth.saturating_add(1),
            Ok(Token::ParenClose | Token::BracketClose | Token::BraceClose) => depth = depth.saturating_sub(1),
            // The parser ends here, and says what is wrong.
            Err(_) => break,
            Ok(_) => {}
        }
        if depth > NESTING {
            return Err(format!("the arguments are nested deeper than {NESTING} levels"));
        }
    }
    Ok(())
}

fn check_result(function: &Function) -> Result<(), Error> {
    let what = function.result.as_ref().and_then(function::has_no_text);
    what.map_or(Ok(()), |what| {
        let message = format!("the result is or holds {what}, which has no text; {function}");
        Err(Error::new(ErrorKind::NotTransferable, message))
    })
}

/// A result as text, unless it is too long.
fn show(value: &Val, limit: usize) -> Result<String, Error> {
    let mut text = Bounded { text: String::new(), limit, full: false };
    let written = Writer::new(&mut text).write_value(value);
    if text.full {
        return Err(Error::new(ErrorKind::ResultTooLarge, format!("the result is longer than {limit} bytes")));
    }
    written.map_err(|error| Error::new(ErrorKind::NotTransferable, format!("the result has no text: {error}")))?;
    Ok(text.text)
}

struct Bounded {
    text: String,
    limit: usize,
    full: bool,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.full |= self.text.len().saturating_add(text.len()) > self.limit;
        if self.full {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Config;

    /// Most bytes of memory that an invocation takes on its thread, whatever becomes of it.
    fn memory_of(ty: &str, calls: &[&str]) -> u64 {
        let text = format!(
            r#"(component
                (core module $m
                    (memory (export "memory") 1000)
                    (func (export "list") (param i32) (result i32)
                        (memory.fill (i32.const 64) (i32.const -1) (i32.const 60000000))
                        (i32.store (i32.const 0) (i32.const 64))
                        (i32.store (i32.const 4) (local.get 0))
                        (i32.const 0)))
                (core instance $i (instantiate $m))
                (type $element' {ty})
                (export $element "element" (type $element'))
                (func (export "list") (param "length" u32) (result (list $element))
                    (canon lift (core func $i "list") (memory (core memory $i "memory")))))"#
        );
        let mut config = Config::default();
        (config.cache, config.instances) = (None, 1);
        let engine = Engine::new(config).expect("there is room");
        let program = Dynamic::new(&engine, &wat::parse_str(text).expect("it is WAT")).expect("it runs");
        let open = engine.open(program, Limits::default()).blocking().expect("it starts");
        let taken = calls.iter().map(|call| {
            let call = (*call).to_owned();
            let taken = open.try_call(move |instance, running| {
                Ok::<_, Error>(allocation_counter::measure(|| drop(instance.invoke(running, &call))).bytes_max)
            });
            taken.blocking().expect("it answers")
        });
        taken.max().unwrap_or_default()
    }

    #[test]
    fn a_result_takes_no_more_memory_than_a_list_of_its_length() {
        let most = 4 * (Limits::default().result * size_of::<Val>()) as u64;
        let lists = ["list(10000)", "list(30000)", "list(100000)", "list(300000)", "list(500000)", "list(1000000)"];
        let names: Vec<_> = (b'a'..=b'z').map(|letter| format!("\"{}\"", letter as char)).collect();
        for ty in ["(tuple u8)", "(record (field \"a\" u8))", &format!("(flags {})", names.join(" ")), "(flags \"a\")"]
        {
            let taken = memory_of(ty, &lists);
            assert!(taken <= most, "{taken} bytes for {ty}, of at most {most}");
        }
    }
}

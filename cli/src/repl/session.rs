//! A conversation with a context, without the terminal.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    pin::{Pin, pin},
    time::Duration,
};

use aiointernal::{
    Context, Error, Ticket,
    js::{JsValue, Source},
};
use serde_json::{Map, Value};
use tokio::signal::ctrl_c;

use super::input;

/// Longest time that a completion may take: what it looks at may be a proxy, and its traps run.
const COMPLETION: Duration = Duration::from_millis(200);

/// Names that are remembered.
const MAX_NAMES: usize = 10_000;

/// A context, and what is known of what was said to it.
pub(super) struct Session {
    context: Context,
    globals: Map<String, Value>,
    is_typescript: bool,
    /// None while the context is one that nothing was said to.
    functions: RefCell<Option<Functions>>,
    /// Names in inputs that declare something. No object has those of `let`, `const` and `class`.
    names: RefCell<BTreeSet<String>>,
    /// Why a completion lost the context.
    loss: Cell<Option<Error>>,
}

/// Functions of ours in the context, made before an input could change what they rely on.
#[derive(Clone)]
struct Functions {
    inspect: JsValue,
    complete: JsValue,
}

impl Session {
    /// A conversation with a context that has no globals yet.
    pub(super) fn new(context: Context, globals: Map<String, Value>, is_typescript: bool) -> Session {
        let (functions, names, loss) = (RefCell::default(), RefCell::default(), Cell::default());
        Session { context, globals, is_typescript, functions, names, loss }
    }

    /// Makes what the session needs in its context, where that is a fresh one.
    pub(super) async fn prepare(&self) -> Result<(), Error> {
        self.functions().await.map(drop)
    }

    async fn functions(&self) -> Result<Functions, Error> {
        if let Some(functions) = &*self.functions.borrow() {
            return Ok(functions.clone());
        }
        let make = |name, text: &str| self.context.eval_as(Source::script(text).named(name));
        let inspect = make("<inspect>", include_str!("inspect.js")).await?;
        let complete = make("<complete>", include_str!("complete.js")).await?;
        self.context.set_globals(&self.globals).await?;
        let made = Functions { inspect, complete };
        self.functions.replace(Some(made.clone()));
        Ok(made)
    }

    /// Notices where a call lost the context.
    fn seen<R>(&self, result: Result<R, Error>) -> Result<R, Error> {
        if result.as_ref().is_err_and(|error| !error.is_context_kept()) {
            self.functions.replace(None);
        }
        result
    }

    /// Evaluates one input, and shows its value as Node does. Ctrl-C stops it, and only it.
    pub(super) async fn evaluate(&self, text: &str) -> Result<String, Error> {
        let mut interrupt = pin!(ctrl_c());
        loop {
            // Listen before anything runs, and forget what was pressed before.
            tokio::select! {
                biased;
                _ = &mut interrupt => interrupt.set(ctrl_c()),
                () = tokio::task::yield_now() => break,
            }
        }
        let inspect = self.functions().await?.inspect;
        self.remember(text);
        let mut evaluate = async |text: &str| {
            let source = Source::script(text).named(input::NAME);
            let source = if self.is_typescript { source.typescript() } else { source };
            let evaluation = self.context.eval_as::<JsValue>(source).queue();
            self.seen(until(&mut interrupt, ctrl_c, evaluation).await)
        };
        let value = match input::as_object(text) {
            Some(object) => match evaluate(&object).await {
                // It is a block. Nothing ran of what does not parse.
                Err(error) if input::unparsed(&error).is_some() => evaluate(text).await,
                result => result,
            },
            None => evaluate(text).await,
        }?;
        self.seen(until(&mut interrupt, ctrl_c, inspect.call((value,)).queue()).await)
    }

    /// A string as it is shown within a text.
    pub(super) async fn quoted(&self, string: &str) -> Result<String, Error> {
        let inspect = self.functions().await?.inspect;
        self.seen(inspect.call((string, false)).await)
    }

    fn remember(&self, text: &str) {
        let words = || text.split(|c| !input::is_part_of_name(c));
        if !words().any(|word| matches!(word, "let" | "const" | "class")) {
            return;
        }
        let mut names = self.names.borrow_mut();
        let room = MAX_NAMES.saturating_sub(names.len());
        names.extend(words().filter(|word| input::is_name(word)).take(room).map(str::to_owned));
    }

    /// The names that begin with `prefix`: of members of what the path leads to, or, without one, global ones.
    pub(super) fn names(&self, path: &[&str], prefix: &str) -> Vec<String> {
        let functions = self.functions.borrow().clone();
        let Some(Functions { complete, .. }) = functions else {
            return Vec::new();
        };
        let names = self.names.borrow();
        let declared: Vec<&String> = names.iter().filter(|name| path.is_empty() && name.starts_with(prefix)).collect();
        match self.seen(complete.call((path, prefix, declared)).timeout(COMPLETION).blocking()) {
            Ok(names) => names,
            Err(error) => {
                if !error.is_context_kept() {
                    self.loss.set(Some(error));
                }
                Vec::new()
            }
        }
    }

    /// Why a completion lost the context, where one did since this was asked last.
    pub(super) fn loss(&self) -> Option<Error> {
        self.loss.take()
    }
}

/// The end of a call, which comes soon when Ctrl-C is pressed.
async fn until<R: Send + 'static, F: Future>(
    interrupt: &mut Pin<&mut F>,
    listen: impl Fn() -> F,
    mut call: Ticket<R>,
) -> Result<R, Error> {
    tokio::select! {
        result = &mut call => return result,
        _ = &mut *interrupt => interrupt.set(listen()),
    }
    call.abort();
    call.await
}

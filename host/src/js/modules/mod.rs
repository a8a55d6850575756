//! Where the modules of a context come from: a resolver, which is asked on the context's thread.

mod path;
mod map;
mod folder;
mod imports;

use std::{fmt, future::Future, path::Path, pin::Pin, sync::Arc};

pub(super) use self::imports::Imports;
pub use self::{folder::Folder, map::ModuleMap};
use super::source::is_typescript;

/// What answers the imports of a context: [`ModuleMap`], [`Folder`], a closure, or a type of your own.
///
/// A context that was not [granted](crate::js::ContextBuilder::modules) any has no modules, and every import throws. A module
/// is known by its name: of one name there is one module in a context, loaded once, and the name is what the stack of an
/// [`Exception`](crate::js::Exception) and `import.meta.url` show. A [source](crate::js::Source::module) that is evaluated takes
/// the place of the module of its name.
///
/// A closure from a name to its module is a resolver, whose names are as [`normalize`](Resolver::normalize) makes them:
///
/// ```
/// use aiointernal::{Sandbox, js::Module};
///
/// # fn main() -> Result<(), aiointernal::Error> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let modules = |name: String| async move {
///     // From a database, say.
///     if name == "greeting" { Ok(Module::javascript("export default 'hello'")) } else { Err("not for you".to_owned()) }
/// };
/// let context = Sandbox::new()?.context().modules(modules).await?;
/// let greeting = context.eval_as::<String>("import('greeting').then((module) => module.default)").await?;
/// assert_eq!(greeting, "hello");
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Waiting
///
/// The futures are polled on the context's thread, which does nothing else meanwhile, within the time of the call that
/// imports: past its deadline, or when its caller gives it up, the future is dropped and the call ends with
/// [`Timeout`](crate::ErrorKind::Timeout) or [`Cancelled`](crate::ErrorKind::Cancelled). That thread is in no runtime:
/// what needs tokio is spawned on a `Handle` of one, and its `JoinHandle` awaited. A call of the same context would wait
/// in its queue for the import, which waits for the call. Nothing can stop a future that blocks
/// within a poll, or a panic from being printed; one that panics is an import that throws.
///
/// # Limits
///
/// A text may have as many bytes as [`Limits::source`](crate::Limits) says, a name or specifier 4096. One call may load
/// 4096 modules and resolve 65,536 specifiers, with all that it awaits.
pub trait Resolver: Send + Sync + 'static {
    /// The name of the module that `specifier` means to the module or script of the name `base`.
    ///
    /// By default a specifier that begins with `./` or `../` is a path from where `base` lies, and every other one is a
    /// name as it is. Absolute paths, backslashes, and names with a segment `.` or `..` are refused. Paths are no URLs:
    /// `%2e`, `?` and `#` mean themselves.
    ///
    /// A script chooses every specifier, and the name that is made of one is no safe path: `C:a` and `nul` are names. Who opens
    /// files by names has [`Folder`]. Of a specifier that holds U+0000, what stands before that is all that comes here: the
    /// script wrote `./a.js\0.png`, and means `./a.js`.
    ///
    /// # Errors
    ///
    /// Why there is no such module. The script sees this text.
    fn normalize(&self, base: &str, specifier: &str) -> impl Future<Output = Result<String, String>> {
        async move { path::normalize(base, specifier) }
    }

    /// The module of a name that [`normalize`](Resolver::normalize) gave, for the import that it gave it for.
    ///
    /// # Errors
    ///
    /// Why there is no such module. The script sees this text.
    fn load(&self, name: &str) -> impl Future<Output = Result<Module, String>>;

    /// As [`load`](Resolver::load), where a text that is longer than `bytes` will be refused: for those who can know
    /// before they have it all. By default it is `load`.
    ///
    /// # Errors
    ///
    /// As `load`.
    fn load_within(&self, name: &str, bytes: usize) -> impl Future<Output = Result<Module, String>> {
        let _ = bytes;
        self.load(name)
    }
}

impl<L, F> Resolver for L
where
    L: Fn(String) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Module, String>>,
{
    fn load(&self, name: &str) -> impl Future<Output = Result<Module, String>> {
        self(name.to_owned())
    }
}

/// The text of a module, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    JavaScript,
    Json,
    #[cfg(feature = "typescript")]
    TypeScript,
}

impl Module {
    /// An ES module.
    pub fn javascript(text: impl Into<String>) -> Module {
        Module { text: text.into(), kind: Kind::JavaScript }
    }

    /// An ES module in TypeScript, whose types are taken away as those of a [source](crate::js::Source::typescript) are. One that
    /// does not parse is the `SyntaxError` of the import, at its place in this text.
    #[cfg(feature = "typescript")]
    pub fn typescript(text: impl Into<String>) -> Module {
        Module { text: text.into(), kind: Kind::TypeScript }
    }

    /// JSON, whose value is the default export. An import has to say `with { type: "json" }`.
    pub fn json(text: impl Into<String>) -> Module {
        Module { text: text.into(), kind: Kind::Json }
    }

    /// JSON where the name ends in `.json`, TypeScript where it ends as such does, else JavaScript.
    fn of_name(name: &str, text: String) -> Result<Module, String> {
        match extension(name) {
            "json" => Ok(Module::json(text)),
            #[cfg(feature = "typescript")]
            extension if is_typescript(extension)? => Ok(Module::typescript(text)),
            extension => is_typescript(extension).map(|_| Module::javascript(text)).map_err(str::to_owned),
        }
    }
}

/// What a name ends with, behind its last dot.
fn extension(name: &str) -> &str {
    Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// A resolver that contexts were granted.
#[derive(Clone)]
pub(super) struct Grant(Arc<dyn Answers>);

impl Grant {
    pub(super) fn of(resolver: impl Resolver) -> Grant {
        Grant(Arc::new(resolver))
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").finish_non_exhaustive()
    }
}

type Answer<'a, R> = Pin<Box<dyn Future<Output = Result<R, String>> + 'a>>;

/// [`Resolver`], for any of them.
trait Answers: Send + Sync {
    fn normalize<'a>(&'a self, base: &'a str, specifier: &'a str) -> Answer<'a, String>;

    fn load<'a>(&'a self, name: &'a str, bytes: usize) -> Answer<'a, Module>;
}

impl<R: Resolver> Answers for R {
    fn normalize<'a>(&'a self, base: &'a str, specifier: &'a str) -> Answer<'a, String> {
        Box::pin(Resolver::normalize(self, base, specifier))
    }

    fn load<'a>(&'a self, name: &'a str, bytes: usize) -> Answer<'a, Module> {
        Box::pin(self.load_within(name, bytes))
    }
}

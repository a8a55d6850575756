//! Modules that are all there.

use std::collections::HashMap;

use super::{Module, Resolver};

/// Modules by their names.
///
/// `./` and `../` in a specifier are paths between names; every other specifier is a name itself. A name that ends in
/// `.json` is JSON, one that ends in `.ts`, `.mts` or `.cts` is TypeScript (with the feature `typescript`; without it, and in
/// `.tsx`, it is refused), and every other one an ES module.
///
/// ```
/// use aiointernal::{Sandbox, js::{ModuleMap, Source}};
///
/// # fn main() -> Result<(), aiointernal::Error> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let modules = ModuleMap::new([
///     ("pricing", "import { vat } from './lib/tax.js'; export const price = (net) => net * (1 + vat)"),
///     ("lib/tax.js", "export const vat = 0.25"),
/// ]);
/// let context = Sandbox::new()?.context().modules(modules).await?;
/// context.eval(Source::module("import { price } from 'pricing'; globalThis.price = price")).await?;
/// assert_eq!(context.call_as::<f64>("price", [8]).await?, 10.0);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ModuleMap {
    modules: HashMap<String, String>,
}

impl ModuleMap {
    /// Modules of these names and texts. Of two with one name the last one counts; `./a.js` is the name `a.js`.
    pub fn new<N: Into<String>, T: Into<String>>(modules: impl IntoIterator<Item = (N, T)>) -> ModuleMap {
        let modules = modules.into_iter().map(|(name, text)| {
            let mut name = name.into();
            if let Some(path) = name.strip_prefix("./") {
                name = path.to_owned();
            }
            (name, text.into())
        });
        ModuleMap { modules: modules.collect() }
    }
}

impl<N: Into<String>, T: Into<String>> FromIterator<(N, T)> for ModuleMap {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(modules: I) -> ModuleMap {
        ModuleMap::new(modules)
    }
}

impl Resolver for ModuleMap {
    async fn load(&self, name: &str) -> Result<Module, String> {
        let text = self.modules.get(name).ok_or_else(|| format!("there is no module {name:?}"))?;
        Module::of_name(name, text.clone())
    }
}

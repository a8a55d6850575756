//! The WIT interface `modules`, answered by the resolver that a context was granted.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use super::{Answer, Grant, Kind, Module};
use crate::{
    component::Data,
    js::{bindings::modules, evaluation::Evaluation, script::Ambient},
};

/// Modules that one evaluation may load, those that fail among them. The largest libraries have fewer files.
const LOADS: usize = 4096;

/// Specifiers that one evaluation may resolve.
const SPECIFIERS: usize = 65_536;

/// Bytes that a module's name may have, or a specifier.
const NAME: usize = 4096;

/// Bytes of a resolver's reason that the engine is told.
const REASON: usize = 4096;

/// The modules of one instance.
#[derive(Debug, Default)]
pub(in crate::js) struct Imports {
    grant: Option<Grant>,
    /// The evaluation that runs.
    evaluation: Option<Rc<Evaluation>>,
    /// The name that was resolved last, until it is loaded: the engine loads no other.
    resolved: Option<String>,
}

impl Imports {
    pub(in crate::js) fn from(grant: Option<Grant>) -> Imports {
        Imports { grant, ..Imports::default() }
    }

    /// From now on it is this evaluation's script that runs, or none.
    pub(in crate::js) fn run_for(&mut self, evaluation: Option<&Rc<Evaluation>>) {
        self.evaluation = evaluation.cloned();
    }

    fn grant(&self) -> Result<(Grant, Rc<Evaluation>), String> {
        let (Some(grant), Some(evaluation)) = (&self.grant, &self.evaluation) else {
            return Err("this context has no modules".to_owned());
        };
        Ok((grant.clone(), Rc::clone(evaluation)))
    }

    /// Who says what a specifier means.
    fn may_resolve(&mut self, base: &str, specifier: &str) -> Result<Grant, String> {
        self.resolved = None;
        let (grant, evaluation) = self.grant()?;
        count(&evaluation.specifiers, SPECIFIERS, "the call has resolved its 65536 specifiers")?;
        // The engine refuses what is too long as well.
        check("the importer's name", base)?;
        check("it", specifier)?;
        Ok(grant)
    }

    fn resolved(&mut self, name: &str) -> Result<(), String> {
        check("its name", name)?;
        self.resolved = Some(name.to_owned());
        Ok(())
    }

    /// Who loads the module of this name, and for which evaluation.
    fn may_load(&mut self, name: &str) -> Result<(Grant, Rc<Evaluation>), String> {
        let (grant, evaluation) = self.grant()?;
        if self.resolved.take().as_deref() != Some(name) {
            return Err("nothing was resolved to it".to_owned());
        }
        count(&evaluation.loads, LOADS, "the call has loaded its 4096 modules")?;
        Ok((grant, evaluation))
    }
}

/// Counts one more of what an evaluation may have.
fn count(so_far: &Cell<usize>, most: usize, what: &str) -> Result<(), String> {
    if so_far.get() >= most {
        return Err(what.to_owned());
    }
    so_far.set(so_far.get().saturating_add(1));
    Ok(())
}

fn check(what: &str, name: &str) -> Result<(), String> {
    if name.len() > NAME { Err(format!("{what} has {} bytes, more than {NAME}", name.len())) } else { Ok(()) }
}

impl From<String> for modules::Refusal {
    fn from(reason: String) -> modules::Refusal {
        modules::Refusal::None(reason)
    }
}

impl modules::Host for Data<Ambient> {
    fn normalize(&mut self, base: String, specifier: String) -> Result<String, String> {
        let Grant(resolver) = self.host.modules.may_resolve(&base, &specifier)?;
        let name = answer(self, || resolver.normalize(&base, &specifier))?;
        // The engine refuses a name that is too long as well, but would have to take it first.
        self.host.modules.resolved(&name)?;
        Ok(name)
    }

    fn load(&mut self, name: String) -> Result<modules::Module, modules::Refusal> {
        let (Grant(resolver), evaluation) = self.host.modules.may_load(&name)?;
        let bytes = evaluation.limits().source;
        let Module { text, kind } = answer(self, || resolver.load(&name, bytes))?;
        if text.len() > bytes {
            return Err(format!("it is longer than {bytes} bytes").into());
        }
        let (kind, text, map) = match kind {
            Kind::JavaScript => (modules::ModuleKind::Javascript, text, None),
            Kind::Json => (modules::ModuleKind::Json, text, None),
            #[cfg(feature = "typescript")]
            Kind::TypeScript => {
                use crate::js::typescript::{Goal, strip};

                let _away = self.step_out();
                let stripped = strip(&name, &text, Goal::Module, bytes, evaluation.account.until);
                let stripped = stripped.map_err(|failed| failed.into_refusal(&name, bytes))?;
                (modules::ModuleKind::Javascript, stripped.text, Some(stripped.map))
            }
        };
        self.host.maps.note(&name, &text, map);
        Ok(modules::Module { text, kind })
    }
}

/// What the resolver answers while the call may wait for it.
fn answer<'a, R>(data: &mut Data<Ambient>, ask: impl FnOnce() -> Answer<'a, R>) -> Result<R, String> {
    let _away = data.step_out();
    // Nothing of the engine is touched within.
    let answered = catch_unwind(AssertUnwindSafe(|| data.wait(async { ask().await })));
    let answer = match answered {
        Ok(Some(answer)) => answer,
        Ok(None) => Err("the answer did not come in time".to_owned()),
        Err(_) => {
            tracing::error!("a resolver of modules panicked");
            Err("the resolver panicked".to_owned())
        }
    };
    answer.map_err(|mut reason| {
        reason.truncate(reason.floor_char_boundary(REASON));
        reason
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        component::Limits,
        js::{ModuleMap, evaluation::Terms},
        thread::Running,
    };

    fn imports() -> Imports {
        let mut imports = Imports::from(Some(Grant::of(ModuleMap::default())));
        let evaluation = Evaluation::begin(&Limits::default(), &[], &Running::unattended(), &Terms::default());
        imports.run_for(Some(&evaluation));
        imports
    }

    #[test]
    fn nothing_is_loaded_but_what_was_resolved_last_and_that_once() {
        let mut imports = imports();
        let refused = |loaded: Result<(Grant, Rc<Evaluation>), String>| loaded.unwrap_err();
        assert_eq!(refused(imports.may_load("tenants/other/secret.mjs")), "nothing was resolved to it");
        imports.may_resolve("main.mjs", "./a.mjs").unwrap();
        assert_eq!(refused(imports.may_load("a.mjs")), "nothing was resolved to it");
        imports.resolved("a.mjs").unwrap();
        imports.may_load("a.mjs").unwrap();
        assert_eq!(refused(imports.may_load("a.mjs")), "nothing was resolved to it");
        imports.resolved("a.mjs").unwrap();
        assert_eq!(refused(imports.may_load("b.mjs")), "nothing was resolved to it");
        imports.resolved("a.mjs").unwrap();
        imports.may_resolve("main.mjs", "./refused.mjs").unwrap();
        assert_eq!(refused(imports.may_load("a.mjs")), "nothing was resolved to it");
    }

    #[test]
    fn names_that_are_too_long_are_no_question_to_a_resolver() {
        let mut imports = imports();
        let (fits, long) = ("x".repeat(NAME), "x".repeat(NAME + 1));
        imports.may_resolve(&fits, &fits).unwrap();
        assert_eq!(imports.may_resolve("a", &long).unwrap_err(), "it has 4097 bytes, more than 4096");
        assert_eq!(imports.may_resolve(&long, "a").unwrap_err(), "the importer's name has 4097 bytes, more than 4096");
        imports.resolved(&fits).unwrap();
        assert_eq!(imports.resolved(&long).unwrap_err(), "its name has 4097 bytes, more than 4096");
    }
}

//! The WIT interface `modules`, answered by the resolver that a context was granted.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Answer, Grant, Kind, Module};
use crate::{
    component::{Data, Limits},
    js::{bindings::modules, script::Ambient},
};

/// Modules that one call may load, those that fail among them. The largest libraries have fewer files.
const LOADS: u32 = 4096;

/// Specifiers that one call may resolve.
const SPECIFIERS: u32 = 65_536;

/// Bytes that a module's name may have.
const NAME: usize = 4096;

/// Bytes of a resolver's reason that the engine is told.
const REASON: usize = 4096;

/// The modules of one instance.
#[derive(Debug, Default)]
pub(in crate::js) struct Imports {
    grant: Option<Grant>,
    /// Bytes that a text may have.
    bytes: usize,
    loads: u32,
    specifiers: u32,
}

impl Imports {
    pub(in crate::js) fn from(grant: Option<Grant>) -> Imports {
        Imports { grant, ..Imports::default() }
    }

    /// Starts a call.
    pub(in crate::js) fn arm(&mut self, limits: &Limits) {
        (self.bytes, self.loads, self.specifiers) = (limits.source, LOADS, SPECIFIERS);
    }

    fn grant(&self) -> Result<Grant, String> {
        self.grant.clone().ok_or_else(|| "this context has no modules".to_owned())
    }
}

/// Counts one more of what a call may have.
fn count(left: &mut u32, what: &str) -> Result<(), String> {
    *left = left.checked_sub(1).ok_or_else(|| what.to_owned())?;
    Ok(())
}

impl modules::Host for Data<Ambient> {
    fn normalize(&mut self, base: String, specifier: String) -> Result<String, String> {
        let imports = &mut self.host.modules;
        let Grant(resolver) = imports.grant()?;
        count(&mut imports.specifiers, "the call has resolved its 65536 specifiers")?;
        let name = answer(self, || resolver.normalize(&base, &specifier))?;
        // The engine refuses it as well, but would have to take it first.
        if name.len() > NAME {
            return Err(format!("its name has {} bytes, more than {NAME}", name.len()));
        }
        Ok(name)
    }

    fn load(&mut self, name: String) -> Result<modules::Module, String> {
        let imports = &mut self.host.modules;
        let Grant(resolver) = imports.grant()?;
        count(&mut imports.loads, "the call has loaded its 4096 modules")?;
        let bytes = imports.bytes;
        let Module { text, kind } = answer(self, || resolver.load(&name, bytes))?;
        if text.len() > bytes {
            return Err(format!("it is longer than {bytes} bytes"));
        }
        self.host.maps.note(&name, &text);
        let kind = match kind {
            Kind::JavaScript => modules::ModuleKind::Javascript,
            Kind::Json => modules::ModuleKind::Json,
        };
        Ok(modules::Module { text, kind })
    }
}

/// What the resolver answers while the call may wait for it.
fn answer<'a, R>(data: &mut Data<Ambient>, ask: impl FnOnce() -> Answer<'a, R>) -> Result<R, String> {
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

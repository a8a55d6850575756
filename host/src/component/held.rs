//! Resources of a component that outlive a call.

use std::fmt;

use wasmtime::component::ResourceAny;

use super::instance::{Instance, Program};
use crate::{
    error::{Error, ErrorKind},
    thread::Running,
};

/// A resource of an instance that is kept from one call to the next, and knows whose it is.
///
/// A bare `ResourceAny` does not: after a trap there is a fresh instance, in which its number means something else. An
/// instance holds up to 1024 resources, so what is not needed any more is to be [released](Instance::release); dropping
/// this releases nothing.
pub struct Held {
    resource: ResourceAny,
    generation: u64,
}

impl<P: Program> Instance<P> {
    /// Keeps a resource that the instance gave out in its last call.
    ///
    /// ```no_run
    /// # use aiointernal::{Error, component::{Held, Instance, Program, wasmtime::component::ResourceAny}};
    /// # fn example<P: Program>(
    /// #     instance: &mut Instance<P>, running: &aiointernal::Running,
    /// #     open: fn(&P::Exports) -> aiointernal::component::wasmtime::Result<ResourceAny>,
    /// #     add: fn(&P::Exports, ResourceAny) -> aiointernal::component::wasmtime::Result<()>,
    /// # ) -> Result<(), Error> {
    /// let opened = instance.enter(running, |_store, exports| open(exports))?;
    /// let index = instance.hold(opened);
    /// // In a later call:
    /// let resource = instance.held(&index)?;
    /// instance.enter(running, |_store, exports| add(exports, resource))?;
    /// instance.release(&index)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn hold(&self, resource: ResourceAny) -> Held {
        Held { resource, generation: self.generation() }
    }

    /// The resource, for a call that follows at once.
    ///
    /// # Errors
    ///
    /// [`Lost`](ErrorKind::Lost): its instance is gone.
    pub fn held(&self, held: &Held) -> Result<ResourceAny, Error> {
        if self.has(held) {
            Ok(held.resource)
        } else {
            Err(Error::new(ErrorKind::Lost, format!("a resource of an {} that is gone", P::NAME)))
        }
    }

    /// Whether the instance of a resource is the one that is there.
    pub(crate) fn has(&self, held: &Held) -> bool {
        self.is_live() && held.generation == self.generation()
    }

    /// Lets a resource go, in the component as well. One whose instance is gone has gone with it. Letting one go twice is an
    /// error, as any wrong resource is.
    ///
    /// # Errors
    ///
    /// Those of [`enter`](Instance::enter): its destructor is a call.
    pub fn release(&mut self, held: &Held) -> Result<(), Error> {
        if !self.has(held) {
            return Ok(());
        }
        self.enter(&Running::unattended(), |store, _| held.resource.resource_drop(store))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("generation", &self.generation).finish_non_exhaustive()
    }
}

//! What a context has around it: what its scripts may import, call and fetch, and what they see of time and chance.

#[cfg(feature = "fetch")]
use super::fetch::FetchGrant;
#[cfg(feature = "time-zones")]
use super::time_zone::TimeZone;
use super::{clock::Clock, functions::Functions, modules::Grant};
use crate::error::Error;

/// What a sandbox says of all its contexts, and each of them of itself: it begins with a copy of the sandbox's.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) modules: Option<Grant>,
    pub(super) functions: Functions,
    #[cfg(feature = "fetch")]
    pub(super) fetch: Option<FetchGrant>,
    pub(super) clock: Clock,
    /// Where random bits come from. `None`: the system.
    pub(super) seed: Option<u64>,
    /// `None`: UTC.
    #[cfg(feature = "time-zones")]
    pub(super) time_zone: Option<TimeZone>,
}

impl Surroundings {
    /// Those of one context, which has functions of its own behind `fetch`.
    ///
    /// # Errors
    ///
    /// A function has a name that leads nowhere.
    pub(super) fn of_context(self) -> Result<Surroundings, Error> {
        self.functions.check()?;
        #[cfg(feature = "fetch")]
        if let Some(grant) = self.fetch.clone() {
            let functions = self.functions.and(&grant.functions());
            return Ok(Surroundings { functions, ..self });
        }
        Ok(self)
    }
}

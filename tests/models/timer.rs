//! What `host/src/timer.rs` has, without a clock: no alarm rings, as no model sets a deadline.

use std::time::Instant;

use crate::sync::{Arc, Weak};

pub(crate) trait Alarm: Send + Sync {
    #[expect(dead_code, reason = "no alarm rings")]
    fn ring(self: Arc<Self>);
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Key;

pub(crate) fn set(_: Instant, _: Weak<dyn Alarm>) -> Key {
    Key
}

pub(crate) fn clear(_: Key) {}

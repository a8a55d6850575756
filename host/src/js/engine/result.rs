//! A result as the engine gave it, and the memory that it takes.

use crate::{
    component::{Charge, Data, Refused},
    error::{Error, ErrorKind},
    js::{
        bindings::Failure,
        evaluation::{Ended, Evaluation},
        script::Ambient,
        value::Value,
        wire::{self, Unread},
    },
};

/// A hole as a result: the end of an iteration.
const NOTHING: &[u8] = b"\xd8\x1f\xf7";

/// What the engine gave in the call that is still to be ended, and the memory that it takes. To decode it is a part of the call, which
/// may be told to stop in it as well.
pub(super) fn decode(data: &Data<Ambient>, evaluation: &Evaluation, value: &[u8]) -> Result<Ended, Failure> {
    evaluation.left(value.len());
    if value == NOTHING {
        return Ok(Ok((Value::Hole, Charge::default())));
    }
    if let Some(handle) = data.host.calls.home().decode(value) {
        return Ok(handle.map(|handle| (Value::Handle(handle), Charge::default())));
    }
    let too_large = |refused: Refused| {
        let message = format!("the result takes more than is left of {refused}; the context was kept");
        Error::new(ErrorKind::MemoryLimit, message)
    };
    let memory = evaluation.limits().memory;
    let (left, scarce) = data.ledger().left(memory);
    match wire::decode_with(value, &data.host.objects, left, &|| data.heed().is_none()) {
        Ok((value, bytes)) => Ok(data.ledger().charge(bytes, memory).map(|charge| (value, charge)).map_err(too_large)),
        Err(Unread::TooLarge) => Ok(Err(too_large(scarce))),
        Err(Unread::Malformed(reason)) => Ok(Err(malformed(&reason))),
        Err(Unread::Stopped) => Err(Failure::Interrupted(false)),
    }
}

fn malformed(reason: &str) -> Error {
    Error::new(ErrorKind::Engine, format!("the engine's result is malformed: {reason}"))
}

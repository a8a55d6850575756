//! A result as the engine gave it, and the memory that it takes.

use crate::{
    component::{Charge, Data, Refused},
    error::{Error, ErrorKind},
    js::{
        evaluation::{Ended, Evaluation},
        script::Ambient,
        value::Value,
        wire::{self, Unread},
    },
};

/// A hole as a result: the end of an iteration.
const NOTHING: &[u8] = b"\xd8\x1f\xf7";

/// What the engine gave in the call that is still to be ended, and the memory that it takes.
pub(super) fn decode(data: &Data<Ambient>, evaluation: &Evaluation, value: &[u8]) -> Ended {
    evaluation.left(value.len());
    if value == NOTHING {
        return Ok((Value::Hole, Charge::default()));
    }
    if let Some(handle) = data.host.calls.home().decode(value) {
        return handle.map(|handle| (Value::Handle(handle), Charge::default()));
    }
    let too_large = |refused: Refused| {
        let message = format!("the result takes more than is left of {refused}; the context was kept");
        Error::new(ErrorKind::MemoryLimit, message)
    };
    let memory = evaluation.limits().memory;
    let (left, scarce) = data.ledger().left(memory);
    match wire::decode_with(value, &data.host.objects, left) {
        Ok((value, bytes)) => Ok((value, data.ledger().charge(bytes, memory).map_err(too_large)?)),
        Err(Unread::TooLarge) => Err(too_large(scarce)),
        Err(Unread::Malformed(reason)) => Err(malformed(&reason)),
    }
}

fn malformed(reason: &str) -> Error {
    Error::new(ErrorKind::Engine, format!("the engine's result is malformed: {reason}"))
}

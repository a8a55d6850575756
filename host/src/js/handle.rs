//! What a handle is, apart from what can be done with it.

use std::{
    fmt::{self, Display},
    sync::Arc,
};

use minicbor::Decoder;

use super::{
    host_object::HostObject,
    inbox::{Event, Inbox, WeakInbox},
    objects::Objects,
    value::Value,
    wire,
};
use crate::error::{Error, ErrorKind};

/// A handle to a value that lives in a context, as a part of a [`Value`]: back in its context, it is that value again.
///
/// Its clones are one handle. The engine lets the value go when the last of them, and of the [`JsValue`](super::JsValue)s that
/// it came from, is dropped, on whatever thread. It does not keep the context open.
#[derive(Clone)]
pub struct Handle(Arc<Kept>);

/// A value that the engine keeps.
struct Kept {
    home: Home,
    number: u64,
    kind: Kind,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.home.inbox.post(Event::Released(self.home.instance, self.number));
    }
}

impl Handle {
    /// What kind of value this is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(super) fn number(&self) -> u64 {
        self.0.number
    }

    /// Tells the context something of this.
    pub(super) fn post(&self, event: impl FnOnce(Handle) -> Event) {
        self.0.home.inbox.post(event(self.clone()));
    }
}

impl PartialEq for Handle {
    /// Whether these are clones of one handle. Two handles may have one value.
    fn eq(&self, other: &Handle) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("kind", &self.kind()).field("number", &self.number()).finish_non_exhaustive()
    }
}

/// What kind of value a [handle](super::JsValue) has. Of a proxy it is that of a function, or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `undefined`
    Undefined,
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A BigInt.
    BigInt,
    /// A string.
    String,
    /// A symbol.
    Symbol,
    /// A function or a class.
    Function,
    /// An array.
    Array,
    /// A promise.
    Promise,
    /// An `Error`.
    Error,
    /// Any other object.
    Object,
}

impl Kind {
    fn of(name: &str) -> Kind {
        match name {
            "undefined" => Kind::Undefined,
            "null" => Kind::Null,
            "boolean" => Kind::Bool,
            "number" => Kind::Number,
            "bigint" => Kind::BigInt,
            "string" => Kind::String,
            "symbol" => Kind::Symbol,
            "function" => Kind::Function,
            "array" => Kind::Array,
            "promise" => Kind::Promise,
            "error" => Kind::Error,
            _ => Kind::Object,
        }
    }
}

/// Whose handles these are: one instance of the engine.
#[derive(Clone)]
pub(super) struct Home {
    /// A number that no other instance of this process has.
    instance: u64,
    inbox: WeakInbox,
}

/// How the engine writes a handle: tag 27, a list of three, and its first element.
const MARK: &[u8] = b"\xd8\x1b\x83\x66Handle";

impl Home {
    pub(super) fn new(instance: u64, inbox: &Inbox) -> Home {
        Home { instance, inbox: inbox.downgrade() }
    }

    /// Whether this is the instance of that number.
    pub(super) fn is(&self, instance: u64) -> bool {
        self.instance == instance
    }

    /// The handle that the engine gave out, where these bytes are one.
    pub(super) fn decode(&self, bytes: &[u8]) -> Option<Result<Handle, Error>> {
        let mut rest = Decoder::new(bytes.strip_prefix(MARK)?);
        let parts = rest.u64().and_then(|number| Ok((number, Kind::of(rest.str()?))));
        let parts = parts.map_err(|error| Error::new(ErrorKind::Engine, format!("a malformed handle: {error}")));
        Some(parts.map(|(number, kind)| Handle(Arc::new(Kept { home: self.clone(), number, kind }))))
    }

    /// Refuses a handle that is not of this instance. `place` says where it is.
    pub(super) fn admit(&self, place: &str, handle: &Handle) -> Result<(), Error> {
        let home = &handle.0.home;
        if home.is(self.instance) {
            Ok(())
        } else if home.inbox.is(&self.inbox) {
            let message = format!("{place}: the value of the handle is gone, as its context was reset or replaced");
            Err(Error::new(ErrorKind::Lost, message))
        } else {
            Err(foreign(place))
        }
    }
}

fn foreign(place: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{place}: a handle of another context"))
}

/// What enters an engine, encoded, and the handles in it with their places, and the objects of the host. They live until it
/// has entered.
#[derive(Debug)]
pub(super) struct Encoded<W = Vec<u8>> {
    wire: W,
    /// Bytes of the values in it.
    bytes: usize,
    handles: Vec<(String, Handle)>,
    objects: Vec<HostObject>,
}

impl Encoded {
    /// Encodes a value, which `name` names.
    pub(super) fn value(value: &Value, name: impl Display) -> Result<Encoded, Error> {
        let wire::Written { bytes, has_handles, objects } = wire::encode(value, &name)?;
        let handles = if has_handles { value.handles(name.to_string()) } else { Vec::new() };
        Ok(Encoded { bytes: bytes.len(), wire: bytes, handles, objects })
    }
}

impl<W> Encoded<W> {
    pub(super) fn new(wire: W) -> Encoded<W> {
        Encoded { wire, bytes: 0, handles: Vec::new(), objects: Vec::new() }
    }

    /// This with another, as one.
    pub(super) fn with<V, R>(mut self, other: Encoded<V>, join: impl FnOnce(W, V) -> R) -> Encoded<R> {
        self.handles.extend(other.handles);
        self.objects.extend(other.objects);
        let bytes = self.bytes + other.bytes;
        Encoded { wire: join(self.wire, other.wire), bytes, handles: self.handles, objects: self.objects }
    }

    pub(super) fn map<R>(self, change: impl FnOnce(W) -> R) -> Encoded<R> {
        Encoded { wire: change(self.wire), bytes: self.bytes, handles: self.handles, objects: self.objects }
    }

    /// Bytes of the encoded values in it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether this may go to the engine of this home.
    ///
    /// # Errors
    ///
    /// A handle is not of this home: [`Lost`](ErrorKind::Lost) where that is gone, or
    /// [`InvalidArgument`](ErrorKind::InvalidArgument).
    pub(super) fn check(&self, home: &Home) -> Result<(), Error> {
        self.handles.iter().try_for_each(|(place, handle)| home.admit(place, handle))
    }

    /// Lets the objects of the host into an instance, and gives what goes there with them.
    pub(super) fn let_into(&self, objects: &mut Objects) -> &W {
        objects.let_in(self.objects.iter().cloned());
        &self.wire
    }

    /// What goes into an instance, where the handles need not live longer.
    pub(super) fn into_wire(self) -> W {
        self.wire
    }

    /// This, where it has no handle, as it is to go to any engine.
    pub(super) fn without_handles(self) -> Result<Encoded<W>, Error> {
        match self.handles.first() {
            Some((place, _)) => Err(foreign(place)),
            None => Ok(self),
        }
    }
}

/// Many, as one list.
impl<W> FromIterator<Encoded<W>> for Encoded<Vec<W>> {
    fn from_iter<I: IntoIterator<Item = Encoded<W>>>(all: I) -> Encoded<Vec<W>> {
        all.into_iter().fold(Encoded::new(Vec::new()), |list, next| {
            list.with(next, |mut list, next| {
                list.push(next);
                list
            })
        })
    }
}

//! Objects of the host that scripts may hold.

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    error::Error as StdError,
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
};

use super::{
    bindings::host_objects::MemberKind,
    calls::{Begun, fault},
    evaluation::number,
    functions::{begin_async, run_sync},
    host_call::HostCall,
    value::Value,
};
use crate::error::Error;

/// A Rust type whose values scripts may hold: its methods and properties.
///
/// A [`Host`] of it goes into a context as any other value does, as an argument, a global, or the result of a [host
/// function](super::Functions), alone or within a value. It stays where it is: a script gets an object whose members call it, and
/// can hand that on, back to the host too. One `Host` is one object in a context, however often it comes.
///
/// ```
/// use std::{convert::Infallible, io, sync::atomic::{AtomicU32, Ordering}};
/// use aiointernal::{Sandbox, js::{Host, HostClass, Members}};
///
/// #[derive(Default)]
/// struct Cart {
///     items: AtomicU32,
/// }
///
/// impl HostClass for Cart {
///     const NAME: &'static str = "Cart";
///
///     fn members(members: Members<Cart>) -> Members<Cart> {
///         members
///             .sync_method("add", |cart, (count,): (u32,), _call| {
///                 Ok::<_, Infallible>(cart.items.fetch_add(count, Ordering::Relaxed) + count)
///             })
///             .method("order", |cart, (): (), _call| async move {
///                 // Await the shop, say.
///                 Ok::<_, io::Error>(format!("{} items", cart.items.load(Ordering::Relaxed)))
///             })
///             .getter("size", |cart| Ok::<_, Infallible>(cart.items.load(Ordering::Relaxed)))
///     }
/// }
///
/// # fn main() -> Result<(), aiointernal::Error> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let cart = Host::new(Cart::default());
/// let context = Sandbox::new()?.context().globals([("cart", &cart)])?.await?;
/// assert_eq!(context.eval_as::<u32>("cart.add(2); cart.add(3); cart.size").await?, 5);
/// assert_eq!(context.eval_as::<String>("await cart.order()").await?, "5 items");
/// assert_eq!(cart.items.load(Ordering::Relaxed), 5);
/// # Ok(())
/// # })
/// # }
/// ```
///
/// Members run, fail and are limited as [host functions](super::Functions) are. They are those of the type: what a script
/// adds to its object, it adds for itself. A member that is called on anything but an object of the class throws a `TypeError`.
pub trait HostClass: Send + Sync + Sized + 'static {
    /// The name of the class, as `constructor.name` and errors show it.
    const NAME: &'static str;

    /// Adds the members. Called for the first object of a process, and again where threads race for it.
    fn members(members: Members<Self>) -> Members<Self>;

    /// A context holds this no more: no script can reach it, as the collector found, or the context has ended, or was
    /// replaced. Called on the context's thread, after the call that led to it.
    ///
    /// It may come again, where the host has a [`Host`] of it left; else it is dropped then. What a script
    /// holds and itself holds a [`JsValue`](super::JsValue) of that context keeps the context open, until it is
    /// [closed](super::Context::close): let it hold a [`Value`] with the handle, or a weak reference to what has one.
    fn released(&self) {}
}

/// The members of a class, from [`HostClass::members`]. A later one takes the place of an earlier one of the same name.
pub struct Members<T> {
    members: Vec<Member>,
    class: PhantomData<fn(T)>,
}

/// A member, and how to call it.
pub(super) struct Member {
    pub(super) name: String,
    /// With the name of its class.
    pub(super) full_name: Arc<str>,
    pub(super) kind: MemberKind,
    call: Box<MemberCall>,
}

type MemberCall = dyn Fn(&HostObject, Value, &HostCall) -> Result<Begun, Error> + Send + Sync;

impl Member {
    /// Calls it.
    pub(super) fn begin(&self, object: &HostObject, arguments: Value, call: &HostCall) -> Result<Begun, Error> {
        (self.call)(object, arguments, call)
    }
}

impl<T: HostClass> Members<T> {
    /// With this async method: in scripts its calls are promises. See [`Functions::function`](super::Functions::function).
    pub fn method<A, R, E, F, Fut>(self, name: impl Into<String>, method: F) -> Members<T>
    where
        A: DeserializeOwned,
        R: Serialize,
        E: Into<Box<dyn StdError + Send + Sync>>,
        F: Fn(Host<T>, A, HostCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        self.with(name.into(), MemberKind::AsyncMethod, move |name, object, arguments, call| {
            begin_async(name, arguments, |arguments| method(object, arguments, call.clone())).map(Begun::Waits)
        })
    }

    /// With this method, which blocks the context's thread until it returns. See
    /// [`Functions::sync_function`](super::Functions::sync_function).
    pub fn sync_method<A, R, E, F>(self, name: impl Into<String>, method: F) -> Members<T>
    where
        A: DeserializeOwned,
        R: Serialize,
        E: Into<Box<dyn StdError + Send + Sync>>,
        F: Fn(&Host<T>, A, &HostCall) -> Result<R, E> + Send + Sync + 'static,
    {
        self.with(name.into(), MemberKind::Method, move |name, object, arguments, call| {
            run_sync(name, arguments, |arguments| method(&object, arguments, call)).map(Begun::Done)
        })
    }

    /// With what reads the property of this name. Without a [setter](Members::setter) it is read-only.
    pub fn getter<R, E, F>(self, name: impl Into<String>, read: F) -> Members<T>
    where
        R: Serialize,
        E: Into<Box<dyn StdError + Send + Sync>>,
        F: Fn(&Host<T>) -> Result<R, E> + Send + Sync + 'static,
    {
        self.with(name.into(), MemberKind::Getter, move |name, object, arguments, _| {
            run_sync(name, arguments, |()| read(&object)).map(Begun::Done)
        })
    }

    /// With what writes the property of this name.
    pub fn setter<V, E, F>(self, name: impl Into<String>, write: F) -> Members<T>
    where
        V: DeserializeOwned,
        E: Into<Box<dyn StdError + Send + Sync>>,
        F: Fn(&Host<T>, V) -> Result<(), E> + Send + Sync + 'static,
    {
        self.with(name.into(), MemberKind::Setter, move |name, object, arguments, _| {
            run_sync(name, arguments, |(value,): (V,)| write(&object, value)).map(Begun::Done)
        })
    }

    fn with(
        mut self,
        name: String,
        kind: MemberKind,
        call: impl Fn(&Arc<str>, Host<T>, Value, &HostCall) -> Result<Begun, Error> + Send + Sync + 'static,
    ) -> Members<T> {
        let full_name: Arc<str> = format!("{}.{name}", T::NAME).into();
        let called = Arc::clone(&full_name);
        let call = Box::new(move |object: &HostObject, arguments: Value, host_call: &HostCall| {
            let object = object.downcast().ok_or_else(|| fault("it is a member of another class"))?;
            call(&called, object, arguments, host_call)
        });
        self.members.push(Member { name, full_name, kind, call });
        self
    }
}

impl<T> fmt::Debug for Members<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.iter().map(|member| &member.name)).finish()
    }
}

/// What a class is, apart from its type.
pub(super) struct Class {
    /// A number that no other class has.
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) members: Vec<Member>,
    released: fn(&HostObject),
}

impl Class {
    /// That of a type.
    fn of<T: HostClass>() -> Arc<Class> {
        static CLASSES: Mutex<BTreeMap<TypeId, Arc<Class>>> = Mutex::new(BTreeMap::new());
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let classes = || CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
        let known = classes().get(&TypeId::of::<T>()).cloned();
        known.unwrap_or_else(|| {
            let Members { members, .. } = T::members(Members { members: Vec::new(), class: PhantomData });
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let released = |object: &HostObject| object.downcast::<T>().iter().for_each(|object| object.released());
            let class = Class { number, name: T::NAME, members, released };
            // Another thread may have been faster.
            Arc::clone(classes().entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(class)))
        })
    }
}

/// An object of the host as a part of a [`Value`], whatever its type. Its clones are the same object.
#[derive(Clone)]
pub struct HostObject(Arc<Exposed>);

struct Exposed {
    number: u64,
    class: Arc<Class>,
    /// There until it is dropped.
    object: Option<Arc<dyn Any + Send + Sync>>,
}

/// The object's own `Drop` is the caller's code, and may run where the engine or a queue lets go of a value.
impl Drop for Exposed {
    fn drop(&mut self) {
        let object = self.object.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(object))) {
            tracing::warn!("an object of the host panicked as it was dropped");
            // Its `Drop` could panic again.
            mem::forget(panic);
        }
    }
}

impl HostObject {
    /// The object, where it is of this type.
    pub fn downcast<T: HostClass>(&self) -> Option<Host<T>> {
        let object = Arc::downcast(Arc::clone(self.0.object.as_ref()?)).ok()?;
        Some(Host { object, whole: self.clone() })
    }

    /// The name of its class.
    pub fn class_name(&self) -> &'static str {
        self.0.class.name
    }

    /// A number that no other has.
    pub(super) fn number(&self) -> u64 {
        self.0.number
    }

    pub(super) fn class(&self) -> &Arc<Class> {
        &self.0.class
    }

    /// Tells it that a context holds it no more.
    pub(super) fn released(&self) {
        (self.0.class.released)(self);
    }
}

impl PartialEq for HostObject {
    /// Whether they are the same object.
    fn eq(&self, other: &HostObject) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for HostObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostObject").field(&self.class_name()).finish()
    }
}

/// A Rust value that scripts may hold, by the members of its [class](HostClass).
///
/// Clones are the same object, to the host and to scripts. It dereferences to the Rust value. A function that takes one gets what
/// a script was given before; anything else is a `TypeError` to the script.
pub struct Host<T: HostClass> {
    /// Dropped before `whole`, which looks to it that no panic of it goes far.
    object: Arc<T>,
    whole: HostObject,
}

impl<T: HostClass> Host<T> {
    /// A new object.
    pub fn new(object: T) -> Host<T> {
        let object = Arc::new(object);
        let whole = Exposed { number: number(), class: Class::of::<T>(), object: Some(Arc::clone(&object) as _) };
        Host { object, whole: HostObject(Arc::new(whole)) }
    }
}

impl<T: HostClass> Clone for Host<T> {
    fn clone(&self) -> Host<T> {
        Host { object: Arc::clone(&self.object), whole: self.whole.clone() }
    }
}

impl<T: HostClass> Deref for Host<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: HostClass + fmt::Debug> fmt::Debug for Host<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Host").field(&self.object).finish()
    }
}

impl<T: HostClass> From<Host<T>> for Value {
    fn from(object: Host<T>) -> Value {
        Value::HostObject(object.whole)
    }
}

impl<T: HostClass> From<&Host<T>> for Value {
    fn from(object: &Host<T>) -> Value {
        Value::HostObject(object.whole.clone())
    }
}

impl<T: HostClass> Serialize for Host<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(self).serialize(serializer)
    }
}

impl<'de, T: HostClass> Deserialize<'de> for Host<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Host<T>, D::Error> {
        let object = match Value::deserialize(deserializer)? {
            Value::HostObject(object) => object.downcast(),
            _ => None,
        };
        object.ok_or_else(|| D::Error::custom(format_args!("this is no {}", T::NAME)))
    }
}

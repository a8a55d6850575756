//! Objects of the host that scripts hold.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
    mem,
    rc::Rc,
};

use rquickjs::{
    Ctx, Function, JsLifetime, Object, Persistent, Result, Value,
    class::{self, JsClass, Readable, Trace, Tracer},
    function::{Constructor, Rest, This},
    object::Property,
};

use crate::{
    class::Class,
    exception,
    functions::{Answer, Functions},
    intrinsics::Bound,
    raw,
};

/// Objects that were freed of which the host hears before scripts are given another.
const MANY: usize = 256;

/// A class of the host's objects: the WIT record `host-class`.
#[derive(Clone, Debug)]
pub struct HostClass {
    /// What scripts see of it in `constructor.name` and in errors.
    pub name: String,
    /// Its methods and properties. Each has its place here as its number.
    pub members: Vec<HostMember>,
}

/// A method or half of a property: the WIT record `host-member`.
#[derive(Clone, Debug)]
pub struct HostMember {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: MemberKind,
}

/// What a member of a class is: the WIT enum `member-kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A function that answers at once.
    Method,
    /// A function whose call is a promise.
    AsyncMethod,
    /// What reads the property of this name.
    Getter,
    /// What writes it.
    Setter,
}

/// The objects that there are. The host hears of each that comes and of each that is freed.
#[derive(Default)]
pub(crate) struct Objects {
    functions: OnceCell<Rc<Functions>>,
    /// A `WeakRef` to each, by its number: the host's object is one object here.
    known: RefCell<BTreeMap<u64, Persistent<Object<'static>>>>,
    /// By the numbers of their classes.
    prototypes: RefCell<BTreeMap<u32, Persistent<Object<'static>>>>,
    /// QuickJS's class of them all, once there was one.
    class: Cell<Option<Class>>,
    /// Those that were freed and that the host has not heard of.
    freed: Rc<RefCell<Vec<u64>>>,
}

/// What is within an object. It goes with it.
struct Stub {
    number: u64,
    class: u32,
    freed: Rc<RefCell<Vec<u64>>>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.freed.borrow_mut().push(self.number);
    }
}

impl<'js> Trace<'js> for Stub {
    fn trace<'a>(&self, _tracer: Tracer<'a, 'js>) {}
}

#[expect(unsafe_code, reason = "rquickjs has no safe way to say that a type holds nothing of JavaScript")]
// SAFETY: it has no lifetime, so changing that changes nothing.
unsafe impl<'js> JsLifetime<'js> for Stub {
    type Changed<'to> = Stub;
}

impl<'js> JsClass<'js> for Stub {
    const NAME: &'static str = "HostObject";

    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}

impl Objects {
    /// From now on there can be objects, whose members are called by this.
    pub(crate) fn connect(&self, functions: &Rc<Functions>) {
        // The first call is the only one.
        let _ = self.functions.set(Rc::clone(functions));
    }

    /// The number of the host's object that this is, if it is one.
    pub(crate) fn number(&self, object: &Object<'_>) -> Option<u64> {
        let is_one = self.class.get().is_some_and(|class| class == Class::of(object));
        if is_one { class::Class::<Stub>::from_object(object).map(|stub| stub.borrow().number) } else { None }
    }

    /// The host's object of this number.
    pub(crate) fn get<'js>(&self, ctx: &Ctx<'js>, bound: &Bound<'_, 'js>, number: u64) -> Result<Value<'js>> {
        if self.freed.borrow().len() >= MANY {
            self.bury(ctx, bound);
        }
        let known = self.known.borrow().get(&number).cloned();
        if let Some(known) = known {
            let known = bound.deref(known.restore(ctx)?)?;
            if known.is_object() {
                return Ok(known);
            }
        }
        let functions = self.functions.get().ok_or(rquickjs::Error::Unknown)?;
        let class = match functions.host().adopt(number) {
            Ok(class) => class,
            Err(error) => return Err(ctx.throw(exception::of_host(ctx, bound, &error)?)),
        };
        // From here on the host counts one more, which the drop of the stub takes back whatever fails.
        let stub = Stub { number, class, freed: Rc::clone(&self.freed) };
        let prototype = self.prototype(ctx, bound, functions, class)?;
        let object = class::Class::instance_proto(stub, prototype)?.into_inner();
        self.class.set(Some(Class::of(&object)));
        let weak = Persistent::save(ctx, bound.weak(&object)?);
        let before = self.known.borrow_mut().insert(number, weak);
        drop(before);
        Ok(object.into_value())
    }

    fn prototype<'js>(
        &self,
        ctx: &Ctx<'js>,
        bound: &Bound<'_, 'js>,
        functions: &Rc<Functions>,
        class: u32,
    ) -> Result<Object<'js>> {
        let made = self.prototypes.borrow().get(&class).cloned();
        if let Some(made) = made {
            return made.restore(ctx);
        }
        let HostClass { name, members } = functions.host().describe(class);
        let prototype = bound.host_prototype(&name)?;
        for (number, HostMember { name: member, kind }) in (0..).zip(members) {
            let callee =
                Callee { class, class_name: name.as_str().into(), name: format!("{name}.{member}"), number, kind };
            let called = callee.function(ctx, functions)?.with_name(&member)?.into_value();
            match kind {
                MemberKind::Method | MemberKind::AsyncMethod => {
                    prototype.prop(raw::string(ctx, &member)?, Property::from(called).writable().configurable())?;
                }
                MemberKind::Getter => bound.accessor(&prototype, &member, "get", called)?,
                MemberKind::Setter => bound.accessor(&prototype, &member, "set", called)?,
            }
        }
        self.prototypes.borrow_mut().insert(class, Persistent::save(ctx, prototype.clone()));
        Ok(prototype)
    }

    /// Whether any was freed of which the host has not heard.
    pub(crate) fn were_freed(&self) -> bool {
        !self.freed.borrow().is_empty()
    }

    /// Tells the host what was freed.
    pub(crate) fn bury<'js>(&self, ctx: &Ctx<'js>, bound: &Bound<'_, 'js>) {
        let freed = mem::take(&mut *self.freed.borrow_mut());
        if let Some(functions) = self.functions.get().filter(|_| !freed.is_empty()) {
            functions.host().release(&freed);
        }
        for number in freed {
            let known = self.known.borrow().get(&number).cloned();
            match known.map(|known| known.restore(ctx).and_then(|known| bound.deref(known))) {
                // It has come again since.
                Some(Ok(it)) if it.is_object() => {}
                // The call was stopped, or there is no memory: it may be there still.
                Some(Err(_)) => drop(ctx.catch()),
                _ => {
                    let forgotten = self.known.borrow_mut().remove(&number);
                    drop(forgotten);
                }
            }
        }
    }
}

/// A member of a class, as a function.
struct Callee {
    class: u32,
    class_name: Rc<str>,
    /// With its class: `Cart.add`.
    name: String,
    number: u32,
    kind: MemberKind,
}

impl Callee {
    fn function<'js>(self, ctx: &Ctx<'js>, functions: &Rc<Functions>) -> Result<Function<'js>> {
        let functions = Rc::clone(functions);
        Function::new(ctx.clone(), move |ctx: Ctx<'js>, this: This<Value<'js>>, arguments: Rest<Value<'js>>| {
            functions.within(&ctx, |bound| self.called(&ctx, bound, &functions, &this.0, &arguments.into_inner()))
        })
    }

    fn called<'js>(
        &self,
        ctx: &Ctx<'js>,
        bound: &Bound<'_, 'js>,
        functions: &Functions,
        this: &Value<'js>,
        arguments: &[Value<'js>],
    ) -> Result<Value<'js>> {
        let stub = this.as_object().and_then(class::Class::<Stub>::from_object);
        let object =
            stub.and_then(|stub| Some(stub.borrow()).filter(|stub| stub.class == self.class).map(|stub| stub.number));
        let Some(object) = object else {
            let message = format!("{}: this is no {}", self.name, self.class_name);
            return Err(exception::throw(ctx, bound, "TypeError", &message));
        };
        let is_async = self.kind == MemberKind::AsyncMethod;
        functions.called(ctx, bound, &self.name, is_async, arguments, |host, arguments| -> Answer {
            host.invoke(object, self.number, arguments)
        })
    }
}

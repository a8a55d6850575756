//! The requests of one context.

use std::{
    collections::HashMap,
    error::Error as StdError,
    future::{Future, poll_fn},
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use hyper::{Method, StatusCode, ext::ReasonPhrase, header::LOCATION};
use serde::Serialize;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, sleep_until},
};
use url::Url;

use super::{
    FetchGrant,
    body::Body,
    connection::{Connection, no_drivers},
    failed,
    limits::end_of,
    request::{Order, Redirect, Request, pairs},
};
use crate::js::{host_call::HostCall, host_object::Host};

/// Why a request failed: a [`ScriptError`](crate::js::ScriptError), or what only the host is told.
pub(super) type Failure = Box<dyn StdError + Send + Sync>;

/// The requests of one context, and what they may reach.
pub(super) struct Requests {
    grant: FetchGrant,
    /// Those that may be open at a time.
    room: Arc<Semaphore>,
    /// Names that may be looked up at a time: that goes on where the request is given up.
    lookups: Arc<Semaphore>,
    open: Mutex<HashMap<u64, Known>>,
}

/// A request that can be aborted.
struct Known {
    /// Tells it from others that have the same name.
    number: u64,
    /// Dropped to abort it.
    _abort: oneshot::Sender<()>,
}

/// What a script is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    status: u16,
    status_text: String,
    url: String,
    redirected: bool,
    headers: Vec<(String, String)>,
    body: Option<Host<Body>>,
}

/// A request that is open. It is known until this is dropped.
pub(super) struct Open {
    requests: Arc<Requests>,
    id: u64,
    number: u64,
    aborted: oneshot::Receiver<()>,
    call: HostCall,
    /// When its time is over.
    until: Instant,
    /// Its place among those that are open.
    place: Option<OwnedSemaphorePermit>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.requests.lock();
        if open.get(&self.id).is_some_and(|known| known.number == self.number) {
            open.remove(&self.id);
        }
    }
}

impl Requests {
    pub(super) fn new(grant: FetchGrant) -> Requests {
        let most = grant.fetch_limits().concurrent.min(Semaphore::MAX_PERMITS);
        Requests {
            grant,
            room: Arc::new(Semaphore::new(most)),
            lookups: Arc::new(Semaphore::new(most)),
            open: Mutex::default(),
        }
    }

    pub(super) fn grant(&self) -> &FetchGrant {
        &self.grant
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Known>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the request of this name, or what is left of its body.
    pub(super) fn abort(&self, id: u64) {
        let known = self.lock().remove(&id);
        drop(known);
    }

    /// Makes a request known by its name. One that has the same is aborted.
    fn open(self: &Arc<Self>, id: u64, call: HostCall) -> Open {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (abort, aborted) = oneshot::channel();
        let before = self.lock().insert(id, Known { number, _abort: abort });
        drop(before);
        let until = end_of(self.grant.fetch_limits().time);
        Open { requests: Arc::clone(self), id, number, aborted, call, until, place: None }
    }

    /// What a script's request comes to.
    pub(super) async fn fetch(self: Arc<Self>, order: Order, call: HostCall) -> Result<Answer, Failure> {
        if Handle::try_current().is_err() {
            return Err(no_drivers().into());
        }
        let id = order.id;
        let request = Request::new(order, self.grant.fetch_limits())?;
        // What is refused at once takes no place.
        self.grant.check(&request.url, &request.method)?;
        let mut open = self.open(id, call);
        let call = open.call.clone();
        let requests = Arc::clone(&self);
        let answering = async move {
            let place = Arc::clone(&requests.room).acquire_owned().await?;
            let (url, redirected, answer, connection, is_head) = requests.follow(request, &call).await?;
            Ok::<_, Failure>((url, redirected, answer, connection, is_head, place))
        };
        let (mut url, redirected, answer, connection, is_head, place) = open.within(answering).await??;
        open.place = Some(place);
        url.set_fragment(None);
        let (status, headers) = (answer.status(), pairs(answer.headers()));
        let status_text = match answer.extensions().get::<ReasonPhrase>() {
            Some(reason) => reason.as_bytes().iter().copied().map(char::from).collect(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let no_body = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
        let body = (!is_head && !no_body.contains(&status)).then(|| Host::new(Body::new(open, connection)));
        Ok(Answer { status: status.as_u16(), status_text, url: url.into(), redirected, headers, body })
    }

    /// Makes a request, and those that it is redirected to.
    async fn follow(
        &self,
        mut request: Request,
        call: &HostCall,
    ) -> Result<(Url, bool, hyper::Response<()>, Connection, bool), Failure> {
        let limits = self.grant.fetch_limits();
        let mut redirects = 0_usize;
        loop {
            if !call.count_fetch(limits.requests) {
                return Err(failed(format!("the evaluation has made its {} requests", limits.requests)).into());
            }
            self.grant.check(&request.url, &request.method)?;
            let (answer, connection) = Connection::open(self, &request).await?;
            let location = match (answer.status().as_u16(), request.redirect) {
                (301 | 302 | 303 | 307 | 308, Redirect::Follow | Redirect::Error) => answer.headers().get(LOCATION),
                _ => None,
            };
            let Some(location) = location else {
                let is_head = request.method == Method::HEAD;
                return Ok((request.url, redirects > 0, answer, connection, is_head));
            };
            if request.redirect == Redirect::Error {
                return Err(failed("the answer is a redirect, which the request does not follow").into());
            }
            if redirects == limits.redirects {
                return Err(failed(format!("the request was redirected {redirects} times, and is to be again")).into());
            }
            redirects = redirects.saturating_add(1);
            request = request.redirected(answer.status(), location)?;
        }
    }

    /// The addresses of the name in its URL that may be connected to for a request.
    pub(super) async fn look_up(&self, request: &Request) -> Vec<IpAddr> {
        match Arc::clone(&self.lookups).acquire_owned().await {
            Ok(permit) => self.grant.resolve(&request.url, &request.method, permit).await,
            Err(_) => Vec::new(),
        }
    }
}

impl Open {
    /// Waits for a part of the request, until it is aborted or its time is over. It is aborted with its evaluation as well.
    pub(super) async fn within<R>(&mut self, part: impl Future<Output = R>) -> Result<R, Failure> {
        let (until, time) = (self.until, self.requests.grant.fetch_limits().time);
        let over = catch_unwind(AssertUnwindSafe(|| sleep_until(until))).map_err(|_| no_drivers())?;
        let (mut over, mut ended) = (pin!(over), pin!(self.call.cancelled()));
        let (mut part, mut aborted) = (pin!(part), pin!(&mut self.aborted));
        poll_fn(|context| {
            if aborted.as_mut().poll(context).is_ready() || ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(failed("the request was aborted").into()));
            }
            // Before the part: one that always has more to do leaves tokio no budget to look at the time with.
            if over.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(failed(format!("the request took longer than {time:?}")).into()));
            }
            part.as_mut().poll(context).map(Ok)
        })
        .await
    }
}

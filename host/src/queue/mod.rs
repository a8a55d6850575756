//! A bounded queue between async code of any runtime and plain threads, both ends for everybody.
//!
//! ```text
//! put -> (line of waiting puts) -> items -> (line of waiting gets) -> get -> task_done -> join
//! ```
//!
//! One handle, [`Queue`], is cloned to everybody who puts or gets. It needs no runtime: futures may be polled by any
//! executor, and every method that waits has a blocking twin for threads that have none.
//!
//! - **Order**: first in, first out ([`Queue::fifo`]); last in, first out ([`Queue::lifo`]); greatest first
//!   ([`Queue::priority`]).
//! - **Room** is counted in items or, with [`Builder::weight`], in whatever the weights of items count (bytes, say). It can
//!   be [changed](Queue::set_capacity) while the queue is in use.
//! - **Waiting** is fair: puts enter in the order in which they began to wait, and items are promised to gets in the
//!   order in which those began to wait. Who comes later overtakes nobody.
//! - **Giving up** loses nothing: a put or a get that is dropped or runs out of time leaves its place to the next one.
//! - **Refusals** give the item back, in [`Refused`], with the [`Cause`].
//! - **The end** comes in two steps, [`Shutdown::Drain`] and [`Shutdown::Immediate`].
//!
//! Dropping handles ends nothing: say [`Queue::shutdown`].
//!
//! # Example
//!
//! ```
//! use std::{thread, time::Duration};
//! use aiointernal::queue::{Cause, Queue, Shutdown};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let queue = Queue::fifo(2);
//! let consumer = queue.clone();
//! let sum = thread::spawn(move || {
//!     let mut sum = 0;
//!     while let Ok(number) = consumer.get_blocking() {
//!         sum += number;
//!         consumer.task_done().unwrap();
//!     }
//!     sum
//! });
//! for number in 1..=10 {
//!     queue.put(number).await.unwrap(); // waits while the queue is full
//! }
//! queue.join().await; // every number was taken and marked done
//! queue.shutdown(Shutdown::Drain);
//! assert_eq!(sum.join().unwrap(), 55);
//!
//! let refused = queue.put(11).until(tokio::time::sleep(Duration::from_millis(5))).await.unwrap_err();
//! assert_eq!((refused.cause(), refused.into_item()), (Cause::ShutDown, 11));
//! # });
//! ```

mod handle;
mod builder;
mod put;
mod get;
mod join;
mod until;
mod shutdown;
mod stats;
mod refused;
mod no_item;
mod shared;
mod state;
mod putting;
mod getting;
mod items;
mod line;
mod wait;
mod wakers;

pub(crate) use self::put::OwnedPut;
pub use self::{
    builder::Builder,
    get::Get,
    handle::Queue,
    join::{Join, TooManyDone},
    no_item::NoItem,
    put::Put,
    refused::{Cause, Refused},
    shutdown::Shutdown,
    stats::Stats,
    until::Until,
};

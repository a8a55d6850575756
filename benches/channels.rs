//! Bounded queues behind one face: ours and those of the peers.

use std::future::Future;

use aiointernal::queue::Queue;
use tokio::sync::mpsc;

/// A queue of numbers, closed by nobody.
pub(crate) trait Channel {
    const NAME: &'static str;
    type Sender: Clone + Send + Sync + 'static;
    type Receiver: Send + 'static;

    fn open(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Another receiver, where there can be more than one.
    fn share(receiver: &Self::Receiver) -> Option<Self::Receiver>;

    /// Whether it went in.
    fn try_put(sender: &Self::Sender, item: u64) -> bool;

    fn try_get(receiver: &mut Self::Receiver) -> Option<u64>;

    fn put(sender: &Self::Sender, item: u64) -> impl Future<Output = ()> + Send;

    fn get(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;

    fn put_blocking(sender: &Self::Sender, item: u64);

    fn get_blocking(receiver: &mut Self::Receiver) -> u64;
}

pub(crate) struct Ours;

impl Channel for Ours {
    const NAME: &'static str = "aiointernal";
    type Sender = Queue<u64>;
    type Receiver = Queue<u64>;

    fn open(capacity: usize) -> (Queue<u64>, Queue<u64>) {
        let queue = Queue::fifo(capacity);
        (queue.clone(), queue)
    }

    fn share(receiver: &Queue<u64>) -> Option<Queue<u64>> {
        Some(receiver.clone())
    }

    fn try_put(sender: &Queue<u64>, item: u64) -> bool {
        sender.try_put(item).is_ok()
    }

    fn try_get(receiver: &mut Queue<u64>) -> Option<u64> {
        receiver.try_get().ok()
    }

    async fn put(sender: &Queue<u64>, item: u64) {
        sender.put(item).await.expect("the queue is open");
    }

    async fn get(receiver: &mut Queue<u64>) -> u64 {
        receiver.get().await.expect("the queue is open")
    }

    fn put_blocking(sender: &Queue<u64>, item: u64) {
        sender.put_blocking(item).expect("the queue is open");
    }

    fn get_blocking(receiver: &mut Queue<u64>) -> u64 {
        receiver.get_blocking().expect("the queue is open")
    }
}

pub(crate) struct AsyncChannel;

impl Channel for AsyncChannel {
    const NAME: &'static str = "async-channel";
    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn open(capacity: usize) -> (Self::Sender, Self::Receiver) {
        async_channel::bounded(capacity)
    }

    fn share(receiver: &Self::Receiver) -> Option<Self::Receiver> {
        Some(receiver.clone())
    }

    fn try_put(sender: &Self::Sender, item: u64) -> bool {
        sender.try_send(item).is_ok()
    }

    fn try_get(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.try_recv().ok()
    }

    async fn put(sender: &Self::Sender, item: u64) {
        sender.send(item).await.expect("the channel is open");
    }

    async fn get(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the channel is open")
    }

    fn put_blocking(sender: &Self::Sender, item: u64) {
        sender.send_blocking(item).expect("the channel is open");
    }

    fn get_blocking(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv_blocking().expect("the channel is open")
    }
}

pub(crate) struct Flume;

impl Channel for Flume {
    const NAME: &'static str = "flume";
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn open(capacity: usize) -> (Self::Sender, Self::Receiver) {
        flume::bounded(capacity)
    }

    fn share(receiver: &Self::Receiver) -> Option<Self::Receiver> {
        Some(receiver.clone())
    }

    fn try_put(sender: &Self::Sender, item: u64) -> bool {
        sender.try_send(item).is_ok()
    }

    fn try_get(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.try_recv().ok()
    }

    async fn put(sender: &Self::Sender, item: u64) {
        sender.send_async(item).await.expect("the channel is open");
    }

    async fn get(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv_async().await.expect("the channel is open")
    }

    fn put_blocking(sender: &Self::Sender, item: u64) {
        sender.send(item).expect("the channel is open");
    }

    fn get_blocking(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().expect("the channel is open")
    }
}

pub(crate) struct Kanal;

impl Channel for Kanal {
    const NAME: &'static str = "kanal";
    type Sender = kanal::AsyncSender<u64>;
    type Receiver = kanal::AsyncReceiver<u64>;

    fn open(capacity: usize) -> (Self::Sender, Self::Receiver) {
        kanal::bounded_async(capacity)
    }

    fn share(receiver: &Self::Receiver) -> Option<Self::Receiver> {
        Some(receiver.clone())
    }

    fn try_put(sender: &Self::Sender, item: u64) -> bool {
        sender.try_send(item) == Ok(true)
    }

    fn try_get(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.try_recv().ok().flatten()
    }

    async fn put(sender: &Self::Sender, item: u64) {
        sender.send(item).await.expect("the channel is open");
    }

    async fn get(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the channel is open")
    }

    fn put_blocking(sender: &Self::Sender, item: u64) {
        sender.as_sync().send(item).expect("the channel is open");
    }

    fn get_blocking(receiver: &mut Self::Receiver) -> u64 {
        receiver.as_sync().recv().expect("the channel is open")
    }
}

pub(crate) struct Tokio;

impl Channel for Tokio {
    const NAME: &'static str = "tokio mpsc";
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn open(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(capacity)
    }

    fn share(_: &Self::Receiver) -> Option<Self::Receiver> {
        None
    }

    fn try_put(sender: &Self::Sender, item: u64) -> bool {
        sender.try_send(item).is_ok()
    }

    fn try_get(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.try_recv().ok()
    }

    async fn put(sender: &Self::Sender, item: u64) {
        sender.send(item).await.expect("the channel is open");
    }

    async fn get(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the channel is open")
    }

    fn put_blocking(sender: &Self::Sender, item: u64) {
        sender.blocking_send(item).expect("the channel is open");
    }

    fn get_blocking(receiver: &mut Self::Receiver) -> u64 {
        receiver.blocking_recv().expect("the channel is open")
    }
}

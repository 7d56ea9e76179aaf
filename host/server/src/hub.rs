//! The connected sockets, and what is sent to them.
//!
//! A job's messages go to the socket that submitted it, or to all if it named none. Each socket has a queue of its own
//! with a limit: nothing waits for a slow one. Previews are dropped when the queue is nearly full; a socket whose queue is
//! full is closed.

mod frame;
mod picture;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Message;
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};

pub(crate) use frame::Frame;
pub(crate) use picture::preview;

/// Messages that wait for one socket at most.
const WAITING: usize = 512;
/// Previews are dropped while fewer places are free.
const RESERVED: usize = 256;

/// The connected sockets.
pub(crate) struct Hub {
    sockets: Mutex<HashMap<String, Socket>>,
    next: AtomicU64,
    connected: AtomicUsize,
    limit: usize,
}

/// One connected socket.
struct Socket {
    /// Another one may take its place under the same name.
    number: u64,
    queue: Sender<Message>,
    flags: Arc<Flags>,
}

/// What a client has said that it understands.
#[derive(Default)]
pub(crate) struct Flags {
    /// Previews that say which node they are of.
    pub(crate) preview_metadata: AtomicBool,
    /// Texts that say which job they are of.
    pub(crate) text_metadata: AtomicBool,
}

/// A socket's end of its queue. Dropping it takes the socket off the hub.
pub(crate) struct Connection {
    hub: Arc<Hub>,
    /// The name under which it is addressed.
    pub(crate) name: String,
    number: u64,
    /// What it is to send. It ends when another socket has taken its name, or when it was too slow.
    pub(crate) queue: Receiver<Message>,
    /// What the client understands.
    pub(crate) flags: Arc<Flags>,
}

impl Hub {
    /// No sockets, and at most `limit` at a time.
    pub(crate) fn new(limit: usize) -> Self {
        Hub { sockets: Mutex::default(), next: AtomicU64::new(0), connected: AtomicUsize::new(0), limit }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Socket>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a socket in; one of the same name is closed. `None` if there are too many.
    pub(crate) fn connect(self: &Arc<Self>, name: String) -> Option<Connection> {
        let taken = self.connected.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |connected| {
            (connected < self.limit).then_some(connected + 1)
        });
        taken.ok()?;
        let (sender, queue) = channel(WAITING);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let flags: Arc<Flags> = Arc::default();
        let socket = Socket { number, queue: sender, flags: Arc::clone(&flags) };
        self.lock().insert(name.clone(), socket);
        Some(Connection { hub: Arc::clone(self), name, number, queue, flags })
    }

    /// How many sockets there are.
    pub(crate) fn count(&self) -> usize {
        self.connected.load(Ordering::Relaxed)
    }

    /// Sends to the socket of that name, or to all.
    pub(crate) fn send(&self, to: Option<&str>, frame: &Frame) {
        let mut sockets = self.lock();
        match to {
            Some(name) => {
                let slow = sockets.get(name).is_some_and(|socket| !socket.send(frame));
                if slow {
                    sockets.remove(name);
                }
            }
            None => sockets.retain(|_, socket| socket.send(frame)),
        }
    }

    /// Sends a message to all.
    pub(crate) fn tell_all(&self, kind: &str, data: &Value) {
        self.send(None, &Frame::text(kind, data));
    }
}

impl Socket {
    /// False if it is too slow.
    fn send(&self, frame: &Frame) -> bool {
        if frame.may_be_dropped() && self.queue.capacity() < RESERVED {
            return true;
        }
        self.queue.try_send(frame.message(&self.flags)).is_ok()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.hub.connected.fetch_sub(1, Ordering::Relaxed);
        let mut sockets = self.hub.lock();
        if sockets.get(&self.name).is_some_and(|socket| socket.number == self.number) {
            sockets.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(connection: &mut Connection) -> Vec<String> {
        let mut found = Vec::new();
        while let Ok(message) = connection.queue.try_recv() {
            found.push(message.into_text().unwrap().to_string());
        }
        found
    }

    #[test]
    fn a_message_reaches_its_socket_or_all() {
        let hub = Arc::new(Hub::new(8));
        let (mut a, mut b) = (hub.connect("a".to_owned()).unwrap(), hub.connect("b".to_owned()).unwrap());
        hub.send(Some("a"), &Frame::text("x", &json!({"n": 1})));
        hub.send(Some("nobody"), &Frame::text("x", &json!({})));
        hub.tell_all("y", &json!({}));
        assert_eq!(texts(&mut a), [r#"{"type":"x","data":{"n":1}}"#, r#"{"type":"y","data":{}}"#]);
        assert_eq!(texts(&mut b), [r#"{"type":"y","data":{}}"#]);
    }

    #[test]
    fn a_second_socket_takes_the_name_and_the_first_one_leaves_it_alone() {
        let hub = Arc::new(Hub::new(8));
        let mut first = hub.connect("a".to_owned()).unwrap();
        let mut second = hub.connect("a".to_owned()).unwrap();
        assert!(first.queue.try_recv().is_err() && first.queue.is_closed());
        drop(first);
        hub.send(Some("a"), &Frame::text("x", &json!({})));
        assert_eq!(texts(&mut second).len(), 1);
        assert_eq!(hub.count(), 1);
    }

    /// Faults: H13.
    #[test]
    fn h13_a_socket_that_never_reads_loses_previews_then_its_place() {
        let hub = Arc::new(Hub::new(8));
        let mut slow = hub.connect("slow".to_owned()).unwrap();
        let mut other = hub.connect("other".to_owned()).unwrap();
        let preview = || Frame::preview("job", "node", vec![0xff, 0xd8].into());
        for _ in 0..2 * WAITING {
            hub.send(Some("slow"), &preview());
        }
        assert_eq!(slow.queue.len(), WAITING - RESERVED + 1);
        for _ in 0..RESERVED {
            hub.tell_all("status", &json!({}));
            assert_eq!(texts(&mut other).len(), 1);
        }
        assert!(slow.queue.is_closed(), "it was too slow");
        hub.tell_all("status", &json!({}));
        assert_eq!(texts(&mut other).len(), 1);
        while slow.queue.try_recv().is_ok() {}
    }

    /// Faults: H13.
    #[test]
    fn h13_there_is_a_limit_of_sockets() {
        let hub = Arc::new(Hub::new(2));
        let first = hub.connect("a".to_owned()).unwrap();
        let _second = hub.connect("b".to_owned()).unwrap();
        assert!(hub.connect("c".to_owned()).is_none());
        drop(first);
        assert!(hub.connect("c".to_owned()).is_some());
    }
}

//! The queue: jobs in order, the one that runs, and those that have ended.
//!
//! ```text
//! add --> pending --take--> running --end--> completed, failed, cancelled
//!            ^                 |
//!            +--- the server ended meanwhile
//! ```
//!
//! Everything is in the database; memory holds only what belongs to the running job of this process.

mod record;
mod store;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

pub(crate) use record::{Order, Outcome, Record, State};
use store::Store;
pub use store::StoreError;

/// A job that ran so many times when the server ended is not tried again: it may be the reason.
const MOST_STARTS: u32 = 3;

/// The jobs of a server.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    /// Something was added, or the server ends.
    changed: Condvar,
    limit: usize,
}

struct Inner {
    store: Store,
    running: Option<Running>,
    /// The next number of a job that asks for none.
    counter: f64,
    closed: bool,
}

/// The job that runs.
#[derive(Clone)]
struct Running {
    id: String,
    cancel: Arc<AtomicBool>,
    /// The node that works, for sockets that come late.
    node: Option<String>,
}

/// What became of a request to cancel a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// It will not run, or stops.
    Yes,
    /// It has ended already.
    Ended,
    /// There is no such job.
    Unknown,
}

/// Why a job was not added.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// So many are waiting.
    Full(usize),
    /// There is a job of that id.
    Taken,
    /// It cannot be kept.
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Queue {
    /// The queue of a database, with what the last server left; it takes at most `limit` jobs.
    ///
    /// # Errors
    /// The database cannot be used.
    pub(crate) fn open(path: &Path, limit: usize) -> Result<Self, StoreError> {
        let store = Store::open(path)?;
        for record in store.recover(MOST_STARTS)? {
            let error = json!({
                "prompt_id": record.order.id,
                "node_id": null, "node_type": null, "executed": [],
                "exception_message": format!("the server ended {MOST_STARTS} times while this job ran; it is not tried again"),
                "exception_type": "server::ended", "traceback": [], "timestamp": now(),
            });
            let messages = vec![("execution_error".to_owned(), error.clone())];
            let outcome = Outcome { messages, error: Some(error), ..Outcome::default() };
            store.end(&record.order.id, State::Failed, &outcome, now())?;
        }
        let counter = store.last_number()?;
        let inner = Inner { store, running: None, counter, closed: false };
        Ok(Self { inner: Mutex::new(inner), changed: Condvar::new(), limit })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job. `order.number` is a wish; without one it is the next number, negative for the front of the queue.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub(crate) fn add(&self, mut order: Order, number: Option<f64>, front: bool) -> Result<Order, Refusal> {
        let mut inner = self.lock();
        let waiting = inner.store.unfinished()?;
        if waiting >= self.limit {
            return Err(Refusal::Full(waiting));
        }
        if inner.store.get(&order.id)?.is_some() {
            return Err(Refusal::Taken);
        }
        let next = inner.counter + 1.0;
        inner.counter = next;
        order.number = number.unwrap_or(if front { -next } else { next });
        inner.store.add(&order, now())?;
        self.changed.notify_all();
        Ok(order)
    }

    /// Waits for the next job and notes that it runs. `None` when the server ends.
    pub(crate) fn take(&self) -> Option<(Record, Arc<AtomicBool>)> {
        let mut inner = self.lock();
        loop {
            if inner.closed {
                return None;
            }
            if let Ok(Some(mut record)) = inner.store.next() {
                let started = now();
                // What is not noted as running might run twice; what cannot be noted is tried again later.
                if inner.store.begin(&record.order.id, started).is_ok() {
                    (record.state, record.started, record.starts) =
                        (State::Running, Some(started), record.starts + 1);
                    let cancel = Arc::new(AtomicBool::new(false));
                    let id = record.order.id.clone();
                    inner.running = Some(Running { id, cancel: Arc::clone(&cancel), node: None });
                    return Some((record, cancel));
                }
            }
            let wait = self.changed.wait_timeout(inner, Duration::from_secs(5));
            inner = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Notes how the running job has ended.
    pub(crate) fn end(&self, id: &str, state: State, outcome: &Outcome) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.running = None;
        inner.store.end(id, state, outcome, now()).map(drop)
    }

    /// Puts the running job back, because the server ends.
    pub(crate) fn put_back(&self, id: &str) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.running = None;
        inner.store.put_back(id)
    }

    /// Notes which node works.
    pub(crate) fn works_on(&self, node: &str) {
        if let Some(running) = &mut self.lock().running {
            running.node = Some(node.to_owned());
        }
    }

    /// The running job, and the node that works.
    pub(crate) fn running(&self) -> Option<(String, Option<String>)> {
        self.lock().running.as_ref().map(|running| (running.id.clone(), running.node.clone()))
    }

    /// Stops the running job, if it has that id, or whichever runs. It is decided under the lock, so that no other job is
    /// hit that begins meanwhile.
    pub(crate) fn interrupt(&self, id: Option<&str>) -> bool {
        let inner = self.lock();
        let hit = inner.running.as_ref().filter(|running| id.is_none_or(|id| running.id == id));
        hit.inspect(|running| running.cancel.store(true, Ordering::Relaxed)).is_some()
    }

    /// Removes a pending job, or stops a running one.
    pub(crate) fn cancel(&self, id: &str) -> Result<Cancelled, StoreError> {
        let removed = self.lock().store.remove_pending(id)?;
        if removed || self.interrupt(Some(id)) {
            return Ok(Cancelled::Yes);
        }
        let known = self.lock().store.get(id)?.is_some();
        Ok(if known { Cancelled::Ended } else { Cancelled::Unknown })
    }

    /// From now on no job is taken; the running one stops.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.interrupt(None);
        self.changed.notify_all();
    }

    /// Whether the server ends.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Asks the database.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        question(&self.lock().store)
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;

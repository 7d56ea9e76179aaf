//! A host that answers a plugin's calls and records them.

use super::tensor;
use dreamwire_abi as abi;
use dreamwire_socket::{CallHost, CallRef, Dtype, Fault, HostCall, Owned, Said, TensorView};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The host of one plugin's calls. Copies are the same host.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    state: &'static State,
}

/// A file that a node published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// The name template from the node.
    pub(crate) template: String,
    /// The content.
    pub(crate) bytes: Vec<u8>,
}

/// Counts of objects that one side still owes the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Tensors that were moved to the plugin and not deleted yet.
    pub(crate) tensors: i64,
    /// Tapes of host functions that are not released yet.
    pub(crate) tapes: i64,
    /// Tensors and tapes that were deleted or released more than once.
    pub(crate) twice: i64,
    /// Calls to deleters of borrowed inputs, all of them wrong.
    pub(crate) inputs_ended: i64,
}

/// Never freed: a plugin may call back later than it should.
#[derive(Default)]
pub(crate) struct State {
    pub(super) tensors: AtomicI64,
    pub(super) tapes: AtomicI64,
    pub(super) twice: AtomicI64,
    pub(super) inputs_ended: AtomicI64,
    polls: AtomicU64,
    /// 0 means never.
    cancel_at: AtomicU64,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    files: HashMap<String, Vec<u8>>,
    said: Option<Said>,
    published: Vec<Published>,
    complaints: Vec<String>,
}

impl Host {
    /// A host without files.
    pub(crate) fn new() -> Self {
        Self { state: Box::leak(Box::<State>::default()) }
    }

    pub(super) fn state(self) -> &'static State {
        self.state
    }

    /// From now on `read` returns these bytes for that path.
    pub(crate) fn give_file(self, path: &str, bytes: &[u8]) {
        self.state.record().files.insert(path.to_owned(), bytes.to_vec());
    }

    /// Counts progress calls from 0 again; the `at`-th and all later ones are told to stop. 0 is never.
    pub(crate) fn cancel_at(self, at: u64) {
        self.state.polls.store(0, Ordering::SeqCst);
        self.state.cancel_at.store(at, Ordering::SeqCst);
    }

    /// Progress calls since [`Host::cancel_at`].
    pub(crate) fn polls(self) -> u64 {
        self.state.polls.load(Ordering::SeqCst)
    }

    /// The current counts.
    pub(crate) fn balance(self) -> Balance {
        let now = |count: &AtomicI64| count.load(Ordering::SeqCst);
        let State { tensors, tapes, twice, inputs_ended, .. } = self.state;
        Balance {
            tensors: now(tensors),
            tapes: now(tapes),
            twice: now(twice),
            inputs_ended: now(inputs_ended),
        }
    }

    /// The files that were published since the last time.
    pub(super) fn take_published(self) -> Vec<Published> {
        std::mem::take(&mut self.state.record().published)
    }

    /// Faults of previews and published bytes since the last time.
    pub(super) fn take_complaints(self) -> Vec<String> {
        std::mem::take(&mut self.state.record().complaints)
    }

    /// The failure that was reported during the last call.
    pub(super) fn take_said(self) -> Option<Said> {
        self.state.record().said.take()
    }

    /// Runs one call and returns its result and the reported failure.
    pub(super) fn call<T>(self, body: impl FnOnce(CallRef<'static>) -> T) -> (T, Option<Said>) {
        self.state.record().said = None;
        // Both leak: a plugin may keep the call.
        let host: &'static Self = Box::leak(Box::new(self));
        let call = Box::leak(Box::new(HostCall::new(host).threads(super::THREADS)));
        let result = body(call.call());
        (result, self.take_said())
    }
}

impl State {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a run has been told to stop.
    pub(super) fn is_cancelled(&self) -> bool {
        let at = self.cancel_at.load(Ordering::SeqCst);
        at > 0 && self.polls.load(Ordering::SeqCst) >= at
    }

    fn complain(&self, complaint: String) -> abi::Status {
        self.record().complaints.push(complaint);
        abi::E_ARG
    }
}

impl CallHost for Host {
    /// Only the first report is kept: it is nearest to the cause.
    fn fail(&self, said: Said) {
        self.state.record().said.get_or_insert(said);
    }

    fn progress(&self, _: u64, _: u64, _: &str) -> bool {
        self.state.polls.fetch_add(1, Ordering::SeqCst);
        !self.state.is_cancelled()
    }

    fn preview(&self, image: Result<TensorView<'_>, Fault>) {
        if let Err(why) = image {
            self.state.complain(format!("a preview is unusable: {why}"));
        }
    }

    fn read(&self, path: &str) -> Result<Owned, abi::Status> {
        self.head(path, u64::MAX).map(|(content, _)| content)
    }

    fn head(&self, path: &str, most: u64) -> Result<(Owned, u64), abi::Status> {
        let content = self.state.record().files.get(path).cloned();
        let head = content.and_then(|content| {
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(content.len());
            Some((tensor::give_bytes(&content[..most], self.state)?, content.len() as u64))
        });
        head.ok_or_else(|| {
            self.fail(Said::new(abi::E_IO, format!("the checker has no file `{path}`")));
            abi::E_IO
        })
    }

    fn publish(&self, template: &str, bytes: Result<TensorView<'_>, Fault>) -> Result<String, abi::Status> {
        let view = bytes.map_err(|why| self.state.complain(format!("published unusable bytes: {why}")))?;
        if view.dtype() != Dtype::U8 {
            return Err(self.state.complain("published something other than bytes".to_owned()));
        }
        let bytes = view.to_bytes().to_vec();
        self.state.record().published.push(Published { template: template.to_owned(), bytes });
        Ok(template.to_owned())
    }

    fn provenance(&self) -> Option<&str> {
        Some("{}")
    }
}

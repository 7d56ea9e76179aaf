//! One loaded build of a plugin.

use crate::descriptor::{self, Identity};
use crate::library::Library;
use crate::{host, outcome};
use blake3::Hash;
use dreamwire_abi as abi;
use dreamwire_abi::field;
use dreamwire_engine::{Failure, Level, Services};
use dreamwire_graph::KindInfo;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One loaded build of a plugin. Retired when the last value that came from it is gone.
pub(crate) struct Generation {
    pub(crate) path: PathBuf,
    pub(crate) hash: Hash,
    pub(crate) identity: Identity,
    pub(crate) kinds: Vec<KindInfo>,
    entry: *const abi::Entry,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    started: bool,
    /// node instances by node id and kind, kept between runs
    nodes: HashMap<(String, String), Instance>,
}

struct Instance(*mut abi::Node);

// SAFETY: `dw_node` belongs to one thread at a time, and is reached only through the mutex.
unsafe impl Send for Instance {}
// SAFETY: the entry is immutable static data; everything else is behind the mutex.
unsafe impl Send for Generation {}
// SAFETY: as above.
unsafe impl Sync for Generation {}

impl Generation {
    /// Loads a library and reads what it offers. No code of the plugin but its initialisers has run afterwards.
    pub(crate) fn load(path: &Path, bytes: &[u8], hash: Hash) -> Result<Self, String> {
        let library = Library::open(path, bytes, &hash)?;
        Self::from_entry(path, hash, library.entry())
    }

    fn from_entry(path: &Path, hash: Hash, entry: *const abi::Entry) -> Result<Self, String> {
        // SAFETY: the address of the symbol of a library that is never unloaded.
        let identity = unsafe { descriptor::identity(entry) }?;
        // SAFETY: `identity` has accepted it.
        let kinds = unsafe { descriptor::kinds(entry, &identity, &path.display().to_string()) }?;
        Ok(Self { path: path.to_owned(), hash, identity, kinds, entry, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the plugin if it has not started.
    fn start(&self, state: &mut State, call: *const abi::Call) -> Result<(), abi::Status> {
        if state.started {
            return Ok(());
        }
        // SAFETY: the entry was accepted, the call is live, the host table is static.
        let status =
            unsafe { field!(self.entry, abi::Entry, init).map_or(abi::OK, |init| init(host::table(), call)) };
        if status != abi::OK {
            return Err(status);
        }
        state.started = true;
        Ok(())
    }

    /// Runs `body` with the instance of a node, making it if it is new. An instance that panicked is never used again.
    pub(crate) fn with_node(
        &self,
        node: &str,
        kind: &str,
        call: *const abi::Call,
        services: &Services<'_>,
        body: impl FnOnce(*mut abi::Node) -> abi::Status,
    ) -> Result<abi::Status, Failure> {
        let key = (node.to_owned(), kind.to_owned());
        let mut state = self.state();
        self.start(&mut state, call)
            .map_err(|status| outcome::not_started(&self.identity.id, status, services))?;
        let instance = match state.nodes.remove(&key) {
            Some(instance) => instance,
            None => self.create(kind, call, services)?,
        };
        drop(state);
        let status = body(instance.0);
        if status == abi::E_PANIC {
            // Quarantined: what it holds may be half changed, so it is neither run nor destroyed.
            return Ok(status);
        }
        self.state().nodes.insert(key, instance);
        Ok(status)
    }

    fn create(
        &self,
        kind: &str,
        call: *const abi::Call,
        services: &Services<'_>,
    ) -> Result<Instance, Failure> {
        let mut node: *mut abi::Node = std::ptr::null_mut();
        // SAFETY: the entry was accepted (`create` is there), the call is live, `node` is null on entry.
        let status = unsafe {
            field!(self.entry, abi::Entry, create)
                .map_or(abi::E_UNSUPPORTED, |create| create(abi::Str::new(kind), call, &raw mut node))
        };
        // SAFETY: a node that was made has a vtable with `run`, or is not a node.
        let usable = !node.is_null()
            && unsafe { !(*node).vt.is_null() && field!((*node).vt, abi::NodeVt, run).is_some() };
        if status != abi::OK || !usable {
            return Err(outcome::not_created(&self.identity.id, kind, status, services));
        }
        Ok(Instance(node))
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (_, instance) in state.nodes.drain() {
            // SAFETY: made by `create`, destroyed once; nobody else holds it.
            unsafe {
                if let Some(destroy) = field!((*instance.0).vt, abi::NodeVt, destroy) {
                    destroy(instance.0);
                }
            }
        }
        if state.started {
            // SAFETY: started by `init`, and exclusive: this is the last owner.
            unsafe {
                let left = field!(self.entry, abi::Entry, deinit).map_or(0, |deinit| deinit());
                if left > 0 {
                    let id = &self.identity.id;
                    host::note(
                        Level::Debug,
                        format!("plugin {id} says that {left} of its objects were never released"),
                    );
                }
            }
        }
    }
}

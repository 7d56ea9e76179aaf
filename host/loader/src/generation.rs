//! One loaded build of a plugin.

use crate::call::{Judgement, failure};
use crate::library::Library;
use crate::{descriptor, host, outcome};
use blake3::Hash;
use dreamwire_abi as abi;
use dreamwire_engine::{Failure, Level, Services};
use dreamwire_graph::KindInfo;
use dreamwire_socket::{CallRef, EntryRef, Facts, HostCall, NodeRef, Ran};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One loaded build of a plugin. It is retired when its last value is dropped.
pub(crate) struct Generation {
    pub(crate) path: PathBuf,
    pub(crate) hash: Hash,
    pub(crate) facts: Facts,
    pub(crate) kinds: Vec<KindInfo>,
    entry: EntryRef,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    started: bool,
    /// Node instances by node id and kind, kept between runs.
    nodes: HashMap<(String, String), NodeRef>,
}

impl Generation {
    /// Loads a library and reads its descriptors. Of the plugin's code only initialisers have run then.
    pub(crate) fn load(path: &Path, bytes: &[u8], hash: Hash) -> Result<Self, String> {
        let entry = Library::open(path, bytes, &hash)?.entry();
        let (facts, kinds) = descriptor::read(entry, &path.display().to_string())?;
        Ok(Self { path: path.to_owned(), hash, facts, kinds, entry, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the plugin unless it has started.
    fn start(&self, state: &mut State, call: CallRef<'_>) -> Result<(), abi::Status> {
        if state.started {
            return Ok(());
        }
        match self.entry.init(host::host_table(), call) {
            abi::OK => {
                state.started = true;
                Ok(())
            }
            status => Err(status),
        }
    }

    /// Runs `body` with the instance of a node, creating it if necessary. An instance that panicked is never
    /// used again.
    pub(crate) fn with_node(
        &self,
        node: &str,
        kind: &str,
        call: CallRef<'_>,
        services: &Services<'_>,
        body: impl FnOnce(&mut NodeRef) -> Ran,
    ) -> Result<Ran, Failure> {
        let key = (node.to_owned(), kind.to_owned());
        let mut state = self.state();
        self.start(&mut state, call)
            .map_err(|status| outcome::not_started(&self.facts.id, status, services))?;
        let mut instance = match state.nodes.remove(&key) {
            Some(instance) => instance,
            None => self
                .entry
                .create(kind, call)
                .map_err(|not| outcome::not_created(&self.facts.id, kind, not.status, services))?,
        };
        drop(state);
        let ran = body(&mut instance);
        // An instance that panicked may be in an inconsistent state, so it is neither run nor destroyed.
        if ran.status != abi::E_PANIC {
            self.state().nodes.insert(key, instance);
        }
        Ok(ran)
    }

    /// Lets a kind judge complete params. May be called before the plugin has started, and from any thread.
    pub(crate) fn check_params(&self, kind: &str, params: &str) -> Result<(), Failure> {
        let Some(found) = self.facts.kinds.iter().find(|it| it.id == kind) else { return Ok(()) };
        let judgement = Judgement::default();
        let call = HostCall::new(&judgement).without_files();
        let status = self.entry.check_params(found.index, call.call(), params);
        drop(call);
        match status {
            None | Some(abi::OK) => Ok(()),
            Some(status) => {
                Err(judgement.said().map_or_else(|| outcome::wordless(&self.facts.id, status), failure))
            }
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.nodes.drain().for_each(|(_, instance)| instance.destroy());
        if state.started
            && let Some(left @ 1..) = self.entry.deinit()
        {
            let id = &self.facts.id;
            host::note(
                Level::Debug,
                format!("plugin {id} reports that {left} of its objects were never released"),
            );
        }
    }
}

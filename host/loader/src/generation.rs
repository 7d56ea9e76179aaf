//! One loaded build of a plugin.

use crate::call::{Judgement, dl_device, failure};
use crate::descriptor::Descriptors;
use crate::index::{Accepted, Build};
use crate::library::Library;
use crate::{Refusal, host, outcome, working_folder};
use blake3::Hash;
use dreamwire_abi as abi;
use dreamwire_engine::{Device, Failure, FailureKind, Level, Services};
use dreamwire_graph::KindInfo;
use dreamwire_socket::{CallRef, DeviceFacts, EntryRef, Facts, HostCall, NodeRef, Ran};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// One loaded build of a plugin. It is retired when its last value is dropped.
///
/// A build that the index knows is loaded without opening its library, which is opened when one of its kinds is first
/// needed.
pub(crate) struct Generation {
    pub(crate) path: PathBuf,
    pub(crate) hash: Hash,
    pub(crate) kinds: Vec<KindInfo>,
    descriptors: Descriptors,
    indexed: Option<Indexed>,
    entry: OnceLock<EntryRef>,
    opening: Mutex<()>,
    state: Mutex<State>,
}

/// The place of a build in the index, and what its kinds have accepted.
struct Indexed {
    build: Build,
    accepted: Accepted,
}

#[derive(Default)]
struct State {
    started: bool,
    /// Node instances by node id and kind, kept between runs.
    nodes: HashMap<(String, String), NodeRef>,
}

impl Generation {
    /// Opens a library and reads its descriptors; of the plugin's code only initialisers have run then. If there is an
    /// index, the build is known to it from now on.
    pub(crate) fn open(path: &Path, bytes: &[u8], hash: Hash, build: Option<Build>) -> Result<Self, Refusal> {
        // Without a copy in the index, the build will have to be opened like this the next time too.
        let build = build.filter(|build| build.write_copy(bytes));
        let opened = Self::open_now(path, bytes, hash, build.as_ref()).and_then(|(entry, descriptors)| {
            let generation = Self::of(path, hash, descriptors, build.clone())?;
            let _ = generation.entry.set(entry);
            Ok(generation)
        });
        if let Some(build) = build {
            match &opened {
                Ok(generation) => build.write(&generation.descriptors, bytes.len()),
                Err(_) => build.remove(),
            }
        }
        opened
    }

    /// A build that the index knows. Its library is not opened.
    pub(crate) fn indexed(path: &Path, hash: Hash, build: Build) -> Option<Self> {
        let descriptors = build.read()?;
        Self::of(path, hash, descriptors, Some(build)).ok()
    }

    fn of(path: &Path, hash: Hash, descriptors: Descriptors, build: Option<Build>) -> Result<Self, String> {
        Ok(Self {
            path: path.to_owned(),
            hash,
            kinds: descriptors.kinds(&path.display().to_string())?,
            descriptors,
            indexed: build.map(|build| Indexed { accepted: build.accepted(), build }),
            entry: OnceLock::new(),
            opening: Mutex::default(),
            state: Mutex::default(),
        })
    }

    fn open_now(
        path: &Path,
        bytes: &[u8],
        hash: Hash,
        build: Option<&Build>,
    ) -> Result<(EntryRef, Descriptors), Refusal> {
        let library = match build {
            Some(build) => Library::open_indexed(path, bytes, build)?,
            None => Library::open(path, bytes, &hash)?,
        };
        let entry = library.entry();
        Ok((entry, Descriptors::read(entry)?))
    }

    /// What the plugin says of itself.
    pub(crate) fn facts(&self) -> &Facts {
        &self.descriptors.facts
    }

    /// Whether it can compute on devices of that class, if they work.
    pub(crate) fn is_built_for(&self, device: Device) -> bool {
        device == Device::Cpu || self.descriptors.devices.contains(&dl_device(device).device_type)
    }

    /// Asks whether a device works. The library is opened if necessary; it need not be started.
    pub(crate) fn probe(&self, device: Device) -> Result<DeviceFacts, Failure> {
        let entry = self.entry().map_err(|refusal| refusal.failure(&self.path))?;
        let Ok(Some(devices)) = entry.devices() else {
            return Err(Failure::new(FailureKind::Plugin, "it says nothing of devices"));
        };
        let judgement = Judgement::default();
        let call = HostCall::new(&judgement).without_files();
        let found = devices.probe(dl_device(device), call.call());
        drop(call);
        found.map_err(|status| {
            judgement.said().map_or_else(|| outcome::wordless(&self.facts().id, status), failure)
        })
    }

    /// Whether the library is open.
    #[cfg(test)]
    pub(crate) fn is_open(&self) -> bool {
        self.entry.get().is_some()
    }

    /// The entry of the library, which is opened if necessary.
    fn entry(&self) -> Result<EntryRef, Refusal> {
        if let Some(entry) = self.entry.get() {
            return Ok(*entry);
        }
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = self.entry.get() {
            return Ok(*entry);
        }
        let bytes = self.bytes()?;
        let build = self.indexed.as_ref().map(|indexed| &indexed.build);
        let (entry, found) = Self::open_now(&self.path, &bytes, self.hash, build)?;
        if found != self.descriptors {
            // Its kinds are called as its descriptors say, so nothing of it may run.
            build.iter().for_each(|build| build.remove());
            return Err("its kinds are not what they were when it was last opened; try again".into());
        }
        Ok(*self.entry.get_or_init(|| entry))
    }

    /// The bytes of the library: the copy in the index, or else the library itself, of which a new copy is made.
    fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        let build = self.indexed.as_ref().map(|indexed| &indexed.build);
        if let Some(bytes) = build.and_then(Build::read_copy) {
            return Ok(bytes);
        }
        let bytes = std::fs::read(&self.path).map_err(|e| e.to_string())?;
        if blake3::hash(&bytes) != self.hash {
            return Err(
                "it has changed since plugins were loaded, and the copy of the old build is gone".into()
            );
        }
        if let Some(build) = build {
            build.write_copy(&bytes);
        }
        Ok(bytes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the plugin unless it has started.
    fn start(&self, entry: EntryRef, state: &mut State, call: CallRef<'_>) -> Result<(), abi::Status> {
        if state.started {
            return Ok(());
        }
        match entry.init(host::host_table(), call) {
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
        working_folder::kept(
            || self.run(node, kind, call, services, body),
            |to| {
                let who = format!("plugin {}", self.facts().id);
                services.log(Level::Warn, &working_folder::message(&who, &to));
            },
        )
    }

    fn run(
        &self,
        node: &str,
        kind: &str,
        call: CallRef<'_>,
        services: &Services<'_>,
        body: impl FnOnce(&mut NodeRef) -> Ran,
    ) -> Result<Ran, Failure> {
        let entry = self.entry().map_err(|refusal| refusal.failure(&self.path))?;
        let key = (node.to_owned(), kind.to_owned());
        let mut state = self.state();
        self.start(entry, &mut state, call)
            .map_err(|status| outcome::not_started(&self.facts().id, status, services))?;
        let mut instance = match state.nodes.remove(&key) {
            Some(instance) => instance,
            None => entry
                .create(kind, call)
                .map_err(|not| outcome::not_created(&self.facts().id, kind, not.status, services))?,
        };
        drop(state);
        let ran = body(&mut instance);
        // An instance that panicked may be in an inconsistent state, so it is neither run nor destroyed.
        if ran.status != abi::E_PANIC {
            self.state().nodes.insert(key, instance);
        }
        Ok(ran)
    }

    /// Lets a kind judge complete params. May be called before the plugin has started, and from any thread. A kind of an
    /// indexed build is not asked again for what it has accepted.
    pub(crate) fn check_params(&self, kind: &str, params: &str) -> Result<(), Failure> {
        let Some(found) = self.facts().kinds.iter().find(|it| it.id == kind) else { return Ok(()) };
        let accepted = self.indexed.as_ref().map(|indexed| &indexed.accepted);
        if accepted.is_some_and(|accepted| accepted.has(kind, params)) {
            return Ok(());
        }
        let entry = self.entry().map_err(|refusal| refusal.failure(&self.path))?;
        let judgement = Judgement::default();
        let call = HostCall::new(&judgement).without_files();
        let status = working_folder::kept(
            || entry.check_params(found.index, call.call(), params),
            |to| {
                let (who, when) =
                    (format!("plugin {}", self.facts().id), format!("when a `{kind}` was checked"));
                working_folder::warn(&who, &when, &to);
            },
        );
        drop(call);
        match status {
            None | Some(abi::OK) => {
                accepted.iter().for_each(|accepted| accepted.add(kind, params));
                Ok(())
            }
            Some(status) => {
                Err(judgement.said().map_or_else(|| outcome::wordless(&self.facts().id, status), failure))
            }
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.nodes.drain().for_each(|(_, instance)| instance.destroy());
        if state.started
            && let Some(left @ 1..) = self.entry.get().and_then(|entry| entry.deinit())
        {
            let id = &self.descriptors.facts.id;
            host::note(
                Level::Debug,
                format!("plugin {id} reports that {left} of its objects were never released"),
            );
        }
    }
}

#[cfg(test)]
mod tests;

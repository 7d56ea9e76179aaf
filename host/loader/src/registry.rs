//! All plugins together: their kinds and owners.

use crate::call::Context;
use crate::crash::Running;
use crate::generation::Generation;
use crate::index::PluginIndex;
use crate::opening::Opening;
use crate::search::{Candidate, Search};
use crate::value::{lend, take_outputs};
use crate::{ELSEWHERE, KNOWN, Refusal, environment, outcome};
use blake3::Hash;
use dreamwire_abi as abi;
use dreamwire_engine::{Device, Failure, FailureKind, Nodes, Request, Value};
use dreamwire_graph::{Hint, KindInfo, Kinds};
use dreamwire_socket::DeviceFacts;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One device of each class.
const CLASSES: [Device; 3] = [Device::Cpu, Device::Cuda(0), Device::Metal];

/// The loaded plugins, with one owner per kind.
pub struct Loader {
    kinds: Kinds,
    owners: HashMap<String, Arc<Generation>>,
    generations: Vec<Arc<Generation>>,
}

/// A problem with a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, with the path.
    pub message: String,
    /// What to do about it.
    pub hint: Option<Hint>,
    /// Whether nothing can run because of it.
    pub fatal: bool,
}

/// A plugin, for listings.
#[derive(Clone, Debug)]
pub struct PluginInfo {
    /// `org.dreamwire.image`.
    pub id: String,
    /// Its own version.
    pub version: String,
    /// Its own description of its build.
    pub build: String,
    /// The library.
    pub path: PathBuf,
    /// The hash of the library's bytes, in hexadecimal.
    pub hash: String,
    /// The kinds that it offers.
    pub kinds: Vec<String>,
    /// The classes of devices that it was built for: `cpu`, `cuda`, `metal`.
    pub devices: Vec<&'static str>,
}

impl Loader {
    /// Loads the plugins that the search finds. Builds that `previous` has loaded already are kept with all
    /// their instances. Builds that the index knows are not opened until one of their kinds is needed; without an index,
    /// all are opened now.
    ///
    /// One bad library does not stop the others. If two offer the same kind, only the user can decide, so the
    /// kind belongs to neither.
    pub fn load(
        search: &Search,
        threads: usize,
        previous: Option<&Self>,
        index: Option<&PluginIndex>,
    ) -> (Self, Vec<Problem>) {
        environment::set_threads(threads);
        let (candidates, mut problems) = search.candidates();
        let mut loader = Self { kinds: Kinds::new(), owners: HashMap::new(), generations: Vec::new() };
        loader.kinds.searched = search.places();
        loader.kinds.known =
            KNOWN.iter().map(|(kind, file)| ((*kind).to_owned(), (*file).to_owned())).collect();
        for (names, hint) in ELSEWHERE {
            let told = names.iter().map(|name| ((*name).to_owned(), (*hint).to_owned()));
            loader.kinds.elsewhere.extend(told);
        }
        let mut opening = Opening::new(previous, index);
        for candidate in &candidates {
            match opening.open(&candidate.path) {
                // The same bytes in two folders are one plugin.
                Ok(generation) if loader.generations.iter().any(|g| g.hash == generation.hash) => {}
                Ok(generation) => loader.generations.push(generation),
                Err(refusal) => {
                    problems.push(problem(candidate, &refusal));
                    if refusal.of_the_machine {
                        // The others would only say the same.
                        break;
                    }
                }
            }
        }
        opening.end();
        loader.assign_kinds(&mut problems);
        (loader, problems)
    }

    fn assign_kinds(&mut self, problems: &mut Vec<Problem>) {
        let mut offers: HashMap<&str, Vec<&Arc<Generation>>> = HashMap::new();
        for generation in &self.generations {
            for kind in &generation.kinds {
                offers.entry(&kind.id).or_default().push(generation);
            }
        }
        let mut conflicts = Vec::new();
        for (id, generations) in offers {
            if let [one] = generations[..] {
                if let Some(kind) = one.kinds.iter().find(|kind| kind.id == id) {
                    self.kinds.insert(kind.clone());
                }
                self.owners.insert(id.to_owned(), Arc::clone(one));
            } else {
                let mut paths: Vec<String> =
                    generations.iter().map(|g| format!("`{}`", g.path.display())).collect();
                paths.dedup();
                conflicts.push((paths.join(" and "), id.to_owned()));
            }
        }
        // One line per pair of libraries, not one per kind.
        conflicts.sort();
        for group in conflicts.chunk_by(|a, b| a.0 == b.0) {
            let kinds: Vec<String> = group.iter().map(|(_, kind)| format!("`{kind}`")).collect();
            problems.push(Problem {
                message: format!("{} is offered by {}", kinds.join(", "), group[0].0),
                hint: Some("keep only one of them in the plugin folders".into()),
                fatal: true,
            });
        }
    }

    /// Asks each plugin that was built for such a device, and whose id is wanted, whether it works: the plugin's id and
    /// its answer, by id. Their libraries are opened; a driver may take seconds to start.
    pub fn probe(
        &self,
        device: Device,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<(String, Result<DeviceFacts, Failure>)> {
        let built = self.generations.iter().filter(|it| it.is_built_for(device) && wanted(&it.facts().id));
        let mut answers: Vec<_> = built.map(|it| (it.facts().id.clone(), it.probe(device))).collect();
        answers.sort_by(|a, b| a.0.cmp(&b.0));
        answers
    }

    /// The generation of a build that was loaded from that library.
    pub(crate) fn generation(&self, library: &Path, hash: Hash) -> Option<Arc<Generation>> {
        self.generations.iter().find(|it| it.hash == hash && it.path == library).map(Arc::clone)
    }

    #[cfg(test)]
    pub(crate) fn generations(&self) -> &[Arc<Generation>] {
        &self.generations
    }

    /// The loaded plugins, by id.
    pub fn plugins(&self) -> Vec<PluginInfo> {
        let info = |g: &Arc<Generation>| PluginInfo {
            id: g.facts().id.clone(),
            version: g.facts().version.clone(),
            build: g.facts().build.clone(),
            path: g.path.clone(),
            hash: g.hash.to_hex().to_string(),
            kinds: g.kinds.iter().map(|kind| kind.id.clone()).collect(),
            devices: CLASSES.iter().filter(|class| g.is_built_for(**class)).map(|it| it.class()).collect(),
        };
        let mut plugins: Vec<PluginInfo> = self.generations.iter().map(info).collect();
        plugins.sort_by(|a, b| a.id.cmp(&b.id));
        plugins
    }
}

fn problem(candidate: &Candidate, refusal: &Refusal) -> Problem {
    Problem {
        message: refusal.message(&candidate.path),
        hint: refusal.hint.clone(),
        fatal: candidate.named || refusal.of_the_machine,
    }
}

impl Nodes for Loader {
    fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    fn build(&self, kind: &str) -> Option<Hash> {
        self.owners.get(kind).map(|generation| generation.hash)
    }

    fn device(&self, kind: &str, device: Device) -> Device {
        match self.owners.get(kind) {
            Some(generation) if !generation.is_built_for(device) => Device::Cpu,
            _ => device,
        }
    }

    fn check_params(&self, kind: &KindInfo, params: &str) -> Result<(), Failure> {
        self.owners.get(&kind.id).map_or(Ok(()), |generation| generation.check_params(&kind.id, params))
    }

    fn run(&self, request: &Request<'_>) -> Result<Vec<Value>, Failure> {
        let kind = request.kind;
        let generation = self
            .owners
            .get(&kind.id)
            .ok_or_else(|| Failure::new(FailureKind::Plugin, format!("no plugin offers `{}`", kind.id)))?;
        let plugin = &generation.facts().id;
        let context = Context::new(request.services);
        let call = context.call(request.device, request.threads);
        let inputs =
            lend(request.inputs).map_err(|fault| Failure::new(FailureKind::Failed, fault.message))?;
        let _running = Running::step(request.node, &kind.id, plugin);
        let ran = generation.with_node(request.node, &kind.id, call.call(), request.services, |node| {
            node.run(call.call(), request.params, &inputs, kind.outputs.len())
        })?;
        if ran.status != abi::OK {
            // Outputs of a cancelled run, the best so far, are dropped with `ran`: nothing uses them yet.
            return Err(outcome::failure(plugin, ran.status, request.services));
        }
        take_outputs(ran.outputs, &kind.outputs, request, generation)
            .map_err(|why| outcome::broken(plugin, why))
    }
}

#[cfg(test)]
mod tests;

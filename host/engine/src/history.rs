//! What the steps of a run were made of, to explain why a later run computes them again.

use crate::key;
use crate::run::{Run, Stopped};
use blake3::Hash;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What each step of a run was made of, by node id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History(BTreeMap<String, Recipe>);

/// Everything that a key hashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Recipe {
    kind: String,
    version: u32,
    build: String,
    mode: String,
    params: Map<String, Value>,
    files: Vec<(String, String)>,
    inputs: Vec<Source>,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Source {
    input: String,
    node: String,
    output: usize,
    key: String,
}

/// Why a step runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reason {
    /// No earlier run had a node of this id.
    New,
    /// Its kind is another one.
    Kind {
        /// The kind before.
        before: String,
    },
    /// A param changed. `None` where it was or is not set.
    Param {
        /// Its name.
        name: String,
        /// The value before.
        before: Option<Value>,
        /// The value now.
        now: Option<Value>,
    },
    /// The content of a file changed.
    File {
        /// The param that names it.
        param: String,
    },
    /// The plugin was rebuilt, or the version of the kind changed.
    Build {
        /// The kind that it offers.
        kind: String,
    },
    /// Another device or other vector instructions, or NaN are allowed now and were not before.
    Mode {
        /// The mode before.
        before: String,
        /// The mode now.
        now: String,
    },
    /// An input is linked to another output.
    Link {
        /// The input.
        input: String,
    },
    /// The node that gives an input has changed.
    Input {
        /// The input.
        input: String,
        /// The node.
        node: String,
    },
    /// Each run of its kind may give another result.
    NotPure,
    /// Nothing changed, but its result is not cached: functions never leave memory, and old results are removed.
    NotKept,
    /// Whether rows of its batch are cached shows when that node has run: its own are not, as they are not if it once made
    /// them as one batch.
    Hidden {
        /// The node.
        node: String,
    },
    /// Only a part of its batch is cached.
    Rows {
        /// How many rows are.
        cached: usize,
        /// How many rows the batch has.
        batch: usize,
    },
}

impl History {
    /// The number of steps.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The history of a run.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of(run: &Run<'_>) -> Result<Self, Stopped> {
        Self::with_keys(run, &crate::run::deep_keys(run)?)
    }

    pub(crate) fn with_keys(run: &Run<'_>, deep: &[Hash]) -> Result<Self, Stopped> {
        let plan = run.plan;
        let mut steps = BTreeMap::new();
        for step in &plan.steps {
            let node = plan.node(step);
            let source = |input: &str, link: &dreamwire_graph::Link| Source {
                input: input.to_owned(),
                node: plan.graph.nodes[link.node].id.clone(),
                output: link.output,
                // The keys of nodes that are not pure never come again.
                key: match plan.graph.nodes[link.node].kind.pure_ {
                    true => deep[link.node].to_hex().to_string(),
                    false => String::new(),
                },
            };
            let ports = node.kind.inputs.iter().zip(&node.ports);
            let ports = ports.flat_map(|(port, links)| links.iter().map(|link| source(&port.name, link)));
            let linked = node.linked_params.iter().map(|(name, link)| source(name, link));
            let (build, files) = crate::run::made_of(run, step)?;
            let recipe = Recipe {
                kind: node.kind.id.clone(),
                version: node.kind.version,
                build: build.to_hex().to_string(),
                mode: key::mode(&run.options_of(&node.kind.id)),
                params: node.params.clone(),
                files: files.into_iter().map(|(name, hash)| (name, hash.to_hex().to_string())).collect(),
                inputs: ports.chain(linked).collect(),
            };
            steps.insert(node.id.clone(), recipe);
        }
        Ok(Self(steps))
    }

    /// Why a step that is not cached runs, judged by an earlier run.
    pub(crate) fn reasons(&self, node: &str, earlier: &Self, pure_: bool) -> Vec<Reason> {
        let (Some(now), Some(before)) = (self.0.get(node), earlier.0.get(node)) else {
            return vec![Reason::New];
        };
        if now.kind != before.kind {
            return vec![Reason::Kind { before: before.kind.clone() }];
        }
        let mut reasons = Vec::new();
        if now.build != before.build || now.version != before.version {
            reasons.push(Reason::Build { kind: now.kind.clone() });
        }
        if now.mode != before.mode {
            reasons.push(Reason::Mode { before: before.mode.clone(), now: now.mode.clone() });
        }
        reasons.extend(changed_params(now, before));
        for (param, hash) in &now.files {
            // A param that names another file is a changed param.
            if now.params.get(param) == before.params.get(param)
                && !before.files.contains(&(param.clone(), hash.clone()))
            {
                reasons.push(Reason::File { param: param.clone() });
            }
        }
        reasons.extend(changed_inputs(now, before));
        if !pure_ {
            reasons.push(Reason::NotPure);
        }
        if reasons.is_empty() {
            reasons.push(Reason::NotKept);
        }
        reasons
    }
}

fn changed_params(now: &Recipe, before: &Recipe) -> Vec<Reason> {
    let gone = before.params.keys().filter(|name| !now.params.contains_key(*name));
    let names = now.params.keys().chain(gone);
    let changed = names.filter(|name| now.params.get(*name) != before.params.get(*name));
    let reason = |name: &String| Reason::Param {
        name: name.clone(),
        before: before.params.get(name).cloned(),
        now: now.params.get(name).cloned(),
    };
    changed.map(reason).collect()
}

fn changed_inputs(now: &Recipe, before: &Recipe) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let place = |source: &Source| (source.input.clone(), source.node.clone(), source.output);
    let others: Vec<_> = before.inputs.iter().map(place).collect();
    for source in &now.inputs {
        let input = source.input.clone();
        if !others.contains(&place(source)) {
            reasons.push(Reason::Link { input });
        } else if !before.inputs.contains(source) {
            reasons.push(Reason::Input { input, node: source.node.clone() });
        }
    }
    let places: Vec<_> = now.inputs.iter().map(place).collect();
    let gone = before.inputs.iter().filter(|source| !places.contains(&place(source)));
    reasons.extend(gone.map(|source| Reason::Link { input: source.input.clone() }));
    reasons.dedup();
    reasons
}

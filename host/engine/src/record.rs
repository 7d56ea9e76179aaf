//! What a picture was made of: enough to say whether it would come out the same here.

use crate::key;
use crate::metadata::{self, RECORD};
use crate::run::Run;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a picture was made of. It has hashes and ids, and no path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of Dreamwire that published it. Only the plugins make pixels.
    pub version: String,
    /// The id of the node that published it.
    pub node: String,
    /// Which of that node's files it is, from 0.
    pub index: usize,
    /// The plugins of the nodes that it needed, by id.
    pub plugins: BTreeMap<String, Made>,
    /// The hash of each file that a param of these nodes names: input pictures and weights. By `node.param`; further files
    /// of one param as `node.param[1]`.
    pub files: BTreeMap<String, String>,
    /// Params, as `node.param`, whose file is named over a link: which file that was is not recorded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unknown: BTreeSet<String>,
    /// The hash of the picture without what it carries ([`metadata::content`]).
    pub content: String,
}

/// The build of a plugin, and how it computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The hash of its library.
    pub build: String,
    /// Device, vector instructions, operators, and whether NaN was allowed: what changes digits.
    pub mode: String,
}

/// What is not the same now as when a picture was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A plugin is another build.
    Plugin {
        /// Its id.
        id: String,
        /// The hash of its library then; `None` if the picture did not need it.
        was: Option<String>,
        /// The hash now; `None` if the graph does not need it.
        now: Option<String>,
    },
    /// A plugin computes elsewhere, or with other instructions.
    Mode {
        /// Its id.
        id: String,
        /// How it computed then.
        was: String,
        /// How it would now.
        now: String,
    },
    /// A file has other content.
    File {
        /// The param that names it, as `node.param`.
        input: String,
        /// The hash then; `None` if the picture did not need it.
        was: Option<String>,
        /// The hash now; `None` if the graph does not name it.
        now: Option<String>,
    },
}

impl Record {
    /// What the files that a node publishes in a run are made of. A file that cannot be read is left out. `None` if there
    /// is no such node, or no plugin offers a kind.
    pub fn of(run: &Run<'_>, node: &str, index: usize) -> Option<Self> {
        let plan = run.plan;
        let output = plan.graph.nodes.iter().position(|known| known.id == node)?;
        let needed = plan.needed_by(&[output]);
        let mut record = Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: node.to_owned(),
            index,
            ..Self::default()
        };
        for step in plan.steps.iter().filter(|step| needed[step.node]) {
            let node = plan.node(step);
            if node.kind.plugin.is_empty() {
                // It only carries a value from one run to another.
                continue;
            }
            let build = run.nodes.build(&node.kind.id)?.to_hex().to_string();
            let mode = key::mode(&run.options_of(&node.kind.id));
            record.plugins.insert(node.kind.plugin.clone(), Made { build, mode });
            for (index, file) in step.files.iter().enumerate() {
                let place = step.files[..index].iter().filter(|other| other.param == file.param).count();
                let input = format!("{}.{}", node.id, file.param);
                let input = if place == 0 { input } else { format!("{input}[{place}]") };
                if let Ok(read) = run.files.look(&file.path, run.world) {
                    record.files.insert(input, read.hash.to_hex().to_string());
                }
            }
            record.unknown.extend(node.files_named_later().map(|param| format!("{}.{param}", node.id)));
        }
        Some(record)
    }

    /// The record that a picture carries, if it is one.
    pub fn read(picture: &[u8]) -> Option<Self> {
        serde_json::from_str(&metadata::text(picture, RECORD)?).ok()
    }

    /// As the record of that picture.
    #[must_use]
    pub fn of_picture(self, picture: &[u8]) -> Self {
        let content = metadata::content(picture).map_or(String::new(), |hash| hash.to_hex().to_string());
        Self { content, ..self }
    }

    /// Whether NaN and infinity were allowed.
    pub fn allows_nonfinite(&self) -> bool {
        self.plugins.values().any(|made| made.mode.ends_with(key::NONFINITE))
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What differs from a record of now: plugins, then how they compute, then files.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        for id in self.plugins.keys().chain(now.plugins.keys()).collect::<BTreeSet<_>>() {
            let build = |record: &Self| record.plugins.get(id).map(|made| made.build.clone());
            if build(self) != build(now) {
                found.push(Difference::Plugin { id: id.clone(), was: build(self), now: build(now) });
            }
        }
        for (id, was) in &self.plugins {
            if let Some(now) = now.plugins.get(id).filter(|now| now.mode != was.mode) {
                found.push(Difference::Mode { id: id.clone(), was: was.mode.clone(), now: now.mode.clone() });
            }
        }
        for input in self.files.keys().chain(now.files.keys()).collect::<BTreeSet<_>>() {
            let hash = |record: &Self| record.files.get(input).cloned();
            if hash(self) != hash(now) {
                found.push(Difference::File { input: input.clone(), was: hash(self), now: hash(now) });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(build: &str, mode: &str, files: &[(&str, &str)]) -> Record {
        let made = Made { build: build.to_owned(), mode: mode.to_owned() };
        let files = files.iter().map(|(input, hash)| ((*input).to_owned(), (*hash).to_owned())).collect();
        Record { plugins: BTreeMap::from([("p".to_owned(), made)]), files, ..Record::default() }
    }

    #[test]
    fn differences_are_named() {
        let was = record("1", "cpu (x)", &[("photo.image", "a"), ("net.weights", "b")]);
        assert_eq!(was.differences(&was), []);
        let now = record("2", "cuda (x)", &[("photo.image", "c"), ("more.image", "d")]);
        let found = was.differences(&now);
        let some = |text: &str| Some(text.to_owned());
        let file = |input: &str, was, now| Difference::File { input: input.to_owned(), was, now };
        assert_eq!(
            found,
            [
                Difference::Plugin { id: "p".to_owned(), was: some("1"), now: some("2") },
                Difference::Mode {
                    id: "p".to_owned(),
                    was: "cpu (x)".to_owned(),
                    now: "cuda (x)".to_owned()
                },
                file("more.image", None, some("d")),
                file("net.weights", some("b"), None),
                file("photo.image", some("a"), some("c")),
            ]
        );
    }

    #[test]
    fn a_record_of_a_later_program_with_more_in_it_is_read() {
        let text = r#"{"version": "9", "node": "save", "index": 3, "plugins": {"p": {"build": "b", "mode": "m", "more": 1}},
            "files": {}, "content": "c", "more": [1]}"#;
        let record: Record = serde_json::from_str(text).unwrap();
        assert_eq!((record.index, record.plugins["p"].build.as_str()), (3, "b"));
    }
}

//! The plugin under examination, and how its kinds are run.

use crate::attempt::{Attempt, attempts};
use crate::outcome::{Done, Stop, Tally};
use crate::probe::{Host, HostFunction, Node, Plugin, Ran};
use crate::{Settings, judge, params};
use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;
use serde_json::Map;
use std::path::Path;

/// A library to check.
pub(crate) struct Subject<'a> {
    pub(crate) path: &'a Path,
    pub(crate) settings: &'a Settings,
    /// Receives what is tried next, in case the process does not survive it.
    pub(crate) at: &'a dyn Fn(&str),
}

/// A plugin that was started.
pub(crate) struct Started<'a> {
    pub(crate) plugin: Plugin,
    pub(crate) kinds: Vec<KindInfo>,
    pub(crate) host: Host,
    subject: &'a Subject<'a>,
}

/// A kind that ran.
pub(crate) struct Worked {
    pub(crate) node: Node,
    pub(crate) attempt: Attempt,
    pub(crate) ran: Ran,
    /// The number of its progress calls.
    pub(crate) polls: u64,
    /// All functions that it was lent.
    pub(crate) functions: Vec<HostFunction>,
}

impl Subject<'_> {
    /// Opens the library.
    pub(crate) fn open(&self) -> Result<Plugin, Stop> {
        (self.at)("opening");
        Plugin::open(self.path).map_err(Stop::Failed)
    }

    /// Opens the library, reads its kinds and calls `init`.
    pub(crate) fn start(&self) -> Result<Started<'_>, Stop> {
        self.start_opened(self.open()?)
    }

    /// Reads the kinds of a plugin and calls `init`.
    pub(crate) fn start_opened(&self, plugin: Plugin) -> Result<Started<'_>, Stop> {
        let kinds = plugin.kinds().map_err(Stop::Failed)?;
        let host = Host::new();
        (self.at)("init");
        plugin.start(&host).map_err(|refused| {
            let why = judge::words(refused.status, refused.said.as_ref());
            Stop::Failed(format!("init ended with {why}"))
        })?;
        Ok(Started { plugin, kinds, host, subject: self })
    }
}

impl Started<'_> {
    /// Announces what is tried next.
    pub(crate) fn at(&self, place: &str) {
        (self.subject.at)(place);
    }

    /// Checks every kind.
    pub(crate) fn each_kind(&self, mut look: impl FnMut(&KindInfo) -> Result<Done, String>) -> Tally {
        let mut tally = Tally::default();
        for kind in &self.kinds {
            self.at(&kind.id);
            tally.add(&kind.id, look(kind));
        }
        tally
    }

    pub(crate) fn create(&self, kind: &KindInfo) -> Result<Node, String> {
        self.plugin.create(&self.host, &kind.id).map_err(|not| {
            format!("it could not be created: {}", judge::words(not.status, not.said.as_ref()))
        })
    }

    /// Ways to run a kind.
    pub(crate) fn attempts(&self, kind: &KindInfo) -> Result<Vec<Attempt>, String> {
        let params = params::complete(kind, self.subject.settings, &self.host)?;
        Ok(attempts(&self.host, kind, &params))
    }

    /// The first way to run a kind.
    pub(crate) fn first_attempt(&self, kind: &KindInfo) -> Result<Attempt, String> {
        let first = self.attempts(kind)?.into_iter().next();
        Ok(first.unwrap_or(Attempt { name: "", params: Map::new(), inputs: Vec::new() }))
    }

    pub(crate) fn run(&self, node: &mut Node, kind: &KindInfo, attempt: &Attempt) -> Ran {
        node.run(&self.host, &attempt.json(), &attempt.inputs, kind.outputs.len())
    }

    /// Runs a new instance. If it refuses the default of a number, it is run again with another number.
    pub(crate) fn try_to_run(&self, kind: &KindInfo, mut attempt: Attempt) -> Result<Worked, String> {
        let mut node = self.create(kind)?;
        self.host.cancel_at(0);
        let mut ran = self.run(&mut node, kind, &attempt);
        if ran.status < 0
            && ran.status != abi::E_PANIC
            && let Some((name, value)) = mend(kind, &attempt, &ran)
        {
            attempt.params.insert(name, value);
            self.host.cancel_at(0);
            ran = self.run(&mut node, kind, &attempt);
        }
        let functions = attempt.functions();
        Ok(Worked { node, polls: self.host.polls(), functions, attempt, ran })
    }

    /// Runs a new instance in the first way that works. The inner error says why none does.
    pub(crate) fn work(&self, kind: &KindInfo) -> Result<Result<Worked, String>, String> {
        let (mut why, mut functions) = (None, Vec::new());
        for attempt in self.attempts(kind)? {
            let mut worked = self.try_to_run(kind, attempt)?;
            functions.append(&mut worked.functions);
            if worked.ran.status == abi::OK {
                return Ok(Ok(Worked { functions, ..worked }));
            }
            why.get_or_insert_with(|| judge::words(worked.ran.status, worked.ran.said.as_ref()));
            // A panicked instance may be in an inconsistent state.
            if worked.ran.status != abi::E_PANIC {
                worked.node.destroy();
            }
        }
        Ok(Err(why.unwrap_or_default()))
    }

    /// Checks a kind that runs; one that does not is left out.
    pub(crate) fn each_working_kind(
        &self,
        mut look: impl FnMut(&KindInfo, Worked) -> Result<Done, String>,
    ) -> Tally {
        self.each_kind(|kind| match self.work(kind)? {
            Ok(worked) => look(kind, worked),
            Err(why) => Ok(Done::LeftOut(why)),
        })
    }
}

/// The param that a refusal names, and another value for it.
fn mend(kind: &KindInfo, attempt: &Attempt, ran: &Ran) -> Option<(String, serde_json::Value)> {
    let name = &ran.said.as_ref()?.input;
    let mended = params::mended(kind, name, attempt.params.get(name)?)?;
    Some((name.clone(), mended))
}

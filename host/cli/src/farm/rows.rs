//! The rows of what is exported, looked at on this machine: a graph that cannot run here is not exported.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dreamwire_engine::Nodes;
use dreamwire_graph::{Diagnostic, Format, Graph, Source, Varying, parse};
use dreamwire_loader::Loader;
use dreamwire_session::sequence::{Refused, RowOptions, Rows};
use dreamwire_session::{Judging, understand};

use crate::args::{Global, JobArgs, cores};
use crate::console::Console;
use crate::exit::Exit;
use crate::{open, render};

/// A graph and the rows that it is run for.
pub(super) struct Looked {
    console: Console,
    source: Source,
    graph: Graph,
    loader: Arc<Loader>,
    roots: Vec<PathBuf>,
    options: RowOptions,
    /// How many rows there are in all.
    pub(super) total: u64,
    /// How many of them are to be run.
    pub(super) count: u64,
}

impl Looked {
    /// Reads and checks the graph, and finds its rows.
    ///
    /// # Errors
    /// An exit code; the problem has been said.
    pub(super) fn at(args: &JobArgs, global: &Global, console: Console) -> Result<Self, Exit> {
        let file = open::graph(&args.graph, &args.inputs, console)?;
        let (source, problems) = file.read();
        say(&source, &problems, console)?;
        let session = open::session(global, cores(), console)?;
        let understood = understand(parse(&source), &file.sets, &*session.loader, Judging::Here);
        let understood = understood.map_err(|what| {
            console.talk(&format!("error: --set: {what}"));
            Exit::USAGE
        })?;
        say(&source, &understood.problems, console)?;
        let mut looked = Self {
            console,
            source,
            graph: understood.graph,
            loader: session.loader,
            roots: file.roots(),
            options: args.rows.options().unwrap_or_default(),
            total: 0,
            count: 0,
        };
        let rows = looked.rows(&looked.options)?;
        (looked.total, looked.count) = (rows.total() as u64, rows.len() as u64);
        if rows.is_empty() {
            console.talk("error: there is no row to run");
            return Err(Exit::USAGE);
        }
        Ok(looked)
    }

    fn rows(&self, options: &RowOptions) -> Result<Rows, Exit> {
        Rows::of(options, &self.graph, self.loader.kinds(), &self.roots).map_err(|refused| match refused {
            Refused::Usage(what) => {
                self.console.talk(&format!("error: {what}"));
                Exit::USAGE
            }
            Refused::Problem(problem) => {
                let exit = Exit::for_class(problem.class);
                say(&self.source, &[*problem], self.console).err().unwrap_or(exit)
            }
        })
    }

    /// Whether the rows can be run in so many parts: not if a part would need a row of another one.
    ///
    /// # Errors
    /// An exit code; the problem has been said.
    pub(super) fn in_parts(&self, parts: u64) -> Result<(), Exit> {
        let has_feedback = self.varies(|varying| matches!(varying, Varying::Previous { .. }));
        let parts = usize::try_from(parts).unwrap_or(usize::MAX);
        for part in (1..=parts).filter(|_| has_feedback) {
            self.rows(&RowOptions { shard: Some((part, parts)), ..self.options.clone() })?;
        }
        Ok(())
    }

    /// Whether a part of the graph needs the results of all rows.
    pub(super) fn gathers(&self) -> bool {
        self.varies(|varying| matches!(varying, Varying::Rows(_) | Varying::Labels))
    }

    fn varies(&self, how: impl Fn(&Varying) -> bool) -> bool {
        self.graph.varying().any(|place| how(place.varying))
    }

    /// An assignment, `node.param=value`, with an absolute path instead of one that only the current folder makes
    /// something of. `list` says that the value is several ones, with commas.
    pub(super) fn anywhere(&self, assignment: &str, list: bool) -> String {
        let Some((target, value)) = assignment.split_once('=').filter(|(target, _)| self.is_file(target))
        else {
            return assignment.to_owned();
        };
        let items: Vec<&str> = if list { value.split(',').map(str::trim).collect() } else { vec![value] };
        let items = items.into_iter().map(|item| self.absolute(item).unwrap_or_else(|| item.to_owned()));
        format!("{target}={}", items.collect::<Vec<_>>().join(","))
    }

    /// Whether `node.param` names a file or a folder.
    fn is_file(&self, target: &str) -> bool {
        self.graph.nodes.iter().any(|node| {
            let name = target.strip_prefix(&node.id).and_then(|rest| rest.strip_prefix('.'));
            let kind = self.loader.kinds().get(&node.kind);
            let param = name.and_then(|name| kind?.params.get(name));
            let format = param.and_then(|param| param.format);
            matches!(format, Some(Format::File | Format::Directory | Format::Weights))
        })
    }

    /// The absolute path, if the path is found from the current folder, and not in an input folder.
    fn absolute(&self, path: &str) -> Option<String> {
        let is_relative = !path.is_empty() && Path::new(path).is_relative();
        let full = std::path::absolute(path).ok().filter(|full| is_relative && full.exists())?;
        let is_seen = self.roots.iter().any(|root| root.join(path).exists());
        if is_seen { None } else { full.to_str().map(str::to_owned) }
    }
}

/// Shows problems.
fn say(source: &Source, problems: &[Diagnostic], console: Console) -> Result<(), Exit> {
    if !problems.is_empty() {
        console.drawn(&render::problems(source, problems, console.color));
    }
    Exit::of(problems).map_or(Ok(()), Err)
}

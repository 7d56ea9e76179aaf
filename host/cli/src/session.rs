use std::path::PathBuf;
use std::sync::Arc;

use dreamwire_engine::{Disk, Nodes};
use dreamwire_graph::{Checked, Diagnostic, Kinds, Source, check, parse};
use dreamwire_loader::{Loader, Search, take_log};

use crate::args::{GraphArgs, RunArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::graph_file;

/// The plugins that a command works with.
pub(crate) struct Session {
    pub(crate) search: Search,
    pub(crate) loader: Arc<Loader>,
}

impl Session {
    /// Finds and loads the plugins, and says what is wrong with them.
    pub(crate) fn open(plugins: &[PathBuf], threads: usize, console: Console) -> Result<Self, Exit> {
        let search = Search::new(plugins);
        let (loader, problems) = Loader::load(&search, threads, None);
        let fatal = problems.iter().any(|problem| problem.fatal);
        problems.iter().for_each(|problem| console.talk(&plugin_problem(problem)));
        console.log(take_log());
        if fatal { Err(Exit::PLUGIN) } else { Ok(Session { search, loader: Arc::new(loader) }) }
    }

    /// The kinds on offer.
    pub(crate) fn kinds(&self) -> &Kinds {
        self.loader.kinds()
    }
}

/// A problem with a plugin, for people.
pub(crate) fn plugin_problem(problem: &dreamwire_loader::Problem) -> String {
    let start = if problem.fatal { "error" } else { "warning" };
    match &problem.help {
        Some(help) => format!("{start}: {}\n\nhelp: {help}", problem.message),
        None => format!("{start}: {}", problem.message),
    }
}

/// What could be made of a graph file.
pub(crate) struct Understood {
    /// The graph, where there is no error.
    pub(crate) checked: Option<Checked>,
    /// Errors and warnings, not sorted yet.
    pub(crate) problems: Vec<Diagnostic>,
    /// What a picture carries as its recipe: the graph with `--set` applied, as strict JSON.
    pub(crate) provenance: String,
}

/// Source -> parse -> set -> check. The error is about `--set`.
pub(crate) fn understand(source: &Source, sets: &[String], kinds: &Kinds) -> Result<Understood, String> {
    let (mut graph, mut problems) = parse(source);
    let mut wrong = None;
    for assignment in sets {
        if let Err(what) = graph.set(assignment, kinds) {
            wrong.get_or_insert(what);
        }
    }
    // In a graph that is not understood, that is the first thing to put right.
    let guess = graph.damaged || graph.nodes.iter().any(|node| kinds.get(&node.kind).is_none());
    if let Some(what) = wrong
        && !guess
    {
        return Err(format!("--set: {what}"));
    }
    let (checked, more) = check(&graph, kinds);
    problems.extend(more);
    let provenance = graph.to_json(kinds).to_string();
    Ok(Understood { checked, problems, provenance })
}

/// Where inputs are looked for: the graph's folder first.
pub(crate) fn roots(graph: &GraphArgs, inputs: &[PathBuf]) -> Vec<PathBuf> {
    let mut roots = vec![graph_file::folder(&graph.path)];
    roots.extend(inputs.iter().cloned());
    roots
}

/// The files that the graph may read and write.
pub(crate) fn world(args: &RunArgs) -> Disk {
    Disk::new(roots(&args.graph, &args.inputs), args.out.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_set_is_not_blamed_on_a_broken_graph() {
        let sets = ["a.b=1".to_owned()];
        let understood = understand(&Source::new("g.json", "{"), &sets, &Kinds::new()).ok();
        let understood = understood.expect("the graph is to blame");
        assert!(understood.checked.is_none());
        assert!(!understood.problems.is_empty());
        let wrong = understand(&Source::new("g.json", "{}"), &sets, &Kinds::new()).err();
        assert_eq!(wrong.as_deref(), Some("--set: there is no node `a`"));
    }
}

//! The common start of the commands: opening plugins and the graph file.

use std::path::{Path, PathBuf};

use dreamwire_loader::{Problem, take_log};
use dreamwire_session::{CacheFolder, GraphFile, Session};

use crate::args::{Global, GraphArgs};
use crate::console::{Console, with_hint};
use crate::exit::Exit;
use crate::render::hint_text;

/// Finds and loads the plugins, and reports problems with them.
pub(crate) fn session(global: &Global, threads: usize, console: Console) -> Result<Session, Exit> {
    session_by(None, global, threads, console)
}

/// As [`session`]; libraries that nothing is known of are opened in a process of their own first.
pub(crate) fn isolated_session(global: &Global, threads: usize, console: Console) -> Result<Session, Exit> {
    session_by(std::env::current_exe().ok().as_deref(), global, threads, console)
}

fn session_by(
    opener: Option<&Path>,
    global: &Global,
    threads: usize,
    console: Console,
) -> Result<Session, Exit> {
    let tell = |problems: &[Problem]| {
        problems.iter().for_each(|problem| console.talk(&plugin_problem(problem)));
        console.log(take_log());
    };
    let cache = global.cache();
    match Session::open(&global.plugins, threads, cache.as_ref().map(CacheFolder::path), opener) {
        Ok((session, problems)) => {
            tell(&problems);
            Ok(session)
        }
        Err(problems) => {
            tell(&problems);
            Err(Exit::PLUGIN)
        }
    }
}

/// Warns of a cache that cannot be used: each run will compute everything.
pub(crate) fn check_cache(cache: Option<&CacheFolder>, console: Console) {
    if let Some(cache) = cache
        && let Err(error) = cache.check()
    {
        let path = cache.path().display();
        console.talk(&format!("warning: results are not kept: cannot write to `{path}`: {error}"));
    }
}

/// A problem with a plugin, for people.
pub(crate) fn plugin_problem(problem: &Problem) -> String {
    let start = if problem.fatal { "error" } else { "warning" };
    let hint = problem.hint.as_ref().map(hint_text);
    with_hint(&format!("{start}: {}", problem.message), hint.as_deref())
}

/// The graph file and its input folders.
pub(crate) fn graph(args: &GraphArgs, inputs: &[PathBuf], console: Console) -> Result<GraphFile, Exit> {
    let graph = GraphFile {
        path: args.path.clone(),
        sets: args.set.clone(),
        inputs: inputs.to_vec(),
        ..GraphFile::default()
    };
    match graph.missing_input() {
        None => Ok(graph),
        Some(folder) => {
            console.talk(&format!("error: --in: there is no folder `{}`", folder.display()));
            Err(Exit::USAGE)
        }
    }
}

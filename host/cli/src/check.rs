use dreamwire_engine::{Device, Plan};
use dreamwire_graph::{Diagnostic, Source, parse, sort};
use dreamwire_session::device::chosen;
use dreamwire_session::{GraphFile, Judging, Session, understand};
use serde_json::Value;

use crate::args::{CheckArgs, Format, Global, cores};
use crate::console::{Console, clean_line};
use crate::exit::Exit;
use crate::{open, render};

/// `dreamwire check`: checks graphs. Opens no other files.
pub(crate) fn check(args: &CheckArgs, global: &Global, console: Console) -> Exit {
    let session = match open::session(global, cores(), console) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let mut exit = Exit::OK;
    let mut list = Vec::new();
    for path in &args.paths {
        let graph = GraphFile { path: path.clone(), sets: args.set.clone(), ..GraphFile::default() };
        let checked = match look(&graph, args.device.asked(), &session) {
            Ok(checked) => checked,
            Err(what) => {
                console.talk(&format!("error: --set: {what}"));
                return Exit::USAGE;
            }
        };
        let Checked { source, problems, nodes } = checked;
        // The first error decides the exit code.
        if exit == Exit::OK {
            exit = Exit::of(&problems).unwrap_or(Exit::OK);
        }
        match args.format {
            Format::Json => list.extend(problems.iter().map(|problem| render::json(&source, problem))),
            Format::Human if problems.is_empty() => {}
            Format::Human => console.drawn(&render::problems(&source, &problems, console.color)),
        }
        if let (Format::Human, Some(count)) = (args.format, nodes) {
            let plural = if count == 1 { "" } else { "s" };
            console.talk(&format!("{}: ok, {count} node{plural}", clean_line(&source.name)));
        }
    }
    if args.format == Format::Json {
        console.data(&format!("{:#}\n", Value::Array(list)));
    }
    exit
}

struct Checked {
    source: Source,
    problems: Vec<Diagnostic>,
    /// The number of nodes, if the graph has no errors.
    nodes: Option<usize>,
}

fn look(graph: &GraphFile, device: Option<Device>, session: &Session) -> Result<Checked, String> {
    let (source, mut problems) = graph.read();
    let mut nodes = None;
    if problems.is_empty() {
        let mut understood = understand(parse(&source), &graph.sets, &*session.loader, Judging::Here)?;
        let checked = understood.whole();
        nodes = checked.as_ref().map(|checked| checked.nodes.len());
        problems = understood.problems;
        if let (Some(checked), Some(_)) = (checked, device) {
            let plan = Plan::new(checked, String::new());
            if let Err(problem) = chosen(&plan, device, &session.loader) {
                problems.push(problem);
                nodes = None;
            }
        }
    }
    sort(&mut problems);
    Ok(Checked { source, problems, nodes })
}

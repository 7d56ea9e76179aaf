use dreamwire_graph::{Diagnostic, Source, sort};
use serde_json::Value;

use crate::args::{CheckArgs, Format, Global, cores};
use crate::console::Console;
use crate::exit::Exit;
use crate::session::{Session, understand};
use crate::{graph_file, render};

/// `dreamwire check`: opens no file but the graph.
pub(crate) fn check(args: &CheckArgs, global: &Global, console: Console) -> Exit {
    let (source, problems) = graph_file::read(&args.graph.path);
    if !problems.is_empty() {
        return show(args, console, &source, problems);
    }
    let session = match Session::open(&global.plugins, cores(), console) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let understood = match understand(&source, &args.graph.set, session.kinds()) {
        Ok(understood) => understood,
        Err(what) => {
            console.talk(&format!("error: {what}"));
            return Exit::USAGE;
        }
    };
    let exit = show(args, console, &source, understood.problems);
    if let (Format::Human, Some(checked)) = (args.format, &understood.checked) {
        let nodes = match checked.nodes.len() {
            1 => "1 node".to_owned(),
            count => format!("{count} nodes"),
        };
        console.talk(&format!("{}: ok, {nodes}", source.name));
    }
    exit
}

fn show(args: &CheckArgs, console: Console, source: &Source, mut problems: Vec<Diagnostic>) -> Exit {
    sort(&mut problems);
    match args.format {
        Format::Human if problems.is_empty() => {}
        Format::Human => console.talk(&render::problems(source, &problems, console.color)),
        Format::Json => {
            let list = problems.iter().map(|problem| render::json(source, problem)).collect();
            console.data(&format!("{:#}\n", Value::Array(list)));
        }
    }
    Exit::of(&problems).unwrap_or(Exit::OK)
}

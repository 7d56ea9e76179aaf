use std::io::Write;

use dreamwire_engine::Nodes;
use dreamwire_graph::{Form, Graph, parse, sort};
use dreamwire_session::{Judging, understand};
use serde_json::Value;

use crate::args::{ConvertArgs, FormArg, Global, cores};
use crate::console::{Console, with_hint};
use crate::exit::Exit;
use crate::output::{Output, Refused};
use crate::{open, render};

/// `dreamwire convert`: writes a graph in the other form, or in the form that is asked for. Runs nothing.
pub(crate) fn convert(args: &ConvertArgs, global: &Global, console: Console) -> Exit {
    let tell = |Refused { message, hint, exit }: Refused| {
        console.talk(&with_hint(&format!("error: {message}"), hint.as_deref()));
        exit
    };
    let place = |path| Output::at(path, &args.graph.path, args.force);
    // What can be refused without reading the graph is.
    let output = match args.out.clone().map(place).transpose() {
        Ok(output) => output,
        Err(refused) => return tell(refused),
    };
    let text = match converted(args, global, console) {
        Ok(value) => format!("{value:#}\n"),
        Err(exit) => return exit,
    };
    match output {
        None => console.data(&text),
        Some(output) => {
            if let Err(refused) = output.write(|file| file.write_all(text.as_bytes())) {
                return tell(refused);
            }
        }
    }
    Exit::OK
}

/// The editor's own form has no inputs that differ from row to row.
fn warn_of_rows(graph: &Graph, console: Console) {
    let places: Vec<String> =
        graph.varying().map(|place| format!("`{}.{}`", place.node, place.input)).collect();
    if !places.is_empty() {
        console.talk(&with_hint(
            &format!("warning: of {} only what a run of one row has is written", places.join(", ")),
            Some("the editor's own form has no curves, no row before and no values of all rows"),
        ));
    }
}

fn converted(args: &ConvertArgs, global: &Global, console: Console) -> Result<Value, Exit> {
    let graph = open::graph(&args.graph, &[], console)?;
    let (source, mut problems) = graph.read();
    let mut found = None;
    if problems.is_empty() {
        let session = open::session(global, cores(), console)?;
        let kinds = session.loader.kinds();
        let understood = understand(parse(&source), &graph.sets, &*session.loader, Judging::ByTheRunner);
        let understood = understood.map_err(|what| {
            console.talk(&format!("error: --set: {what}"));
            Exit::USAGE
        })?;
        let graph = understood.graph;
        let to = args.to.unwrap_or(match graph.form {
            Form::Api => FormArg::Ui,
            Form::Editor => FormArg::Api,
        });
        found = Some(match to {
            FormArg::Ui => {
                warn_of_rows(&graph, console);
                graph.to_ui(kinds)
            }
            FormArg::Api => graph.to_json(kinds),
        });
        problems = understood.problems;
    }
    sort(&mut problems);
    if !problems.is_empty() {
        console.drawn(&render::problems(&source, &problems, console.color));
    }
    match Exit::of(&problems) {
        Some(exit) => Err(exit),
        None => found.ok_or(Exit::GRAPH),
    }
}

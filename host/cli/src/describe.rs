use std::path::PathBuf;

use dreamwire_engine::{Disk, File as Input, Plan, Snapshot, WorldError};
use dreamwire_graph::{CheckedNode, Diagnostic, Format, parse, sort};
use dreamwire_loader::PluginInfo;
use dreamwire_session::device::{Chosen, chosen};
use dreamwire_session::{Judging, understand};
use serde_json::{Value, json};

use crate::args::{DescribeArgs, Global, cores};
use crate::console::{Console, clean};
use crate::exit::Exit;
use crate::{open, render};

/// `dreamwire describe`: shows what a run of a graph would read, use and publish. Runs nothing and writes no files.
pub(crate) fn describe(args: &DescribeArgs, global: &Global, console: Console) -> Exit {
    look(args, global, console).unwrap_or_else(|exit| exit)
}

fn look(args: &DescribeArgs, global: &Global, console: Console) -> Result<Exit, Exit> {
    let graph = open::graph(&args.graph, &args.inputs, console)?;
    let (source, problems) = graph.read();
    let say = |mut problems: Vec<Diagnostic>| {
        sort(&mut problems);
        if !problems.is_empty() {
            console.drawn(&render::problems(&source, &problems, console.color));
        }
        Exit::of(&problems).unwrap_or(Exit::GRAPH)
    };
    if !problems.is_empty() {
        return Err(say(problems));
    }
    let session = open::session(global, cores(), console)?;
    let understood = understand(parse(&source), &graph.sets, &*session.loader, Judging::Here);
    let mut understood = understood.map_err(|what| {
        console.talk(&format!("error: --set: {what}"));
        Exit::USAGE
    })?;
    let checked = understood.whole();
    let exit = say(understood.problems);
    let plan = Plan::new(checked.ok_or(exit)?, String::new());
    let device = chosen(&plan, args.device.asked(), &session.loader).map_err(|problem| say(vec![problem]))?;
    let world = Disk::new(graph.roots(), PathBuf::from("out"));
    let files = files(&plan, &world);
    let plugins = session.loader.plugins();
    let description = Description { name: &source.name, plan: &plan, device, files: &files, plugins };
    if args.json {
        console.data(&format!("{:#}\n", description.as_json()));
    } else {
        console.data(&clean(&description.as_text()));
    }
    Ok(if files.iter().any(|file| file.content.is_err()) { Exit::INPUT } else { Exit::OK })
}

/// A file that the graph names.
struct File<'a> {
    node: &'a CheckedNode,
    param: String,
    text: String,
    weights: bool,
    content: Result<Input, WorldError>,
}

fn files<'a>(plan: &'a Plan, world: &Disk) -> Vec<File<'a>> {
    let mut files = Vec::new();
    let snapshot = Snapshot::take(plan, world);
    for step in &plan.steps {
        let node = plan.node(step);
        for file in &step.files {
            let format = node.kind.params.get(&file.param).and_then(|param| param.format);
            files.push(File {
                node,
                param: file.param.clone(),
                text: file.path.text.clone(),
                weights: format == Some(Format::Weights),
                content: snapshot.look(&file.path, world),
            });
        }
    }
    files
}

/// Weights that are names instead of files, such as `vgg16` or `random:1`: node, param and name.
fn named_weights(plan: &Plan) -> Vec<(&str, &str, &str)> {
    let mut found = Vec::new();
    for node in plan.steps.iter().map(|step| plan.node(step)) {
        for param in node.kind.params.list.iter().filter(|param| param.format == Some(Format::Weights)) {
            if let Some(Value::String(name)) = node.params.get(&param.name)
                && param.is_builtin(name)
            {
                found.push((node.id.as_str(), param.name.as_str(), name.as_str()));
            }
        }
    }
    found
}

struct Description<'a> {
    name: &'a str,
    plan: &'a Plan,
    device: Chosen,
    files: &'a [File<'a>],
    plugins: Vec<PluginInfo>,
}

impl Description<'_> {
    fn nodes(&self) -> impl Iterator<Item = &CheckedNode> {
        self.plan.steps.iter().map(|step| self.plan.node(step))
    }

    fn needed_plugins(&self) -> impl Iterator<Item = &PluginInfo> {
        self.plugins.iter().filter(|plugin| self.nodes().any(|node| node.kind.plugin == plugin.id))
    }

    fn as_json(&self) -> Value {
        let files = self.files.iter().map(|file| {
            let mut entry = json!({
                "node": file.node.id, "param": file.param, "text": file.text, "weights": file.weights,
            });
            match &file.content {
                Ok(found) => {
                    entry["path"] = found.path.display().to_string().into();
                    entry["bytes"] = found.length.into();
                    entry["blake3"] = found.hash.to_hex().as_str().into();
                }
                Err(error) => entry["error"] = error.message.as_str().into(),
            }
            entry
        });
        let named_weights = named_weights(self.plan);
        let named_weights = named_weights
            .iter()
            .map(|(node, param, name)| json!({ "node": node, "param": param, "name": name }));
        let step =
            |node: &CheckedNode| json!({ "node": node.id, "kind": node.kind.id, "params": node.params });
        json!({
            "graph": self.name,
            "device": { "device": self.device.device.to_string(), "words": self.device.words },
            "steps": self.nodes().map(step).collect::<Vec<_>>(),
            "files": files.collect::<Vec<_>>(),
            "named_weights": named_weights.collect::<Vec<_>>(),
            "outputs": self.nodes().filter(|node| node.kind.output).map(|node| &node.id).collect::<Vec<_>>(),
            "plugins": self.needed_plugins().map(|plugin| json!({
                "id": plugin.id,
                "version": plugin.version,
                "path": plugin.path.display().to_string(),
                "hash": plugin.hash,
            })).collect::<Vec<_>>(),
        })
    }

    fn as_text(&self) -> String {
        let mut text = format!("{}\n\nsteps\n", self.name);
        for node in self.nodes() {
            let mark = if node.kind.output { ", an output" } else { "" };
            text += &format!("  {} ({}{mark})\n", node.id, node.kind.id);
        }
        let words = self.device.words.iter().filter(|words| !words.is_empty());
        let words: String = words.map(|words| format!(" ({words})")).collect();
        text += &format!("\ndevice\n  {}{words}\n\nfiles\n", self.device.device);
        for file in self.files {
            let place = format!("  {}, `{}` of {}", file.text, file.param, file.node.id);
            text += &match &file.content {
                Ok(found) => {
                    let (path, bytes, hash) = (found.path.display(), found.length, found.hash.to_hex());
                    format!("{place}\n    {path}\n    {bytes} bytes, blake3 {hash}\n")
                }
                Err(error) => format!("{place}\n    error: {error}\n"),
            };
        }
        for (node, param, name) in named_weights(self.plan) {
            text += &format!("  {name}, `{param}` of {node}\n    a name that the plugin knows, not a file\n");
        }
        if text.ends_with("files\n") {
            text += "  none\n";
        }
        text += "\nplugins\n";
        for plugin in self.needed_plugins() {
            text += &format!("  {} {}\n    {}\n", plugin.id, plugin.version, plugin.path.display());
        }
        text
    }
}

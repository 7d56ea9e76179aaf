use std::path::PathBuf;

use dreamwire_engine::{Disk, InputPath, Plan, World};
use dreamwire_graph::{CheckedNode, Diagnostic, Format, sort};
use dreamwire_loader::PluginInfo;
use serde_json::{Value, json};

use crate::args::{DescribeArgs, Global, cores};
use crate::console::{Console, clean};
use crate::exit::Exit;
use crate::session::{Session, roots, understand};
use crate::{graph_file, render};

/// `dreamwire describe`: what a run of a graph would read, use and publish. Runs nothing and writes nothing.
pub(crate) fn describe(args: &DescribeArgs, global: &Global, console: Console) -> Exit {
    let (source, problems) = graph_file::read(&args.graph.path);
    let say = |problems: &mut Vec<Diagnostic>| {
        sort(problems);
        if !problems.is_empty() {
            console.talk(&render::problems(&source, problems, console.color));
        }
        Exit::of(problems).unwrap_or(Exit::GRAPH)
    };
    if !problems.is_empty() {
        return say(&mut { problems });
    }
    let session = match Session::open(&global.plugins, cores(), console) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let mut understood = match understand(&source, &args.graph.set, session.kinds()) {
        Ok(understood) => understood,
        Err(what) => {
            console.talk(&format!("error: {what}"));
            return Exit::USAGE;
        }
    };
    let exit = say(&mut understood.problems);
    let Some(checked) = understood.checked else { return exit };
    let plan = Plan::new(checked, String::new());
    let world = Disk::new(roots(&args.graph, &args.inputs), PathBuf::from("."));
    let files = files(&plan, &world);
    let description =
        Description { name: &source.name, plan: &plan, files: &files, plugins: session.loader.plugins() };
    if args.json {
        console.data(&format!("{:#}\n", description.as_json()));
    } else {
        console.data(&clean(&description.as_text()));
    }
    if files.iter().any(|file| file.content.is_err()) { Exit::INPUT } else { Exit::OK }
}

/// A file that the graph names.
struct File<'a> {
    node: &'a CheckedNode,
    param: String,
    text: String,
    weights: bool,
    /// Where it is, its size in bytes, and its blake3; or why it cannot be read.
    content: Result<(PathBuf, u64, String), String>,
}

fn files<'a>(plan: &'a Plan, world: &Disk) -> Vec<File<'a>> {
    let mut files = Vec::new();
    for step in &plan.steps {
        let node = plan.node(step);
        for file in &step.files {
            let format = node.kind.params.get(&file.param).and_then(|param| param.format);
            files.push(File {
                node,
                param: file.param.clone(),
                text: file.path.text.clone(),
                weights: format == Some(Format::Weights),
                content: content(world, &file.path),
            });
        }
    }
    files
}

/// The world notes where it found what it was last asked for.
fn content(world: &Disk, path: &InputPath) -> Result<(PathBuf, u64, String), String> {
    world.begin_run();
    let file = world.read(path).map_err(|error| error.message)?;
    let place = world.asked().pop().unwrap_or_else(|| PathBuf::from(&path.text));
    Ok((place, file.bytes.len() as u64, file.hash.to_hex().to_string()))
}

/// Weights that are no file but a name that the plugin knows, `vgg16` or `random:1`: node, param and name.
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
                Ok((path, bytes, hash)) => {
                    entry["path"] = path.display().to_string().into();
                    entry["bytes"] = (*bytes).into();
                    entry["blake3"] = hash.as_str().into();
                }
                Err(error) => entry["error"] = error.as_str().into(),
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
        text += "\nfiles\n";
        for file in self.files {
            let place = format!("  {}, `{}` of {}", file.text, file.param, file.node.id);
            text += &match &file.content {
                Ok((path, bytes, hash)) => {
                    format!("{place}\n    {}\n    {bytes} bytes, blake3 {hash}\n", path.display())
                }
                Err(error) => format!("{place}\n    error: {error}\n"),
            };
        }
        for (node, param, name) in named_weights(self.plan) {
            text += &format!("  {name}, `{param}` of {node}\n    a name that the plugin knows, no file\n");
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

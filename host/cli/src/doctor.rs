use std::path::Path;

use dreamwire_engine::{Disk, Nodes, Plan, Snapshot, preflight};
use dreamwire_graph::{Class, Diagnostic, Source, parse, sort};
use dreamwire_loader::{KNOWN, Loader, PluginInfo};
use dreamwire_session::device::{self, Found, Why};
use dreamwire_session::{GraphFile, Judging, Session, machine, understand};
use serde_json::json;

use crate::args::{DoctorArgs, Global, cores};
use crate::cache::in_units;
use crate::console::{Console, clean, clean_line};
use crate::exit::Exit;
use crate::open;
use crate::render::hint_text;

/// Less memory or space than this is worth a warning, in bytes.
const LITTLE: u64 = 1 << 30;

/// `dreamwire doctor`: what this installation has, and what a graph lacks. Runs nothing.
pub(crate) fn doctor(args: &DoctorArgs, global: &Global, console: Console) -> Exit {
    let mut findings = Vec::new();
    findings.push(Finding::good("program", format!("dreamwire {}", env!("CARGO_PKG_VERSION"))));
    findings
        .push(Finding::good("processor", format!("{} cores, {}", cores(), dreamwire_engine::instructions())));
    let session = open::session(global, cores(), console);
    findings.extend(session.as_ref().ok().map(|session| devices(&session.loader)));
    findings.push(amount("memory", machine::available_memory(), "available"));
    findings.push(amount(
        "temporary",
        machine::free_space(&std::env::temp_dir()),
        "free in the temporary folder",
    ));
    findings.push(cache(global));
    match session {
        Ok(session) => {
            plugins(&session.loader.plugins(), &mut findings);
            if let Some(graph) = &args.graph {
                look_at(graph, args, &session, &mut findings);
            }
        }
        Err(exit) => findings.push(Finding::bad("plugins", "see above".to_owned(), exit)),
    }
    if args.json {
        let all: Vec<_> = findings.iter().map(Finding::as_json).collect();
        console.data(&format!("{:#}\n", serde_json::Value::Array(all)));
    } else {
        findings.iter().for_each(|finding| console.data(&finding.as_text()));
    }
    findings.iter().find_map(|finding| finding.exit).unwrap_or(Exit::OK)
}

/// Where the plugins can compute, and why not elsewhere.
fn devices(loader: &Loader) -> Finding {
    let found = device::devices(loader);
    let all_unbuilt = found.iter().skip(1).all(|found| matches!(found.state, Err(Why::NotBuilt)));
    if all_unbuilt {
        return Finding::good("devices", "cpu; the plugins were built for neither CUDA nor Metal".to_owned());
    }
    let line = |found: &Found| match &found.state {
        Ok(works) if works.facts.name.is_empty() => Some(found.device.to_string()),
        Ok(works) => Some(format!("{} ({})", found.device, works.facts.name)),
        Err(Why::NotBuilt) => None,
        Err(Why::Broken(why)) => Some(format!("not {}: {why}", found.device.class())),
    };
    let what: Vec<String> = found.iter().filter_map(line).collect();
    let is_broken = found.iter().any(|found| matches!(found.state, Err(Why::Broken(_))));
    match is_broken {
        true => Finding::odd("devices", what.join("; "), "`dreamwire devices` tells more"),
        false => Finding::good("devices", what.join("; ")),
    }
}

/// One line of the report.
struct Finding {
    about: &'static str,
    what: String,
    hint: Option<String>,
    warning: bool,
    exit: Option<Exit>,
}

impl Finding {
    fn good(about: &'static str, what: String) -> Self {
        Finding { about, what, hint: None, warning: false, exit: None }
    }

    fn odd(about: &'static str, what: String, hint: &str) -> Self {
        Finding { hint: Some(hint.to_owned()), warning: true, ..Self::good(about, what) }
    }

    fn bad(about: &'static str, what: String, exit: Exit) -> Self {
        Finding { exit: Some(exit), ..Self::good(about, what) }
    }

    fn state(&self) -> &'static str {
        match (self.exit, self.warning) {
            (Some(_), _) => "error",
            (None, true) => "warning",
            (None, false) => "ok",
        }
    }

    fn as_text(&self) -> String {
        let what = clean_line(&self.what);
        let mut text = format!("{:7}  {:9}  {what}\n", self.state(), self.about);
        for line in self.hint.iter().flat_map(|hint| hint.lines()) {
            text += &format!("{:20}hint: {}\n", "", clean(line));
        }
        text
    }

    fn as_json(&self) -> serde_json::Value {
        let mut value = json!({ "about": self.about, "state": self.state(), "what": self.what });
        if let Some(hint) = &self.hint {
            value["hint"] = hint.as_str().into();
        }
        if let Some(exit) = self.exit {
            value["exit"] = exit.code().into();
        }
        value
    }
}

fn amount(about: &'static str, bytes: Option<u64>, what: &str) -> Finding {
    match bytes {
        None => Finding::good(about, "not known on this system".to_owned()),
        Some(bytes) if bytes < LITTLE => {
            let what = format!("only {} {what}", in_units(bytes));
            Finding::odd(about, what, "pictures and networks may not fit")
        }
        Some(bytes) => Finding::good(about, format!("{} {what}", in_units(bytes))),
    }
}

fn cache(global: &Global) -> Finding {
    let Some(folder) = global.cache() else {
        return Finding::good("cache", "off: each run computes everything".to_owned());
    };
    let path = folder.path();
    let usage = folder.results().usage();
    let free = machine::free_space(path).map_or(String::new(), |free| format!(", {} free", in_units(free)));
    let (used, limit) = (in_units(usage.bytes), in_units(folder.limit_bytes()));
    let what = format!("`{}`: {used} of {limit}{free}", path.display());
    match is_writable(path) {
        true => Finding::good("cache", what),
        false => {
            Finding::odd("cache", format!("{what}, not writable"), "name another folder with --cache DIR")
        }
    }
}

/// Whether a folder, or the nearest one that exists, can be written to.
fn is_writable(path: &Path) -> bool {
    let existing = path.ancestors().find(|path| path.exists());
    existing.filter(|path| path.is_dir()).is_some_and(|folder| tempfile::tempfile_in(folder).is_ok())
}

fn plugins(found: &[PluginInfo], findings: &mut Vec<Finding>) {
    let ids: Vec<&str> = found.iter().map(|plugin| &plugin.id[..]).collect();
    findings.push(Finding::good("plugins", if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }));
    let has = |kind: &str| found.iter().any(|plugin| plugin.kinds.iter().any(|it| it == kind));
    let mut missing: Vec<&str> = KNOWN.iter().filter(|(kind, _)| !has(kind)).map(|(_, file)| *file).collect();
    missing.dedup();
    if !missing.is_empty() {
        let what = format!("not found: {}", missing.join(", "));
        findings.push(Finding::odd("plugins", what, "they lie beside the program, or where --plugins says"));
    }
}

/// A problem of a graph, with its place.
fn finding(about: &'static str, source: &Source, problem: &Diagnostic) -> Finding {
    let place = problem.span().map_or(String::new(), |span| {
        let (line, column) = source.position(span.start);
        format!("{}:{line}:{column}: ", source.name)
    });
    let about = match problem.class {
        Class::Input => "input",
        Class::Output => "output",
        _ => about,
    };
    let what = format!("{place}{}", problem.message);
    let found = match problem.is_error() {
        true => Finding::bad(about, what, Exit::for_class(problem.class)),
        false => Finding { warning: true, ..Finding::good(about, what) },
    };
    Finding { hint: problem.hint.as_ref().map(hint_text), ..found }
}

/// What a graph needs and does not have.
fn look_at(graph: &Path, args: &DoctorArgs, session: &Session, findings: &mut Vec<Finding>) {
    let graph = GraphFile {
        path: graph.to_owned(),
        sets: args.set.clone(),
        inputs: args.inputs.clone(),
        ..GraphFile::default()
    };
    let (source, mut problems) = graph.read();
    let mut checked = None;
    if problems.is_empty()
        && let Ok(mut understood) = understand(parse(&source), &args.set, &*session.loader, Judging::Here)
    {
        checked = understood.whole();
        problems = understood.problems;
    }
    sort(&mut problems);
    let before = findings.len();
    findings.extend(problems.iter().map(|problem| finding("graph", &source, problem)));
    let Some(checked) = checked else { return };
    let plan = Plan::new(checked, String::new());
    let world = Disk::new(graph.roots(), args.out.clone());
    let files = Snapshot::take(&plan, &world);
    let existed = args.out.exists();
    let problems = preflight(&plan, &files, &world, session.loader.kinds());
    findings.extend(problems.iter().map(|problem| finding("graph", &source, problem)));
    if !existed {
        // Made to try it, and empty.
        let _ = std::fs::remove_dir(&args.out);
    }
    let bytes: u64 = files.bytes();
    if findings.len() == before {
        let what = format!("{}: {} steps, {} of input files", source.name, plan.steps.len(), in_units(bytes));
        findings.push(Finding::good("graph", what));
    }
    let free = machine::free_space(&args.out);
    findings.push(amount("output", free, &format!("free for `{}`", args.out.display())));
}

mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use dreamwire_engine::{Event, Nodes, Plan, Stamps};
use dreamwire_graph::{Kinds, Source, parse};
use dreamwire_loader::take_log;
use dreamwire_session::{Hears, InProcess, Job, PathMap, Runner, Settings, understand};
use dreamwire_worker::Child;

use crate::args::{Global, RunArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::progress::Listener;
use crate::{interrupt, open, via};

/// `dreamwire run`.
pub(crate) fn run(args: &RunArgs, global: &Global, console: Console) -> Exit {
    Console::keep_standard_output();
    let listener = Arc::new(Listener::new(args.how.progress, args.how.preview, console));
    let exit = match mapped(args, console) {
        Ok((args, map)) => match &args.via {
            Some(address) => via::run(&args, address, global, console, &listener).err(),
            None => prepare_and_run(&args, map.as_ref(), global, console, &listener).err(),
        },
        Err(exit) => Some(exit),
    };
    let exit = exit.unwrap_or(Exit::OK);
    listener.exits(exit);
    exit
}

/// The arguments with the paths of this machine, by the rules of `--path-map`.
fn mapped(args: &RunArgs, console: Console) -> Result<(RunArgs, Option<PathMap>), Exit> {
    let mut args = args.clone();
    let Some(file) = &args.path_map else { return Ok((args, None)) };
    let map = PathMap::read(file).map_err(|what| {
        console.talk(&format!("error: --path-map: {what}"));
        Exit::USAGE
    })?;
    let paths = [&mut args.graph.path, &mut args.how.out];
    for path in paths.into_iter().chain(&mut args.how.inputs) {
        if let Some(mapped) = path.to_str().and_then(|text| map.map(text)) {
            *path = mapped.into();
        }
    }
    let values = args.graph.set.iter_mut().chain(&mut args.rows.each);
    values.for_each(|value| *value = map.assignment(value));
    Ok((args, Some(map)))
}

/// Adds overrides that give the files of the graph their places here.
fn map_files(sets: &mut Vec<String>, map: Option<&PathMap>, source: &Source, kinds: &Kinds) {
    if let Some(map) = map {
        let (mut graph, _) = parse(source);
        graph.name_widgets(kinds);
        // Before those of the command line, of which the last one counts.
        sets.splice(..0, map.overrides(&graph, kinds));
    }
}

fn prepare_and_run(
    args: &RunArgs,
    map: Option<&PathMap>,
    global: &Global,
    console: Console,
    listener: &Arc<Listener>,
) -> Result<(), Exit> {
    if let Some(options) = args.rows.options() {
        return rows::run(args, map, &options, global, console, listener);
    }
    let start = Instant::now();
    let mut settings = args.how.settings(&args.graph, args.how.isolates_run(), global, console)?;
    let (source, problems) = settings.graph.read();
    if let Some(exit) = listener.problems(&source, &problems) {
        return Err(exit);
    }
    open::check_cache(settings.cache.as_ref(), console);
    let threads = settings.options.threads;
    let session = match settings.isolated {
        true => open::isolated_session(global, threads, console)?,
        false => open::session(global, threads, console)?,
    };
    map_files(&mut settings.graph.sets, map, &source, session.loader.kinds());
    let mut understood =
        understand(parse(&source), &settings.graph.sets, &*session.loader, settings.judging()).map_err(
            |what| {
                listener.talk(&format!("error: --set: {what}"));
                Exit::USAGE
            },
        )?;
    let Some(checked) = understood.whole() else {
        return Err(listener.problems(&source, &understood.problems).unwrap_or(Exit::GRAPH));
    };
    let scope = settings.graph.scope(&understood.provenance);
    let job = Job {
        source: Arc::new(source),
        plan: Arc::new(Plan::new(checked, understood.provenance).of(scope)),
        loader: session.loader,
        options: settings.options,
        warnings: understood.problems,
        texts: BTreeMap::new(),
        cancel: Arc::new(AtomicBool::new(false)),
    };
    let (flag, told) = (Arc::clone(&job.cancel), Arc::clone(listener));
    interrupt::on_signal(move || {
        flag.store(true, Ordering::Relaxed);
        told.talk("stopping; interrupt again to stop at once");
    });
    listener.problems(&job.source, &job.warnings);
    let mut runner: Box<dyn Runner> = match settings.isolated {
        true => Box::new(child(&settings, global, console)?),
        false => {
            report_crashes();
            Box::new(InProcess::new(&settings))
        }
    };
    let end = runner.run(&job, &Ears(listener));
    listener.clear();
    listener.log(take_log());
    listener.ended(&job, &end, start.elapsed())
}

/// From now on a crash of a plugin in this process says which step it was.
pub(crate) fn report_crashes() {
    let hint = "what was saved is complete; --isolate keeps a crash away from the other steps";
    dreamwire_loader::report_crashes(i32::from(Exit::PLUGIN.code()), hint);
}

/// A runner in a process of its own.
pub(crate) fn child(settings: &Settings, global: &Global, console: Console) -> Result<Child, Exit> {
    let program = std::env::current_exe().map_err(|error| {
        console.talk(&format!("error: this program cannot start itself: {error}"));
        Exit::BUG
    })?;
    Ok(Child::new(program, settings, global.plugins.clone()))
}

/// Shows what happens.
struct Ears<'a>(&'a Listener);

impl Hears for Ears<'_> {
    fn read(&self, _: Stamps) {}

    fn event(&self, event: Event) {
        self.0.hear(&event);
    }
}

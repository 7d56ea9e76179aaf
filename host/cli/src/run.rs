use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use dreamwire_engine::{Cache, Engine, Event, Options, Plan, Stopped, World, preflight};
use dreamwire_graph::Source;
use dreamwire_loader::take_log;

use crate::args::{Global, RunArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::progress::Listener;
use crate::session::{Session, understand, world};
use crate::{graph_file, interrupt};

/// What results may take in memory before the least recently used are forgotten.
const CACHE_BYTES: u64 = 4 << 30;

/// An engine with nothing in its memory.
pub(crate) fn engine(options: Options) -> Engine {
    Engine::new(Cache::new(CACHE_BYTES), options)
}

/// How to run.
pub(crate) fn options(args: &RunArgs) -> Options {
    Options { device: args.device, threads: args.threads(), allow_nonfinite: args.allow_nonfinite }
}

/// `dreamwire run`
pub(crate) fn run(args: &RunArgs, global: &Global, console: Console) -> Exit {
    let listener = Arc::new(Listener::new(args.progress, console));
    prepare_and_run(args, global, console, &listener).err().unwrap_or(Exit::OK)
}

fn prepare_and_run(
    args: &RunArgs,
    global: &Global,
    console: Console,
    listener: &Arc<Listener>,
) -> Result<(), Exit> {
    let start = Instant::now();
    let (source, mut problems) = graph_file::read(&args.graph.path);
    if let Some(exit) = listener.problems(&source, &mut problems) {
        return Err(exit);
    }
    let session = Session::open(&global.plugins, args.threads(), console)?;
    let understood = understand(&source, &args.graph.set, session.kinds()).map_err(|what| {
        listener.talk(&format!("error: {what}"));
        Exit::USAGE
    })?;
    let mut problems = understood.problems;
    let Some(checked) = understood.checked else {
        return Err(listener.problems(&source, &mut problems).unwrap_or(Exit::GRAPH));
    };
    let plan = Plan::new(checked, understood.provenance);
    let world = world(args);
    world.begin_run();
    problems.extend(preflight(&plan, &world));
    if let Some(exit) = listener.problems(&source, &mut problems) {
        return Err(exit);
    }

    let cancel = Arc::new(AtomicBool::new(false));
    let (flag, told) = (Arc::clone(&cancel), Arc::clone(listener));
    interrupt::on_signal(move || {
        flag.store(true, Ordering::Relaxed);
        told.talk("stopping; once more to stop at once");
    });
    let emit = |event: Event| listener.hear(&event);
    let result = engine(options(args)).run(&plan, &*session.loader, &world, &emit, &cancel);
    listener.clear();
    listener.log(take_log());
    match result {
        Ok(summary) => {
            listener.done(&summary, start.elapsed());
            Ok(())
        }
        Err(stopped) => Err(explain(listener, &source, &plan, &stopped)),
    }
}

/// Says why a run stopped.
pub(crate) fn explain(listener: &Listener, source: &Source, plan: &Plan, stopped: &Stopped) -> Exit {
    match stopped {
        Stopped::Cancelled => {
            listener.tell(&serde_json::json!({ "event": "cancelled" }));
            Exit::INTERRUPTED
        }
        Stopped::Failed { node, failure } => {
            let mut problems = vec![failure.diagnostic(&plan.graph.nodes[*node])];
            listener.problems(source, &mut problems).unwrap_or(Exit::BUG)
        }
    }
}

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use dreamwire_engine::Plan;
use dreamwire_graph::parse;
use dreamwire_loader::take_log;
use dreamwire_session::{InProcess, Job, understand};

use crate::args::{Global, RunArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::progress::Listener;
use crate::{interrupt, open};

/// `dreamwire run`.
pub(crate) fn run(args: &RunArgs, global: &Global, console: Console) -> Exit {
    let listener = Arc::new(Listener::new(args.how.progress, console));
    prepare_and_run(args, global, console, &listener).err().unwrap_or(Exit::OK)
}

fn prepare_and_run(
    args: &RunArgs,
    global: &Global,
    console: Console,
    listener: &Arc<Listener>,
) -> Result<(), Exit> {
    let start = Instant::now();
    let settings = args.how.settings(&args.graph, console)?;
    let (source, problems) = settings.graph.read();
    if let Some(exit) = listener.problems(&source, &problems) {
        return Err(exit);
    }
    let session = open::session(global, settings.options.threads, console)?;
    let mut understood =
        understand(parse(&source), &settings.graph.sets, &*session.loader).map_err(|what| {
            listener.talk(&format!("error: --set: {what}"));
            Exit::USAGE
        })?;
    let Some(checked) = understood.whole() else {
        return Err(listener.problems(&source, &understood.problems).unwrap_or(Exit::GRAPH));
    };
    let job = Job {
        source: Arc::new(source),
        plan: Arc::new(Plan::new(checked, understood.provenance)),
        loader: session.loader,
        options: settings.options,
        warnings: understood.problems,
        cancel: Arc::new(AtomicBool::new(false)),
    };
    let (flag, told) = (Arc::clone(&job.cancel), Arc::clone(listener));
    interrupt::on_signal(move || {
        flag.store(true, Ordering::Relaxed);
        told.talk("stopping; interrupt again to stop at once");
    });
    listener.problems(&job.source, &job.warnings);
    let mut runner = InProcess::new(&settings.graph, settings.out);
    let files = runner.read(&job);
    let end = runner.run(&job, &files, &|event| listener.hear(&event));
    listener.clear();
    listener.log(take_log());
    listener.ended(&job, &end, start.elapsed())
}

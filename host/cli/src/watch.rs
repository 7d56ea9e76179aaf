use std::sync::{Arc, OnceLock};

use dreamwire_loader::take_log;
use dreamwire_session::watch::{self, Notice, Stopper};
use dreamwire_session::{InProcess, PluginChange, Runner, Settings};
use serde_json::json;

use crate::args::{Global, Progress, WatchArgs};
use crate::console::{Console, clean};
use crate::exit::Exit;
use crate::progress::Listener;
use crate::{interrupt, open, run};

/// `dreamwire watch`: runs a graph, and reruns what changed.
pub(crate) fn watch(args: &WatchArgs, global: &Global, console: Console) -> Exit {
    begin(args, global, console).unwrap_or_else(|exit| exit)
}

fn begin(args: &WatchArgs, global: &Global, console: Console) -> Result<Exit, Exit> {
    Console::keep_standard_output();
    if args.how.progress == Progress::Openjd {
        console.talk("error: --progress openjd: tasks of Open Job Description end, `watch` does not");
        return Err(Exit::USAGE);
    }
    let settings = args.how.settings(&args.graph(), !args.how.no_isolate, global, console)?;
    if settings.graph.is_stdin() {
        console.talk("error: `watch` needs a file, not standard input");
        return Err(Exit::USAGE);
    }
    open::check_cache(settings.cache.as_ref(), console);
    let threads = settings.options.threads;
    let session = match settings.isolated {
        true => open::isolated_session(global, threads, console)?,
        false => open::session(global, threads, console)?,
    };
    let listener = Arc::new(Listener::new(args.how.progress, args.how.preview, console));
    let (told, of) = (Arc::clone(&listener), settings.clone());
    let stop = Arc::new(OnceLock::<Stopper>::new());
    let stop_if_closed = Arc::clone(&stop);
    let hear = move |notice: Notice<'_>| {
        tell(&told, &of, notice);
        // The reader of the events has gone: nobody watches any more.
        if let (true, Some(stopper)) = (Console::closed(), stop_if_closed.get()) {
            stopper.stop();
        }
    };
    let isolated = match settings.isolated {
        true => Some(run::child(&settings, global, console)?),
        false => None,
    };
    let of_runner = settings.clone();
    let runner = move || -> Box<dyn Runner> {
        match isolated {
            Some(child) => Box::new(child),
            None => {
                run::report_crashes();
                Box::new(InProcess::new(&of_runner))
            }
        }
    };
    let ended = watch::watch(&settings, session, runner, Arc::new(hear), |stopper| {
        let _ = stop.set(stopper.clone());
        interrupt::on_signal(move || {
            listener.talk("stopping; interrupt again to stop at once");
            stopper.stop();
        });
    });
    Ok(match ended {
        Ok(()) if Console::closed() => Exit::OK,
        Ok(()) => interrupt::exit(),
        Err(_) => Exit::BUG,
    })
}

fn tell(listener: &Listener, settings: &Settings, notice: Notice<'_>) {
    match notice {
        Notice::Event(event) => listener.hear(event),
        Notice::Problems { source, problems } => {
            listener.problems(source, problems);
        }
        Notice::BadOverride(what) => {
            let message = format!("--set: {what}");
            listener.talk(&format!("error: {message}"));
            listener.tell(&json!({ "event": "error", "code": "usage", "message": message }));
        }
        Notice::Overridden(input) => {
            listener.talk(&format!("note: `{}` was edited, but --set overrides it", clean(input)));
        }
        Notice::Ended { job, end, elapsed } => {
            listener.clear();
            listener.log(take_log());
            let _ = listener.ended(job, end, elapsed);
        }
        Notice::Awaited { why } => {
            listener.talk(&format!("waiting for `{}`: {why}", clean(&settings.graph.name())));
        }
        Notice::Plugins { problems, changes } => {
            problems.iter().for_each(|problem| listener.talk(&open::plugin_problem(problem)));
            listener.log(take_log());
            let changes: Vec<String> = changes.iter().map(change).collect();
            listener.talk(&match changes.is_empty() {
                true => "the loaded plugins stay in use".to_owned(),
                false => format!("plugins: {}", clean(&changes.join(", "))),
            });
        }
        Notice::Polling { why, every } => {
            let ms = every.as_millis();
            listener
                .talk(&format!("warning: cannot watch folders ({why}): polling them every {ms} ms instead"));
        }
        Notice::Idle { seen } => {
            listener.tell(&json!({ "event": "waiting" }));
            if seen {
                let path = &settings.graph.path;
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                listener.talk(&format!("watching `{}`", clean(&name)));
            }
        }
    }
}

fn change(change: &PluginChange) -> String {
    match change {
        PluginChange::New(id) => format!("`{id}` is new"),
        PluginChange::Gone(id) => format!("`{id}` is gone"),
    }
}

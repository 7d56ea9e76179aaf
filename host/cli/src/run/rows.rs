//! Runs of several rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dreamwire_engine::Nodes;
use dreamwire_graph::{Source, parse};
use dreamwire_loader::take_log;
use dreamwire_session::sequence::{Base, Refused, Report, Row, RowEnd, RowEvent, RowOptions, Rows, range};
use dreamwire_session::{InProcess, Judging, PathMap, understand};
use serde_json::json;

use super::{map_files, report_crashes};
use crate::args::{Global, RunArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::progress::{Listener, seconds};
use crate::shell::quoted;
use crate::{interrupt, open};

/// Runs a graph for each of its rows.
pub(super) fn run(
    args: &RunArgs,
    map: Option<&PathMap>,
    options: &RowOptions,
    global: &Global,
    console: Console,
    listener: &Arc<Listener>,
) -> Result<(), Exit> {
    if args.how.isolate || args.how.compute.limits() != dreamwire_session::Limits::default() {
        listener.talk("error: --isolate, --node-timeout and --memory are for runs of one row");
        return Err(Exit::USAGE);
    }
    let start = Instant::now();
    let mut settings = args.how.settings(&args.graph, false, global, console)?;
    let (source, problems) = settings.graph.read();
    if let Some(exit) = listener.problems(&source, &problems) {
        return Err(exit);
    }
    open::check_cache(settings.cache.as_ref(), console);
    let session = open::session(global, settings.options.threads, console)?;
    let kinds = session.loader.kinds();
    map_files(&mut settings.graph.sets, map, &source, kinds);
    let usage = |what: &str| {
        listener.talk(&format!("error: {what}"));
        Exit::USAGE
    };
    let understood = understand(parse(&source), &settings.graph.sets, &*session.loader, Judging::Here);
    let understood = understood.map_err(|what| usage(&format!("--set: {what}")))?;
    if let Some(exit) = listener.problems(&source, &understood.problems) {
        return Err(exit);
    }
    let rows = Rows::of(options, &understood.graph, kinds, &settings.graph.roots());
    let rows = rows.map_err(|refused| match refused {
        Refused::Usage(what) => usage(&what),
        Refused::Problem(problem) => {
            let class = problem.class;
            listener.problems(&source, &[*problem]).unwrap_or(Exit::for_class(class))
        }
    })?;
    if args.rows.count_rows {
        console.data(&format!("{}\n", rows.len()));
        return Ok(());
    }
    let base = Base {
        source: Arc::new(source),
        graph: understood.graph,
        loader: session.loader,
        options: settings.options,
        cancel: Arc::new(AtomicBool::new(false)),
    };
    let (flag, told) = (Arc::clone(&base.cancel), Arc::clone(listener));
    interrupt::on_signal(move || {
        flag.store(true, Ordering::Relaxed);
        told.talk("stopping; interrupt again to stop at once");
    });
    report_crashes();
    let teller = Teller { listener, source: &base.source, done: 0, count: rows.len() };
    teller.begin(&rows);
    let teller = std::sync::Mutex::new(teller);
    let told = |event: RowEvent<'_>| {
        if let Ok(mut teller) = teller.lock() {
            teller.hear(&event);
        }
    };
    let report =
        InProcess::new(&settings).run_rows(&base, &rows, &|event| listener.hear_in_row(&event), &told);
    listener.clear();
    listener.log(take_log());
    if let Some(problem) = &report.refused {
        let problems = std::slice::from_ref(problem);
        return Err(listener.problems(&base.source, problems).unwrap_or(Exit::OUTPUT));
    }
    end(listener, &rows, &report, start.elapsed())
}

/// Tells of rows.
struct Teller<'a> {
    listener: &'a Listener,
    source: &'a Source,
    done: usize,
    count: usize,
}

impl Teller<'_> {
    fn begin(&self, rows: &Rows) {
        let left_out = rows.left_out();
        if !left_out.is_empty() {
            let numbers: Vec<i64> = left_out.iter().map(|&number| number as i64).collect();
            self.listener.talk(&format!("left out without their files: rows {}", range::written(&numbers)));
        }
        if rows.is_partial {
            self.listener.talk("not all rows are run: what needs all of them is left out");
        }
        self.listener.rows(self.count);
    }

    fn hear(&mut self, event: &RowEvent<'_>) {
        match event {
            RowEvent::Started { row } => {
                self.listener.tell(&json!({ "event": "row_started", "row": row.number, "label": row.label }));
                self.listener.row(self.done, &row.label);
            }
            RowEvent::Ended { row, end } => {
                self.done += usize::from(!matches!(end, RowEnd::Cancelled));
                self.listener.row(self.done, &row.label);
                self.ended(row, end);
            }
            RowEvent::Gathers => self.listener.row(self.done, "all rows"),
            RowEvent::Gathered { end } => self.gathered(end),
        }
    }

    fn ended(&self, row: &Row, end: &RowEnd) {
        let (number, label) = (row.number, &row.label);
        let place = format!("[{}/{}] {label}", self.done, self.count);
        let told =
            |status: &str| json!({ "event": "row_ended", "row": number, "label": label, "status": status });
        match end {
            RowEnd::Done(summary, elapsed) => {
                let files = summary.steps.iter().flat_map(|step| &step.published);
                let files: Vec<String> = files.map(|file| file.path.display().to_string()).collect();
                let mut event = told("done");
                event["ms"] = (elapsed.as_millis() as u64).into();
                event["files"] = files.clone().into();
                self.listener.tell(&event);
                self.listener.line(&format!("{place}: {} in {}", files.join(", "), seconds(*elapsed)));
            }
            RowEnd::Skipped => {
                self.listener.tell(&told("skipped"));
                self.listener.line(&format!("{place}: there already"));
            }
            RowEnd::Failed(problems) => {
                self.listener.tell(&told("failed"));
                self.listener.talk(&format!("{place}: failed"));
                self.listener.problems(self.source, problems);
            }
            RowEnd::Cancelled => self.listener.tell(&told("cancelled")),
        }
    }

    fn gathered(&self, end: &RowEnd) {
        match end {
            RowEnd::Done(summary, elapsed) => {
                for file in summary.steps.iter().flat_map(|step| &step.published) {
                    let path = file.path.display();
                    self.listener.line(&format!("all rows: {path} in {}", seconds(*elapsed)));
                }
            }
            RowEnd::Failed(problems) => {
                self.listener.problems(self.source, problems);
            }
            RowEnd::Skipped | RowEnd::Cancelled => {}
        }
    }
}

/// The summary of all rows, and the exit code.
fn end(listener: &Listener, rows: &Rows, report: &Report, elapsed: Duration) -> Result<(), Exit> {
    let Report { done, skipped, failed, left, .. } = report;
    let numbers: Vec<i64> = failed.iter().map(|failed| failed.number as i64).collect();
    let failed_rows = range::written(&numbers);
    listener.tell(&json!({
        "event": "rows_ended", "done": done, "skipped": skipped, "failed": failed.len(), "left": left,
        "failed_rows": failed_rows, "ms": elapsed.as_millis() as u64,
    }));
    let mut text = format!("rows: {done} done, {skipped} skipped, {} failed", failed.len());
    if *left > 0 {
        text += &format!(", {left} not run");
    }
    listener.note(&format!("{text} in {}", seconds(elapsed)));
    if report.gather_left {
        listener.talk("not every row is there: what needs all of them was left out");
    }
    if !failed.is_empty() {
        for row in failed.iter().take(20) {
            listener.talk(&format!("  row {} ({}): {}", row.number, row.label, row.message));
        }
        if failed.len() > 20 {
            listener.talk(&format!("  and {} more", failed.len() - 20));
        }
        // The rows that were not run need no number: what is done is left out.
        let all = *left > 0 || rows.has_feedback();
        listener.talk(&format!("run them again with\n  {}", again(Some(&failed_rows[..]).filter(|_| !all))));
    } else if report.cancelled {
        listener.talk(&format!("go on with\n  {}", again(None)));
    }
    if report.cancelled {
        listener.tell(&json!({ "event": "cancelled" }));
        return Err(interrupt::exit());
    }
    if let Some(exit) = Exit::of(&report.gather) {
        return Err(exit);
    }
    match failed.first() {
        None => Ok(()),
        // Nothing else came out, so it is as if this had been the run.
        Some(only) if rows.len() == 1 => Err(Exit::for_class(only.class)),
        Some(_) => Err(Exit::ROWS),
    }
}

/// This command, with only these rows.
fn again(rows: Option<&str>) -> String {
    let Some(rows) = rows else {
        return std::env::args().map(|word| quoted(&word)).collect::<Vec<_>>().join(" ");
    };
    let mut words = std::env::args();
    let mut kept = vec![words.next().unwrap_or_else(|| "dreamwire".to_owned())];
    while let Some(word) = words.next() {
        if word == "--rows" || word == "--shard" {
            words.next();
        } else if !word.starts_with("--rows=") && !word.starts_with("--shard=") {
            kept.push(word);
        }
    }
    kept.extend(["--rows".to_owned(), rows.to_owned()]);
    kept.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

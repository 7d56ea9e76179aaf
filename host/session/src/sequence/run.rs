//! Runs rows, one after another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dreamwire_engine::{
    Disk, Event, History, Nodes, Options, Plan, Run, Snapshot, Stopped, Summary, World, preflight,
};
use dreamwire_graph::{Class, Diagnostic, Graph, Source, check};
use dreamwire_loader::Loader;

use super::journal::Journal;
use super::kept::{Crossing, Kept, OURS, WithKept};
use super::{Overwrite, ROWS, Row, Rows};
use crate::{InProcess, Job, machine};

/// What all rows share.
pub struct Base {
    /// The text of the graph, for showing places in it.
    pub source: Arc<Source>,
    /// The graph with its overrides, checked.
    pub graph: Graph,
    /// The plugins.
    pub loader: Arc<Loader>,
    /// The options of each run.
    pub options: Options,
    /// Set to stop.
    pub cancel: Arc<AtomicBool>,
}

/// How a row ended.
#[derive(Clone, Debug)]
pub enum RowEnd {
    /// It is done.
    Done(Summary, Duration),
    /// Its files are there already.
    Skipped,
    /// It failed, with the problems to report. Other rows go on.
    Failed(Vec<Diagnostic>),
    /// The run was stopped.
    Cancelled,
}

/// What happens during a run of rows.
pub enum RowEvent<'a> {
    /// A row begins.
    Started {
        /// The row.
        row: &'a Row,
    },
    /// A row ended. One that is only there for those after it is not reported, unless it failed.
    Ended {
        /// The row.
        row: &'a Row,
        /// How.
        end: &'a RowEnd,
    },
    /// The part that needs all rows begins.
    Gathers,
    /// It ended.
    Gathered {
        /// How.
        end: &'a RowEnd,
    },
}

/// A row that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// Its number.
    pub number: usize,
    /// What distinguishes it.
    pub label: String,
    /// The message of the first problem.
    pub message: String,
    /// The class of the first problem.
    pub class: Class,
}

/// What came of all rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How many rows were run.
    pub done: usize,
    /// How many were there already.
    pub skipped: usize,
    /// Those that failed.
    pub failed: Vec<Failed>,
    /// How many were not tried.
    pub left: usize,
    /// Whether the run was stopped.
    pub cancelled: bool,
    /// Why none was run: nothing can be published.
    pub refused: Option<Diagnostic>,
    /// The problems of the part that needs all rows.
    pub gather: Vec<Diagnostic>,
    /// Whether that part was not run, because rows failed.
    pub gather_left: bool,
}

/// A run of rows on its way.
struct Progress<'a> {
    base: &'a Base,
    rows: &'a Rows,
    world: Disk,
    journal: Journal,
    crossing: Crossing,
    kept: Kept,
    /// Hears of the steps that are in the file.
    emit: &'a (dyn Fn(Event) + Sync),
}

impl InProcess {
    /// Runs rows. What does not differ between them is computed once, as the cache has it then. Events of steps go to
    /// `emit`, on any thread.
    pub fn run_rows(
        &mut self,
        base: &Base,
        rows: &Rows,
        emit: &(dyn Fn(Event) + Sync),
        listener: &dyn Fn(RowEvent<'_>),
    ) -> Report {
        let visible = |event: Event| {
            if !event.node().is_some_and(|node| node.starts_with(OURS)) {
                emit(event);
            }
        };
        let mut progress = Progress {
            base,
            rows,
            world: crate::run::world(&self.settings).uncounted(),
            journal: Journal::open(&self.settings.out),
            crossing: Crossing::of(&base.graph, base.loader.kinds()),
            kept: Kept::default(),
            emit: &visible,
        };
        let mut report = Report::default();
        if let Err(error) = progress.world.probe() {
            let problem = Diagnostic::error(ROWS, Class::Output, error.message);
            report.refused = Some(match error.hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            });
            report.left = rows.len();
            return report;
        }
        let mut labels = Vec::new();
        // Whether the row before failed, so that the next ones of its sequence cannot run.
        let mut broken = false;
        let mut remaining = rows.len();
        for row in rows.iter() {
            if row.starts && !rows.gathers {
                progress.kept.clear();
            }
            broken &= !row.starts;
            listener(RowEvent::Started { row: &row });
            let end = match broken && rows.feedback {
                true => {
                    RowEnd::Failed(vec![Diagnostic::error(ROWS, Class::Node, "the row before it failed")])
                }
                false => self.row(&mut progress, &row),
            };
            let cancelled = matches!(end, RowEnd::Cancelled);
            if !row.is_preroll || matches!(end, RowEnd::Failed(_)) {
                listener(RowEvent::Ended { row: &row, end: &end });
            }
            if !row.is_preroll && !cancelled {
                remaining -= 1;
            }
            match end {
                RowEnd::Done(..) | RowEnd::Skipped if row.is_preroll => {}
                RowEnd::Done(..) => report.done += 1,
                RowEnd::Skipped => report.skipped += 1,
                RowEnd::Failed(problems) => {
                    broken = true;
                    let first = problems.iter().find(|problem| problem.is_error());
                    report.failed.push(Failed {
                        number: row.number,
                        label: row.label.clone(),
                        message: first.map_or_else(String::new, |problem| problem.message.clone()),
                        class: first.map_or(Class::Node, |problem| problem.class),
                    });
                }
                RowEnd::Cancelled => report.cancelled = true,
            }
            labels.push(row.label);
            if cancelled || (rows.stop_on_failure && !report.failed.is_empty()) {
                break;
            }
        }
        report.left = remaining;
        if rows.gathers {
            match report.failed.is_empty() && !report.cancelled {
                true => {
                    listener(RowEvent::Gathers);
                    let end = self.gather(&mut progress, &labels);
                    listener(RowEvent::Gathered { end: &end });
                    match end {
                        RowEnd::Failed(problems) => report.gather = problems,
                        RowEnd::Cancelled => report.cancelled = true,
                        RowEnd::Done(..) | RowEnd::Skipped => {}
                    }
                }
                false => report.gather_left = true,
            }
        }
        report
    }

    fn row(&mut self, progress: &mut Progress<'_>, row: &Row) -> RowEnd {
        let Progress { base, rows, .. } = *progress;
        let kinds = base.loader.kinds();
        let mut graph = match rows.graph(&base.graph, row, kinds) {
            Ok(graph) => graph,
            Err(what) => return RowEnd::Failed(vec![Diagnostic::error(ROWS, Class::Graph, what)]),
        };
        let after = graph.after_all_rows();
        graph.nodes.retain(|node| !after.contains(&node.id));
        let provenance = graph.to_json(kinds).to_string();
        progress.crossing.connect(&mut graph, row, &progress.kept);
        let start = Instant::now();
        let (end, kept) = self.graph(progress, &graph, provenance, Some(row), false);
        // Parts of a sequence, which have a preroll, gather nothing.
        progress.kept.take(kept, rows.gathers);
        if rows.gathers
            && let Some(problem) = too_much(progress)
        {
            return RowEnd::Failed(vec![problem]);
        }
        finished(end, start)
    }

    /// Runs the part that needs the values of all rows.
    fn gather(&mut self, progress: &mut Progress<'_>, labels: &[String]) -> RowEnd {
        let base = progress.base;
        let kinds = base.loader.kinds();
        let mut graph = base.graph.clone();
        let provenance = graph.to_json(kinds).to_string();
        let after = graph.after_all_rows();
        let is_output = |kind: &str| kinds.get(kind).is_some_and(|kind| kind.output);
        graph.nodes.retain(|node| after.contains(&node.id) || !is_output(&node.kind));
        if let Err(failure) = progress.crossing.gather(&mut graph, labels, &progress.kept) {
            let problem = Diagnostic::error(ROWS, Class::Graph, failure.message);
            return RowEnd::Failed(vec![match failure.hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            }]);
        }
        let start = Instant::now();
        finished(self.graph(progress, &graph, provenance, None, true).0, start)
    }

    /// Runs the graph of a row, or of what needs all rows. Gives what the row has kept.
    fn graph(
        &mut self,
        progress: &mut Progress<'_>,
        graph: &Graph,
        provenance: String,
        row: Option<&Row>,
        gathers: bool,
    ) -> (Result<Ended, Vec<Diagnostic>>, HashMap<String, dreamwire_engine::Value>) {
        let base = progress.base;
        let none = HashMap::new;
        let (checked, problems) = check(graph, &progress.crossing.kinds);
        let errors: Vec<Diagnostic> = problems.into_iter().filter(Diagnostic::is_error).collect();
        let Some(checked) = checked.filter(|_| errors.is_empty()) else { return (Err(errors), none()) };
        let scope = self.settings.graph.scope(&provenance);
        let mut plan = Plan::new(checked, provenance).of(scope);
        // What is there already is not made again.
        let mut is_done = progress.rows.overwrite == Overwrite::Never && are_there(&plan, &self.settings.out);
        if is_done || row.is_some_and(|row| row.is_preroll) {
            plan = values_only(plan);
        }
        let job = Job {
            source: Arc::clone(&base.source),
            plan: Arc::new(plan),
            loader: Arc::clone(&base.loader),
            options: base.options,
            warnings: Vec::new(),
            texts: Default::default(),
            cancel: Arc::clone(&base.cancel),
        };
        let files = Snapshot::take(&job.plan, &progress.world);
        let device = match self.device(&job, &|event| (progress.emit)(event)) {
            Ok(device) => device,
            Err(problems) => return (Err(problems), none()),
        };
        let nodes = WithKept {
            nodes: &*base.loader,
            crossing: &progress.crossing,
            kept: &progress.kept,
            gathers,
            row: Mutex::default(),
        };
        let run = Run {
            plan: &job.plan,
            files: &files,
            options: Options { device, ..job.options },
            nodes: &nodes,
            world: &progress.world,
            emit: progress.emit,
            cancel: &job.cancel,
            quarantine: &HashMap::new(),
            explain: None,
            texts: &job.texts,
        };
        let key = if is_done || row.is_some_and(|row| row.is_preroll) { None } else { key(&run) };
        if progress.rows.overwrite == Overwrite::Stale {
            is_done |= key.as_ref().is_some_and(|key| progress.journal.is_done(key));
        }
        if is_done && (row.is_none() || progress.crossing.is_empty()) {
            return (Ok(Ended::Skipped), none());
        }
        // What crosses to another row must be there, from the cache or computed.
        let values = is_done.then(|| values_only(Plan::clone(&job.plan)));
        let run = Run { plan: values.as_ref().unwrap_or(&job.plan), ..run };
        let problems = preflight(run.plan, &files, &progress.world, &progress.crossing.kinds);
        if problems.iter().any(Diagnostic::is_error) {
            return (Err(problems), none());
        }
        let ended = self.engine.run(&run);
        let kept = nodes.into_row();
        let end = match ended {
            Ok(_) if is_done => Ok(Ended::Skipped),
            Ok(summary) => {
                if let Some(key) = key {
                    let published: Vec<_> =
                        summary.steps.iter().flat_map(|step| step.published.iter().cloned()).collect();
                    progress.journal.done(key, &published);
                }
                let summary = without_ours(summary);
                let is_there = progress.rows.overwrite != Overwrite::Always && is_there(&summary);
                Ok(if is_there { Ended::Skipped } else { Ended::Done(summary) })
            }
            Err(Stopped::Cancelled) => Ok(Ended::Cancelled),
            Err(Stopped::Failed(failures)) => Err(failures
                .iter()
                .map(|failed| failed.failure.diagnostic(&job.plan.graph.nodes[failed.node]))
                .collect()),
        };
        (end, kept)
    }
}

/// The plan without what is published: only the values that rows give each other.
fn values_only(plan: Plan) -> Plan {
    let kept = plan.graph.nodes.iter().enumerate().filter(|(_, node)| node.id.starts_with(OURS));
    let kept: Vec<usize> = kept.map(|(index, _)| index).collect();
    plan.towards(&kept)
}

/// Whether nothing had to be made nor written.
fn is_there(summary: &Summary) -> bool {
    let mut files = summary.steps.iter().flat_map(|step| &step.published).peekable();
    files.peek().is_some()
        && files.all(|file| !file.written)
        && summary.steps.iter().all(|step| step.ran.is_none())
}

enum Ended {
    Done(Summary),
    Skipped,
    Cancelled,
}

fn finished(end: Result<Ended, Vec<Diagnostic>>, start: Instant) -> RowEnd {
    match end {
        Ok(Ended::Done(summary)) => RowEnd::Done(summary, start.elapsed()),
        Ok(Ended::Skipped) => RowEnd::Skipped,
        Ok(Ended::Cancelled) => RowEnd::Cancelled,
        Err(problems) => RowEnd::Failed(problems),
    }
}

/// The report without the steps that are in no file.
fn without_ours(mut summary: Summary) -> Summary {
    summary.steps.retain(|step| !step.node.starts_with(OURS));
    summary
}

/// What a row is made of, as far as that decides its files: builds, params, contents of files. `None` if a step may give
/// another result each time, or a file is not there.
fn key(run: &Run<'_>) -> Option<String> {
    let is_ours = |step: &dreamwire_engine::Step| run.plan.node(step).id.starts_with(OURS);
    if !run.plan.steps.iter().all(|step| step.repeats || is_ours(step)) {
        return None;
    }
    let made_of = History::of(run).ok()?;
    let text = serde_json::to_vec(&(made_of, &run.plan.scope, run.options.metadata)).ok()?;
    Some(blake3::hash(&text).to_hex().to_string())
}

/// Whether a file of each output's name exists, of whatever format.
fn are_there(plan: &Plan, out: &std::path::Path) -> bool {
    const ENDINGS: [&str; 16] = [
        "png", "jpg", "jpeg", "webp", "tif", "tiff", "exr", "gif", "bmp", "qoi", "avif", "mp4", "webm",
        "mov", "mkv", "npz",
    ];
    let mut names = plan.steps.iter().flat_map(|step| {
        let node = plan.node(step);
        let params = node.kind.params.list.iter();
        let params = params.filter(|param| param.format == Some(dreamwire_graph::Format::Output));
        params.filter_map(move |param| node.params.get(&param.name)?.as_str())
    });
    let mut any = false;
    let all = names.all(|name| {
        any = true;
        out.join(name).is_file()
            || ENDINGS.iter().any(|ending| out.join(format!("{name}.{ending}")).is_file())
    });
    all && any
}

/// The problem that the values of all rows will not fit into memory.
fn too_much(progress: &Progress<'_>) -> Option<Diagnostic> {
    let (row, count) = (progress.kept.bytes_of_row(), progress.rows.len() as u64);
    let needed = row.saturating_mul(count);
    let available = machine::available_memory()?;
    // They are there once by row and once joined.
    let is_much = needed > 64 << 20 && needed.saturating_mul(2) > available;
    is_much.then(|| {
        let gib = |bytes: u64| bytes as f64 / (1u64 << 30) as f64;
        let message = format!(
            "the values of {count} rows take {:.1} GiB of memory, and as much again when they are joined, but {:.1} GiB are available",
            gib(needed),
            gib(available)
        );
        Diagnostic::error(ROWS, Class::Limit, message)
            .hint("save each row as a picture of its own, and put the pictures together afterwards; or make them smaller")
    })
}

impl Base {
    /// Whether it was stopped.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

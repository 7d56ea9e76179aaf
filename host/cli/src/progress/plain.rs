//! Events as lines for people.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dreamwire_engine::{Batches, Device, Event, Level, Published, Summary, Why};
use dreamwire_session::events::{level_name, reason};

use crate::console::{Console, clean, clean_line};

/// The interval of progress lines of a long step.
const EVERY: Duration = Duration::from_secs(5);

/// The most rows of the table of times.
const TABLE_ROWS: usize = 20;

/// The most names of steps that a line has.
const NAMES: usize = 5;

/// The steps that could not run, by the one that failed, which they depend on.
#[derive(Default)]
pub(super) struct Skipped(Vec<(String, Vec<String>)>);

impl Skipped {
    pub(super) fn add(&mut self, node: &str, failed: &str) {
        let place = self.0.iter().position(|(of, _)| of == failed).unwrap_or_else(|| {
            self.0.push((failed.to_owned(), Vec::new()));
            self.0.len() - 1
        });
        // A job that crashed is begun again, and skips the same steps.
        let nodes = &mut self.0[place].1;
        if !nodes.iter().any(|known| known == node) {
            nodes.push(node.to_owned());
        }
    }

    /// A line for each step that failed: "skipped `dream`, `style` and 3 more: they depend on `photo`, which failed".
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(failed, nodes)| skipped(nodes, failed)).collect()
    }
}

fn skipped(nodes: &[String], failed: &str) -> String {
    let quoted: Vec<String> = nodes.iter().take(NAMES).map(|node| format!("`{node}`")).collect();
    let names = match (nodes.len().saturating_sub(NAMES), quoted.split_last()) {
        (0, Some((last, rest))) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        (0, _) => quoted.concat(),
        (more, _) => format!("{} and {more} more", quoted.join(", ")),
    };
    let they = if nodes.len() == 1 { "it depends" } else { "they depend" };
    clean_line(&format!("skipped {names}: {they} on `{failed}`, which failed"))
}

/// When the running step last had a progress line.
#[derive(Default)]
pub(super) struct Pace {
    last: Mutex<Option<(String, Instant)>>,
}

impl Pace {
    /// Whether a progress line for this node is due. The first is due one interval after its first progress.
    pub(super) fn is_due(&self, node: &str) -> bool {
        self.is_due_at(node, Instant::now())
    }

    fn is_due_at(&self, node: &str, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let since =
            last.as_ref().filter(|(of, _)| of == node).map(|(_, at)| now.saturating_duration_since(*at));
        let due = since.is_some_and(|since| since >= EVERY);
        if due || since.is_none() {
            *last = Some((node.to_owned(), now));
        }
        due
    }
}

/// A progress line: "`dream`: 12 of 40, objective 0.5".
pub(super) fn progress(node: &str, done: u64, total: u64, note: &str) -> String {
    let count = if total == 0 { String::new() } else { format!("{done} of {total}") };
    let parts: Vec<&str> = [count.as_str(), note].into_iter().filter(|part| !part.is_empty()).collect();
    format!("`{node}`: {}", clean_line(&parts.join(", ")))
}

/// The line for an event, if it needs one. A bar replaces the line for a step's start; `quiet` keeps only what a user
/// must see.
pub(super) fn text(event: &Event, bar: bool, quiet: bool, console: Console) -> Option<String> {
    match event {
        Event::Log { node, level, message } => console.shows(*level).then(|| {
            let place = if node.is_empty() { String::new() } else { format!("node `{}`: ", clean(node)) };
            format!("{}: {place}{}", level_name(*level), clean_line(message))
        }),
        Event::Published { file, .. } => Some(published(file)),
        _ if quiet => None,
        Event::Device { device: Device::Cpu, words } => {
            Some(clean_line(&format!("computing on the CPU: {words}")))
        }
        Event::Device { device, words } if words.is_empty() => Some(format!("computing on {device}")),
        Event::Device { device, words } => Some(clean_line(&format!("computing on {device} ({words})"))),
        Event::Explained { node, reasons } => {
            let reasons: Vec<String> = reasons.iter().map(reason).collect();
            Some(clean_line(&format!("`{node}` runs: {}", reasons.join("; "))))
        }
        Event::Started { node, kind, .. } if !bar => Some(format!("running `{}` ({kind})", clean(node))),
        Event::Finished { node, elapsed } => {
            Some(format!("finished `{}` in {}", clean(node), seconds(*elapsed)))
        }
        Event::Cached { node, why: Why::Unchanged } if bar && !console.shows(Level::Info) => {
            Some(format!("cached `{}`", clean(node)))
        }
        Event::Cached { node, why } if console.shows(Level::Info) => {
            let why = match why {
                Why::Unchanged => "unchanged",
                Why::SameInputs => "its inputs are the same",
            };
            Some(format!("cached `{}`: {why}", clean(node)))
        }
        _ => None,
    }
}

/// The line for a file: "saved out/dream_00001_.png".
pub(super) fn published(file: &Published) -> String {
    let what = if file.written { "saved" } else { "unchanged" };
    format!("{what} {}", clean(&file.path.display().to_string()))
}

/// The last line: "done in 3.2 s (2 run, 1 cached)", or "(2 run, 1 cached; 40 pictures: 12 from the cache)".
pub(super) fn done(summary: &Summary, elapsed: Duration) -> String {
    let run = summary.steps.iter().filter(|step| step.ran.is_some()).count();
    let cached = summary.steps.len() - run;
    let pictures = match summary.batches {
        Batches { cached: 0, .. } => String::new(),
        Batches { rows, cached } => format!("; {rows} pictures: {cached} from the cache"),
    };
    format!("done in {} ({run} run, {cached} cached{pictures})", seconds(elapsed))
}

/// The steps with their times, the slowest first: for people, after a run.
pub(super) fn table(summary: &Summary) -> String {
    let mut ran: Vec<_> = summary.steps.iter().filter_map(|step| Some((step, step.ran?))).collect();
    ran.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let rows = ran.iter().map(|(step, time)| [clean_line(&step.node), step.kind.clone(), seconds(*time)]);
    let rows: Vec<[String; 3]> = rows.take(TABLE_ROWS).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (node, kind, time) = (width(0), width(1), width(2));
    let lines = rows.iter().map(|row| format!("  {:node$}  {:kind$}  {:>time$}", row[0], row[1], row[2]));
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Color;
    use dreamwire_engine::StepReport;

    #[test]
    fn what_is_said() {
        let console = Console::new(Color::Never, 0);
        let hash = dreamwire_engine::Hash::from_bytes([0; 32]);
        let started =
            Event::Started { node: "dream".to_owned(), kind: "GradientAscent".to_owned(), identity: hash };
        assert_eq!(
            text(&started, false, false, console).as_deref(),
            Some("running `dream` (GradientAscent)")
        );
        assert_eq!(text(&started, true, false, console), None);
        assert_eq!(text(&started, false, true, console), None);
        let log = Event::Log { node: "a".to_owned(), level: Level::Warn, message: "odd".to_owned() };
        assert_eq!(text(&log, true, true, console).as_deref(), Some("warning: node `a`: odd"));
        assert_eq!(progress("dream", 12, 40, "objective 0.5"), "`dream`: 12 of 40, objective 0.5");
        assert_eq!(progress("dream", 3, 0, "reading"), "`dream`: reading");
        assert_eq!(seconds(Duration::from_millis(42)), "42 ms");
        assert_eq!(seconds(Duration::from_millis(3240)), "3.2 s");
    }

    #[test]
    fn the_table_has_the_slowest_first() {
        let step = |node: &str, kind: &str, ran: Option<u64>| StepReport {
            node: node.to_owned(),
            kind: kind.to_owned(),
            ran: ran.map(Duration::from_millis),
            published: Vec::new(),
        };
        let steps = vec![
            step("photo", "LoadImage", Some(12)),
            step("dream", "GradientAscent", Some(3240)),
            step("save", "SaveImage", None),
        ];
        let expected = "  dream  GradientAscent  3.2 s\n  photo  LoadImage       12 ms";
        let summary = Summary { steps, ..Summary::default() };
        assert_eq!(table(&summary), expected);
        assert_eq!(done(&summary, Duration::from_millis(3252)), "done in 3.3 s (2 run, 1 cached)");
        let batches = Batches { rows: 40, cached: 12 };
        let line = done(&Summary { batches, ..summary }, Duration::from_millis(3252));
        assert_eq!(line, "done in 3.3 s (2 run, 1 cached; 40 pictures: 12 from the cache)");
    }

    #[test]
    fn steps_that_cannot_run_share_a_line_for_each_cause() {
        let mut skipped = Skipped::default();
        skipped.add("save", "net");
        for (node, failed) in [("dream", "photo"), ("style", "photo"), ("save2", "photo"), ("style", "photo")]
        {
            skipped.add(node, failed);
        }
        let expected = [
            "skipped `save`: it depends on `net`, which failed",
            "skipped `dream`, `style` and `save2`: they depend on `photo`, which failed",
        ];
        assert_eq!(skipped.lines(), expected);
        (0..9).for_each(|number| skipped.add(&format!("n{number}"), "net"));
        let first = &skipped.lines()[0];
        assert_eq!(
            first,
            "skipped `save`, `n0`, `n1`, `n2`, `n3` and 5 more: they depend on `net`, which failed"
        );
    }

    #[test]
    fn a_long_step_says_how_far_it_is_every_few_seconds() {
        let (pace, start) = (Pace::default(), Instant::now());
        let due = |node: &str, seconds: u64| pace.is_due_at(node, start + Duration::from_secs(seconds));
        assert!(!due("dream", 0), "a short step says nothing");
        assert!(!due("dream", 4));
        assert!(due("dream", 5));
        assert!(!due("dream", 9));
        assert!(due("dream", 10));
        assert!(!due("style", 20), "another step starts anew");
        assert!(due("style", 26));
    }
}

//! Lines for runners of Open Job Description: `openjd_progress`, `openjd_status` and `openjd_fail`.
//!
//! A runner reads both streams of a task as one and obeys lines that begin so, such as `openjd_env: NAME=VALUE`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dreamwire_engine::{Event, Why};

use crate::console::{Console, clean_line};
use crate::exit::Exit;

/// What a runner has been told.
pub(super) struct Report {
    console: Console,
    state: Mutex<State>,
}

struct State {
    /// Rows that are done, and all of them.
    rows: (usize, usize),
    /// What the row is, in words.
    label: String,
    /// Steps of this row that may have to run.
    planned: usize,
    /// Those of them that have ended.
    ended: usize,
    /// Those that have started, with the part that is done, from 0 to 1.
    running: Vec<Running>,
    /// The last progress that was told, in percent.
    told: Option<u64>,
    /// The first failure.
    failure: Option<String>,
}

struct Running {
    node: String,
    /// The part of its batch before the rows that it is at, and the part that these are.
    before: f64,
    share: f64,
    done: f64,
}

impl Report {
    pub(super) fn new(console: Console) -> Self {
        Report { console, state: Mutex::new(State::new()) }
    }

    /// Tells of an event of a run.
    pub(super) fn hear(&self, event: &Event) {
        self.tell(|state| state.hear(event));
    }

    /// Begins to count rows.
    pub(super) fn rows(&self, total: usize) {
        self.tell(|state| state.rows(total));
    }

    /// Tells which row runs, after so many.
    pub(super) fn row(&self, done: usize, label: &str) {
        self.tell(|state| state.row(done, label));
    }

    /// Remembers why a run fails. The first reason counts.
    pub(super) fn failed(&self, why: &str) {
        self.state().failure.get_or_insert_with(|| first_line(why));
    }

    /// Tells the end: nothing may be told after it.
    pub(super) fn end(&self, exit: Exit) {
        self.tell(|state| state.end(exit));
    }

    fn tell(&self, what: impl FnOnce(&mut State) -> String) {
        // Under the lock, so that progress never goes back.
        let mut state = self.state();
        let lines = what(&mut state);
        if !lines.is_empty() {
            self.console.data(&lines);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new() -> Self {
        State {
            rows: (0, 1),
            label: String::new(),
            planned: 0,
            ended: 0,
            running: Vec::new(),
            told: None,
            failure: None,
        }
    }

    fn hear(&mut self, event: &Event) -> String {
        match event {
            Event::Planned { steps } => {
                (self.planned, self.ended) = (*steps, 0);
                self.running.clear();
            }
            Event::Started { node, .. } => {
                self.running.retain(|running| running.node != *node);
                self.running.push(Running { node: node.clone(), before: 0.0, share: 1.0, done: 0.0 });
                let row = if self.label.is_empty() { "" } else { &format!("{}: ", self.label) };
                return clean_line(&format!("openjd_status: {row}{node}")) + "\n";
            }
            Event::Rows { node, first, count, batch, .. } => {
                let batch = (*batch).max(1) as f64;
                if let Some(running) = self.running(node) {
                    (running.before, running.share) = (*first as f64 / batch, *count as f64 / batch);
                    running.done = 0.0;
                }
            }
            Event::Progress { node, done, total, .. } if *total > 0 => {
                if let Some(running) = self.running(node) {
                    running.done = (*done as f64 / *total as f64).min(1.0);
                }
            }
            Event::Finished { node, .. }
            | Event::Failed { node }
            | Event::Skipped { node, .. }
            | Event::Cached { node, why: Why::SameInputs } => {
                self.running.retain(|running| running.node != *node);
                self.ended += 1;
            }
            _ => return String::new(),
        }
        self.progress(false)
    }

    fn rows(&mut self, total: usize) -> String {
        self.rows = (0, total);
        self.progress(false)
    }

    fn row(&mut self, done: usize, label: &str) -> String {
        let (_, total) = self.rows;
        self.rows = (done.min(total), total);
        self.label = format!("{} of {total} ({label})", (done + 1).min(total));
        (self.planned, self.ended) = (0, 0);
        self.running.clear();
        self.progress(false)
    }

    fn end(&mut self, exit: Exit) -> String {
        if exit == Exit::OK {
            return self.progress(true);
        }
        let why = self.failure.take().unwrap_or_else(|| {
            if exit.is_signal() { "stopped by a signal".to_owned() } else { "it ended early".to_owned() }
        });
        format!("openjd_fail: {why} (exit {})\n", exit.code())
    }

    fn running(&mut self, node: &str) -> Option<&mut Running> {
        self.running.iter_mut().find(|running| running.node == node)
    }

    /// A line, if the progress has grown by a percent. It is 100 when everything has ended well, not before.
    fn progress(&mut self, ended: bool) -> String {
        let running: f64 =
            self.running.iter().map(|running| running.before + running.share * running.done).sum();
        let row = match self.planned {
            0 => 0.0,
            planned => ((self.ended as f64 + running) / planned as f64).min(1.0),
        };
        let percent = match (ended, self.rows) {
            (true, _) => 100,
            (false, (_, 0)) => 0,
            (false, (done, total)) => (((done as f64 + row) / total as f64 * 100.0) as u64).min(99),
        };
        if self.told.is_some_and(|told| told >= percent) {
            return String::new();
        }
        self.told = Some(percent);
        format!("openjd_progress: {percent}\n")
    }
}

/// A message in one line: its first one, without a word that says what kind of message it is.
fn first_line(message: &str) -> String {
    let line = message.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed");
    clean_line(line.trim_start_matches("error: "))
}

/// A message of which no line is obeyed.
pub(super) fn harmless(text: &str) -> String {
    let lines = text.split_inclusive(['\n', '\r']);
    lines.map(|line| if line.starts_with("openjd_") { format!(" {line}") } else { line.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn started(node: &str) -> Event {
        let (kind, identity) = ("Kind".to_owned(), dreamwire_engine::Hash::from_bytes([0; 32]));
        Event::Started { node: node.to_owned(), kind, identity }
    }

    fn finished(node: &str) -> Event {
        Event::Finished { node: node.to_owned(), elapsed: Duration::ZERO }
    }

    fn progress(node: &str, done: u64, total: u64) -> Event {
        Event::Progress { node: node.to_owned(), done, total, note: String::new() }
    }

    #[test]
    fn one_run_goes_by_its_steps() {
        let mut state = State::new();
        assert_eq!(state.hear(&Event::Planned { steps: 4 }), "openjd_progress: 0\n");
        assert_eq!(state.hear(&started("photo")), "openjd_status: photo\n");
        assert_eq!(state.hear(&finished("photo")), "openjd_progress: 25\n");
        state.hear(&started("dream"));
        assert_eq!(state.hear(&progress("dream", 5, 10)), "openjd_progress: 37\n");
        assert_eq!(state.hear(&progress("dream", 5, 0)), "", "how much there is to do is not known");
        assert_eq!(state.hear(&progress("other", 5, 10)), "");
        let cached = Event::Cached { node: "style".to_owned(), why: Why::SameInputs };
        assert_eq!(state.hear(&cached), "openjd_progress: 62\n");
        state.hear(&finished("dream"));
        assert_eq!(state.hear(&finished("save")), "openjd_progress: 99\n", "it has not ended yet");
        assert_eq!(state.end(Exit::OK), "openjd_progress: 100\n");
    }

    #[test]
    fn rows_divide_the_progress_and_it_never_goes_back() {
        let mut state = State::new();
        assert_eq!(state.rows(4), "openjd_progress: 0\n");
        assert_eq!(state.row(0, "rate=1"), "");
        state.hear(&Event::Planned { steps: 2 });
        assert_eq!(
            state.hear(&started("a\nopenjd_env: A=B")),
            "openjd_status: 1 of 4 (rate=1): a openjd_env: A=B\n"
        );
        assert_eq!(state.hear(&finished("a\nopenjd_env: A=B")), "openjd_progress: 12\n");
        assert_eq!(state.row(1, "rate=2"), "openjd_progress: 25\n");
        // After a crash a new worker plans again.
        state.hear(&Event::Planned { steps: 1 });
        state.hear(&started("a"));
        assert_eq!(state.hear(&progress("a", 9, 10)), "openjd_progress: 47\n");
        assert_eq!(state.hear(&Event::Planned { steps: 1 }), "");
        state.hear(&started("a"));
        assert_eq!(state.hear(&progress("a", 1, 10)), "");
        assert_eq!(state.row(4, "all rows"), "openjd_progress: 99\n");
        assert_eq!(state.hear(&started("late")), "openjd_status: 4 of 4 (all rows): late\n");
        assert_eq!(State::new().rows(0), "openjd_progress: 0\n");
    }

    #[test]
    fn a_batch_in_pieces_is_one_step() {
        let mut state = State::new();
        state.hear(&Event::Planned { steps: 1 });
        state.hear(&started("a"));
        let identity = dreamwire_engine::Hash::from_bytes([0; 32]);
        let rows = |first| Event::Rows {
            node: "a".to_owned(),
            kind: String::new(),
            identity,
            first,
            count: 1,
            batch: 4,
        };
        assert_eq!(state.hear(&rows(0)), "");
        assert_eq!(state.hear(&progress("a", 1, 2)), "openjd_progress: 12\n");
        assert_eq!(state.hear(&rows(2)), "openjd_progress: 50\n");
    }

    #[test]
    fn a_failure_is_told_once_in_one_line() {
        let mut state = State::new();
        state.failure = Some(first_line("\nerror: no `cat.png`\n\nhint: look"));
        assert_eq!(state.end(Exit::INPUT), "openjd_fail: no `cat.png` (exit 5)\n");
        let report = Report::new(Console::new(crate::args::Color::Never, 0));
        report.failed("the first\nmore");
        report.failed("the second");
        assert_eq!(report.state().end(Exit::INPUT), "openjd_fail: the first (exit 5)\n");
        assert_eq!(State::new().end(Exit::BUG), "openjd_fail: it ended early (exit 70)\n");
        assert_eq!(State::new().end(Exit::signal(15)), "openjd_fail: stopped by a signal (exit 143)\n");
    }

    #[test]
    fn what_others_wrote_is_not_obeyed() {
        let text = "saved a\nopenjd_env: A=B\r\nopenjd_fail: x\ropenjd_env: y\n openjd_z";
        let expected = "saved a\n openjd_env: A=B\r\n openjd_fail: x\r openjd_env: y\n openjd_z";
        assert_eq!(harmless(text), expected);
        assert_eq!(harmless("openjd_fail"), " openjd_fail");
    }
}

//! A bar for the running step: progress, the node's note (a loss), elapsed and remaining time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dreamwire_engine::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::console::{clean, clean_line};

const SPINNER: &str = "{spinner} {prefix} {msg} {elapsed}";
const BAR: &str = "{spinner} {prefix} {wide_bar} {pos}/{len} {pace} {msg} {elapsed} (eta {eta})";

const ROWS: &str = "rows {wide_bar} {pos}/{len} {msg} {elapsed} (eta {eta})";

/// The bars of the steps that have started: one, or several that take turns with the rows of a batch.
pub(super) struct Bars {
    all: MultiProgress,
    /// That of the rows of a run.
    rows: Mutex<Option<ProgressBar>>,
    current: Mutex<Vec<Current>>,
}

struct Current {
    node: String,
    bar: ProgressBar,
    /// Whether the step has reported its total.
    counted: bool,
}

impl Bars {
    pub(super) fn new() -> Self {
        Bars { all: MultiProgress::new(), rows: Mutex::default(), current: Mutex::default() }
    }

    pub(super) fn hear(&self, event: &Event) {
        match event {
            Event::Started { node, kind, .. } => self.start(node, kind),
            Event::Progress { node, done, total, note } => self.progress(node, *done, *total, note),
            Event::Finished { node, .. }
            | Event::Failed { node }
            | Event::Skipped { node, .. }
            | Event::Cached { node, .. } => {
                self.end(|current| current.node == *node);
            }
            _ => {}
        }
    }

    /// Hides the bars while `body` writes to the terminal.
    pub(super) fn suspend(&self, body: impl FnOnce()) {
        self.all.suspend(body);
    }

    pub(super) fn clear(&self) {
        self.end(|_| true);
        if let Some(bar) = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    /// A bar for the rows of a run, above those of the steps.
    pub(super) fn rows(&self, count: usize) {
        let bar = self.all.insert(0, ProgressBar::new(count as u64));
        bar.set_style(style(ROWS));
        bar.enable_steady_tick(Duration::from_millis(500));
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    pub(super) fn row(&self, done: usize, label: &str) {
        if let Some(bar) = &*self.rows.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.set_position(done as u64);
            bar.set_message(clean_line(label));
        }
    }

    /// Removes the bars of steps that have ended.
    fn end(&self, has_ended: impl Fn(&Current) -> bool) {
        self.current().retain(|current| {
            let ended = has_ended(current);
            if ended {
                current.bar.finish_and_clear();
                self.all.remove(&current.bar);
            }
            !ended
        });
    }

    fn current(&self) -> MutexGuard<'_, Vec<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, node: &str, kind: &str) {
        // A step that starts again, in a new worker, has a new bar.
        self.end(|current| current.node == node);
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(style(SPINNER));
        bar.set_prefix(clean(node));
        bar.set_message(clean(kind));
        bar.enable_steady_tick(Duration::from_millis(100));
        self.current().push(Current { node: node.to_owned(), bar, counted: false });
    }

    fn progress(&self, node: &str, done: u64, total: u64, note: &str) {
        let mut current = self.current();
        let Some(Current { bar, counted, .. }) = current.iter_mut().find(|current| current.node == node)
        else {
            return;
        };
        if total > 0 {
            if !*counted {
                *counted = true;
                bar.set_style(style(BAR));
            }
            bar.set_length(total);
            bar.set_position(done.min(total));
        }
        bar.set_message(clean(note));
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("pace", |state: &ProgressState, to: &mut dyn std::fmt::Write| {
        let _ = to.write_str(&pace(state.elapsed(), state.pos()));
    })
}

/// The time that one unit of a step takes: "0.8 s/step", or how many fit in a second.
fn pace(elapsed: Duration, done: u64) -> String {
    let seconds = elapsed.as_secs_f64();
    match done {
        0 => String::new(),
        _ if seconds > done as f64 / 10.0 => format!("{:.1} s/step", seconds / done as f64),
        _ => format!("{:.0} steps/s", done as f64 / seconds.max(1e-9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_well_formed() {
        assert!(ProgressStyle::with_template(SPINNER).is_ok());
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }

    #[test]
    fn the_pace_is_in_readable_units() {
        assert_eq!(pace(Duration::from_secs(8), 10), "0.8 s/step");
        assert_eq!(pace(Duration::from_secs(2), 100), "50 steps/s");
        assert_eq!(pace(Duration::from_secs(2), 0), "");
    }
}

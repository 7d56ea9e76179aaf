//! Decides what to do next. Pure functions: nothing here touches files, clocks or threads.

use std::time::{Duration, Instant};

/// A save is a burst of events; a burst ends after this silence.
const QUIET: Duration = Duration::from_millis(80);
/// A continuous stream of saves is handled at least this often.
const LONGEST: Duration = Duration::from_millis(300);
/// Linkers take longer to write than editors.
const PLUGIN_QUIET: Duration = Duration::from_millis(300);
const PLUGIN_LONGEST: Duration = Duration::from_secs(5);
/// For this long after a save, an unreadable file may be half written.
const MID_SAVE: Duration = Duration::from_millis(300);
const RETRY: Duration = Duration::from_millis(50);

/// What a change affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Graph,
    Inputs,
    Plugins,
}

/// Pending changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    pub(super) graph: bool,
    pub(super) inputs: bool,
    pub(super) plugins: bool,
    times: Option<(Instant, Instant)>,
}

impl Changes {
    pub(super) fn note(&mut self, about: About, now: Instant) {
        match about {
            About::Graph => self.graph = true,
            About::Inputs => self.inputs = true,
            About::Plugins => self.plugins = true,
        }
        let first = self.times.map_or(now, |(first, _)| first);
        self.times = Some((first, now));
    }

    /// How long to wait for more changes; zero means handle them now, `None` that nothing has changed.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let (first, last) = self.times?;
        let (quiet, longest) = if self.plugins { (PLUGIN_QUIET, PLUGIN_LONGEST) } else { (QUIET, LONGEST) };
        let due = (last + quiet).min(first + longest);
        Some(due.saturating_duration_since(now))
    }
}

/// The result of reading the graph file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It cannot be read.
    Missing,
    /// It holds nothing but whitespace.
    Empty,
    /// It has the same bytes as before.
    Same,
    /// It is not a graph.
    Broken,
    /// It parses as a graph, valid or not.
    Whole,
}

/// What to do after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// Read it again after that time.
    Again(Duration),
    /// Report that the watch waits for the file.
    Wait,
    /// Check it, then run it or show its problems.
    Check,
}

/// Decides by what the look found and the time since the last sign of a save.
pub(super) fn next(look: Look, since: Duration) -> Next {
    match look {
        Look::Same => Next::Nothing,
        Look::Whole => Next::Check,
        Look::Broken | Look::Missing | Look::Empty if since < MID_SAVE => Next::Again(RETRY),
        Look::Broken => Next::Check,
        // An empty file is never an error here: some writers truncate long before they write.
        Look::Missing | Look::Empty => Next::Wait,
    }
}

/// One run in flight and at most one pending job; the latest wins. `J` is a job, `F` the files that a run has read.
#[derive(Debug)]
pub(super) enum Runs<J, F> {
    Idle,
    Running {
        job: J,
        /// `None` until it has read them.
        files: Option<F>,
        pending: Option<J>,
    },
}

impl<J: Clone, F> Runs<J, F> {
    /// Queues a job; returns it if it can start now.
    pub(super) fn offer(&mut self, job: J) -> Option<J> {
        match self {
            Runs::Running { pending, .. } => {
                *pending = Some(job);
                None
            }
            Runs::Idle => Some(self.begin(job)),
        }
    }

    fn begin(&mut self, job: J) -> J {
        *self = Runs::Running { job: job.clone(), files: None, pending: None };
        job
    }

    /// The run in flight has read its files.
    pub(super) fn began(&mut self, read: F) {
        if let Runs::Running { files, .. } = self {
            *files = Some(read);
        }
    }

    /// The run in flight has ended; returns the pending job, which starts now.
    pub(super) fn ended(&mut self) -> Option<J> {
        match std::mem::replace(self, Runs::Idle) {
            Runs::Running { pending: Some(job), .. } => Some(self.begin(job)),
            Runs::Running { .. } | Runs::Idle => None,
        }
    }

    /// The job of the run in flight.
    pub(super) fn current(&self) -> Option<&J> {
        match self {
            Runs::Running { job, .. } => Some(job),
            Runs::Idle => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_burst_is_looked_at_once_it_is_over() {
        let start = Instant::now();
        let mut changes = Changes::default();
        assert_eq!(changes.wait(start), None);
        changes.note(About::Graph, start);
        assert_eq!(changes.wait(start), Some(QUIET));
        changes.note(About::Graph, start + MS * 50);
        assert_eq!(changes.wait(start + MS * 100), Some(MS * 30));
        assert_eq!(changes.wait(start + MS * 130), Some(Duration::ZERO));
    }

    #[test]
    fn a_stream_of_saves_is_looked_at_all_the_same() {
        let start = Instant::now();
        let mut changes = Changes::default();
        (0..40u32).for_each(|n| changes.note(About::Inputs, start + MS * (n * 10)));
        assert_eq!(changes.wait(start + MS * 390), Some(Duration::ZERO));
        changes.note(About::Plugins, start + MS * 390);
        assert_eq!(changes.wait(start + MS * 390), Some(PLUGIN_QUIET));
    }

    #[test]
    fn half_a_save_is_read_again_before_it_is_an_error() {
        for look in [Look::Broken, Look::Empty, Look::Missing] {
            assert_eq!(next(look, MS * 10), Next::Again(RETRY));
        }
        assert_eq!(next(Look::Broken, MID_SAVE), Next::Check);
        assert_eq!(next(Look::Empty, MID_SAVE), Next::Wait);
        assert_eq!(next(Look::Missing, MID_SAVE), Next::Wait);
        assert_eq!(next(Look::Whole, MS * 10), Next::Check);
        assert_eq!(next(Look::Same, MS * 10), Next::Nothing);
    }

    #[test]
    fn the_latest_of_many_jobs_wins() {
        let mut runs: Runs<i32, ()> = Runs::Idle;
        assert_eq!(runs.offer(1), Some(1));
        assert_eq!(runs.offer(2), None);
        assert_eq!(runs.offer(3), None);
        assert_eq!(runs.current(), Some(&1));
        assert_eq!(runs.ended(), Some(3));
        assert_eq!(runs.current(), Some(&3));
        assert_eq!(runs.ended(), None);
        assert_eq!(runs.current(), None);
        assert_eq!(runs.offer(4), Some(4));
    }
}

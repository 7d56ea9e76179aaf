//! Decides what to do next. Pure functions: nothing here touches files, clocks or threads.

use std::time::{Duration, Instant};

/// A save is a burst of events; a burst ends after this silence.
const QUIET: Duration = Duration::from_millis(80);
/// A continuous stream of saves is handled at least this often: each run would be cancelled by the next save.
const LONGEST: Duration = Duration::from_secs(4);
/// Linkers take longer to write than editors.
const PLUGIN_QUIET: Duration = Duration::from_millis(300);
const PLUGIN_LONGEST: Duration = Duration::from_secs(5);
/// An input that somebody writes is looked at when it is closed, or after this silence.
const COPY_QUIET: Duration = Duration::from_secs(2);
const COPY_LONGEST: Duration = Duration::from_secs(120);
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
    graph: Option<Burst>,
    inputs: Option<Burst>,
    plugins: Option<Burst>,
    /// The last sign of an input was that somebody writes it.
    writing: bool,
}

/// The changes whose bursts are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) graph: bool,
    pub(super) inputs: bool,
    pub(super) plugins: bool,
}

/// The first and the last event of a burst.
#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
}

impl Burst {
    fn end(self, quiet: Duration, longest: Duration) -> Instant {
        (self.last + quiet).min(self.first + longest)
    }
}

impl Changes {
    /// Notes an event; `writing` if its file is not complete yet.
    pub(super) fn note(&mut self, about: About, writing: bool, now: Instant) {
        let burst = match about {
            About::Graph => &mut self.graph,
            About::Inputs => {
                self.writing = writing;
                &mut self.inputs
            }
            About::Plugins => &mut self.plugins,
        };
        let first = burst.map_or(now, |burst| burst.first);
        *burst = Some(Burst { first, last: now });
    }

    /// When each burst ends. While plugins are being linked nothing else is looked at, so that no run starts on builds
    /// that are about to be replaced.
    fn ends(&self) -> [Option<Instant>; 3] {
        let plugins = self.plugins.map(|burst| burst.end(PLUGIN_QUIET, PLUGIN_LONGEST));
        let later = |end: Instant| plugins.map_or(end, |plugins| end.max(plugins));
        let (quiet, longest) = if self.writing { (COPY_QUIET, COPY_LONGEST) } else { (QUIET, LONGEST) };
        let graph = self.graph.map(|burst| later(burst.end(QUIET, LONGEST)));
        let inputs = self.inputs.map(|burst| later(burst.end(quiet, longest)));
        [graph, inputs, plugins]
    }

    /// How long to wait for more changes; zero means handle them now, `None` that nothing has changed.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let first = self.ends().into_iter().flatten().min()?;
        Some(first.saturating_duration_since(now))
    }

    /// Takes the changes whose bursts are over.
    pub(super) fn take_due(&mut self, now: Instant) -> Due {
        let [graph, inputs, plugins] = self.ends().map(|end| end.is_some_and(|end| end <= now));
        let take = |due: bool, burst: &mut Option<Burst>| due && burst.take().is_some();
        Due {
            graph: take(graph, &mut self.graph),
            inputs: take(inputs, &mut self.inputs),
            plugins: take(plugins, &mut self.plugins),
        }
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
        changes.note(About::Graph, false, start);
        assert_eq!(changes.wait(start), Some(QUIET));
        changes.note(About::Graph, false, start + MS * 50);
        assert_eq!(changes.wait(start + MS * 100), Some(MS * 30));
        assert_eq!(changes.take_due(start + MS * 100), Due::default());
        assert_eq!(changes.wait(start + MS * 130), Some(Duration::ZERO));
        let graph = Due { graph: true, ..Due::default() };
        assert_eq!(changes.take_due(start + MS * 130), graph);
        assert_eq!(changes.wait(start + MS * 130), None);
    }

    /// Faults: G3.
    #[test]
    fn a_stream_of_saves_is_looked_at_all_the_same() {
        let start = Instant::now();
        let mut changes = Changes::default();
        (0..500u32).for_each(|n| changes.note(About::Inputs, false, start + MS * (n * 10)));
        let now = start + MS * 4990;
        assert_eq!(changes.wait(now), Some(Duration::ZERO));
        changes.note(About::Plugins, false, now);
        assert_eq!(changes.wait(now), Some(PLUGIN_QUIET));
        assert_eq!(changes.take_due(now), Due::default(), "the plugin comes first");
    }

    /// Faults: D14.
    #[test]
    fn an_input_is_looked_at_when_it_is_complete() {
        let start = Instant::now();
        let mut changes = Changes::default();
        (0..100u32).for_each(|n| changes.note(About::Inputs, true, start + MS * (n * 100)));
        let copied = start + MS * 9_900;
        assert_eq!(changes.wait(copied), Some(COPY_QUIET));
        changes.note(About::Graph, false, copied);
        assert_eq!(changes.wait(copied), Some(QUIET), "a graph does not wait for a copy");
        assert_eq!(changes.take_due(copied + QUIET), Due { graph: true, ..Due::default() });
        changes.note(About::Inputs, false, copied + QUIET);
        assert_eq!(changes.take_due(copied + QUIET), Due { inputs: true, ..Due::default() }, "it was closed");
    }

    /// Faults: A4, G2.
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

    /// Faults: G3.
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

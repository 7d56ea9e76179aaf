//! The state of the graph file between looks.

use std::time::{Duration, Instant, SystemTime};

use dreamwire_graph::{Diagnostic, Graph, Source, parse};

use super::decide::{Look, Next, next};
use crate::GraphFile;

/// The state of the graph file.
pub(super) struct Watched {
    state: State,
    /// The last sign of a save.
    saved: Option<Instant>,
    stamp: Option<(u64, SystemTime)>,
}

enum State {
    /// Not read yet, or its meaning may have changed since.
    Unseen,
    /// Missing or empty, and reported.
    Awaited,
    /// The bytes that were checked last.
    Seen(Vec<u8>),
    /// Possibly half written: look again at that time. `seen` holds the bytes that were checked last, if any.
    Settling { again: Instant, seen: Option<Vec<u8>> },
}

/// The result of a look.
pub(super) enum Found {
    /// Nothing new.
    Nothing,
    /// It is missing or empty; reported once.
    Awaited { why: String, missing: bool },
    /// It is still missing or empty.
    StillAwaited { missing: bool },
    /// It is not valid text.
    Unreadable(Source, Vec<Diagnostic>),
    /// A text, parsed.
    Text(Source, Box<(Graph, Vec<Diagnostic>)>),
}

impl Watched {
    pub(super) fn new() -> Self {
        Watched { state: State::Unseen, saved: None, stamp: None }
    }

    /// Notes a sign of a save.
    pub(super) fn note_save(&mut self, now: Instant) {
        self.saved = Some(now);
    }

    /// The meaning of the same text may have changed: check it again at the next look.
    pub(super) fn forget(&mut self) {
        match &mut self.state {
            State::Seen(_) => self.state = State::Unseen,
            State::Settling { seen, .. } => *seen = None,
            State::Unseen | State::Awaited => {}
        }
    }

    /// How long to wait before the next look; `None` waits for a change.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        match &self.state {
            State::Settling { again, .. } => Some(again.saturating_duration_since(now)),
            _ => None,
        }
    }

    /// Whether a graph was read.
    pub(super) fn is_seen(&self) -> bool {
        matches!(self.state, State::Seen(_))
    }

    /// Whether size or modification time differ from those of the last look.
    pub(super) fn is_stale(&self, file: &GraphFile) -> bool {
        file.stamp() != self.stamp
    }

    pub(super) fn look(&mut self, file: &GraphFile, now: Instant) -> Found {
        self.stamp = file.stamp();
        let (seen, awaited) = match std::mem::replace(&mut self.state, State::Unseen) {
            State::Unseen => (None, false),
            State::Awaited => (None, true),
            State::Seen(bytes) => (Some(bytes), false),
            State::Settling { seen, .. } => (seen, false),
        };
        let read = file.bytes();
        let mut found = Found::Nothing;
        let look = match &read {
            Err(_) => Look::Missing,
            Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => Look::Empty,
            Ok(bytes) if seen.as_ref() == Some(bytes) => Look::Same,
            Ok(bytes) => {
                let (source, problems) = file.source(bytes);
                let (whole, text) = if problems.is_empty() {
                    let parsed = parse(&source);
                    (!parsed.0.damaged, Found::Text(source, Box::new(parsed)))
                } else {
                    (false, Found::Unreadable(source, problems))
                };
                found = text;
                if whole { Look::Whole } else { Look::Broken }
            }
        };
        // Without any sign of a save, none is in progress.
        let since = self.saved.map_or(Duration::MAX, |saved| now.saturating_duration_since(saved));
        let (state, found) = match next(look, since) {
            Next::Nothing => (seen.map_or(State::Unseen, State::Seen), Found::Nothing),
            Next::Again(wait) => (State::Settling { again: now + wait, seen }, Found::Nothing),
            Next::Wait => {
                let missing = look == Look::Missing;
                let why = read.err().map_or_else(|| "it is empty".to_owned(), |error| error.to_string());
                let found =
                    if awaited { Found::StillAwaited { missing } } else { Found::Awaited { why, missing } };
                (State::Awaited, found)
            }
            Next::Check => (read.map_or(State::Unseen, State::Seen), found),
        };
        self.state = state;
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faults: G6.
    #[test]
    fn a_file_comes_changes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let file = GraphFile { path: folder.path().join("g.json"), ..GraphFile::default() };
        let mut watched = Watched::new();
        let now = Instant::now();
        assert!(matches!(watched.look(&file, now), Found::Awaited { missing: true, .. }));
        assert!(matches!(watched.look(&file, now), Found::StillAwaited { missing: true }));
        std::fs::write(&file.path, "{}").unwrap();
        assert!(watched.is_stale(&file));
        assert!(matches!(watched.look(&file, now), Found::Text(..)));
        assert!(watched.is_seen() && !watched.is_stale(&file));
        assert!(matches!(watched.look(&file, now), Found::Nothing));
        watched.forget();
        assert!(matches!(watched.look(&file, now), Found::Text(..)), "the same text, read again");
        // Half a save: it is read again, and then it is an error.
        std::fs::write(&file.path, "{").unwrap();
        watched.note_save(now);
        assert!(matches!(watched.look(&file, now), Found::Nothing));
        let wait = watched.wait(now).expect("it settles");
        assert!(wait > Duration::ZERO);
        assert!(matches!(watched.look(&file, now + Duration::from_secs(1)), Found::Text(..)));
        assert_eq!(watched.wait(now), None);
        std::fs::write(&file.path, b"\xff").unwrap();
        assert!(matches!(watched.look(&file, now + Duration::from_secs(2)), Found::Unreadable(..)));
        std::fs::write(&file.path, " ").unwrap();
        assert!(matches!(
            watched.look(&file, now + Duration::from_secs(3)),
            Found::Awaited { missing: false, .. }
        ));
    }
}

//! The services of the host for a running step.

use crate::cache::Saved;
use crate::run::{Run, Settled, with_record, with_texts};
use crate::{
    Event, Failure, FailureKind, FileParam, HEAD_BYTES, Level, NewFile, Origin, Published, Tensor, WorldError,
};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The host during one step. The loader hands it to plugins as a `dw_call`; any thread may use it.
pub struct Services<'a> {
    run: &'a Run<'a>,
    node: &'a str,
    settled: &'a Settled<'a>,
    piece: Option<Piece<'a>>,
    state: Mutex<State>,
}

/// The rows of a batch that a step is run for, if not for all.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) rows: Rows,
    /// How many files the step has published for the rows before.
    pub(crate) published: usize,
    /// Whether it is an output node, which may learn which rows it has: only its keys tell.
    pub(crate) output: bool,
    /// What was logged for the rows before: it is not said again for each row.
    pub(crate) logged: &'a Mutex<HashSet<(u8, String)>>,
}

/// Rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Index of the first.
    pub(crate) first: usize,
    /// How many.
    pub(crate) count: usize,
    /// How many the batch has.
    pub(crate) batch: usize,
}

impl Rows {
    /// Progress with these rows as progress with the batch. The unit is that of a step with these rows.
    fn progress(self, done: u64, total: u64) -> (u64, u64) {
        let of_batch = |units: u64, rows: usize| {
            let scaled = u128::from(units) * rows as u128 / self.count.max(1) as u128;
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        (of_batch(total, self.first).saturating_add(done.min(total)), of_batch(total, self.batch))
    }
}

#[derive(Default)]
struct State {
    published: Vec<Published>,
    saved: Vec<Saved>,
    failure: Option<Failure>,
}

impl<'a> Services<'a> {
    /// For all rows, or for those of `piece`.
    pub(crate) fn new(
        run: &'a Run<'a>,
        node: &'a str,
        settled: &'a Settled<'a>,
        piece: Option<Piece<'a>>,
    ) -> Self {
        Self { run, node, settled, piece, state: Mutex::default() }
    }

    /// The index in the whole batch of the first row that an output node got, if it did not get all.
    pub fn first_row(&self) -> Option<u64> {
        self.piece.filter(|piece| piece.output).map(|piece| piece.rows.first as u64)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports progress. False: stop soon.
    pub fn progress(&self, done: u64, total: u64, note: &str) -> bool {
        if !(total == 0 && note.is_empty()) {
            let (done, total) = match self.piece {
                Some(piece) if total > 0 => piece.rows.progress(done, total),
                _ => (done, total),
            };
            (self.run.emit)(Event::Progress {
                node: self.node.to_owned(),
                done,
                total,
                note: note.to_owned(),
            });
        }
        !self.run.cancel.load(Ordering::Relaxed)
    }

    /// Shows the intermediate IMAGE.
    pub fn preview(&self, image: Tensor) {
        (self.run.emit)(Event::Preview { node: self.node.to_owned(), image });
    }

    /// One line for the log.
    pub fn log(&self, level: Level, message: &str) {
        if let Some(piece) = self.piece {
            let mut logged = piece.logged.lock().unwrap_or_else(PoisonError::into_inner);
            if !logged.insert((level as u8, message.to_owned())) {
                return;
            }
        }
        (self.run.emit)(Event::Log { node: self.node.to_owned(), level, message: message.to_owned() });
    }

    /// Records why the step is about to fail. The first record counts: it is nearest to the cause.
    pub fn fail(&self, failure: Failure) {
        self.state().failure.get_or_insert(failure);
    }

    /// The failure that was recorded happened inside a function that another node made.
    pub fn in_function(&self, ty: &str, producer: &str) {
        if let Some(failure) = &mut self.state().failure {
            failure.message = format!("{} (in {ty} of node `{producer}`)", failure.message);
            // The port or param that was named belongs to the producer, not to this node.
            failure.input.clear();
        }
    }

    /// The failure that was recorded.
    pub fn take_failure(&self) -> Option<Failure> {
        self.state().failure.take()
    }

    /// The content of a file that a param of this node names. Of a folder or a pattern it is the names of the files, each
    /// with a zero byte after it, which can be read then.
    ///
    /// # Errors
    /// If no param of this node names it, or it cannot be read; the failure is recorded.
    pub fn read(&self, path: &str) -> Result<Arc<Vec<u8>>, FailureKind> {
        let (files, world) = (self.run.files, self.run.world);
        let (file, listed) = self.named(path)?;
        let read = if listed { files.read_once(&file.path, world) } else { files.read(&file.path, world) };
        read.map_err(|error| self.unread(error, &file))
    }

    /// The first bytes of such a file, at most `most` and [`HEAD_BYTES`], and the length of all of it. A large file is
    /// not read for it.
    ///
    /// # Errors
    /// As [`Services::read`].
    pub fn head(&self, path: &str, most: u64) -> Result<(Vec<u8>, u64), FailureKind> {
        let (file, _) = self.named(path)?;
        let found = self.run.files.look(&file.path, self.run.world);
        let found = found.map_err(|error| self.unread(error, &file))?;
        let most = usize::try_from(most.min(HEAD_BYTES)).unwrap_or(usize::MAX);
        Ok((found.bytes[..found.bytes.len().min(most)].to_vec(), found.length))
    }

    /// The file of that name, if a param of this node names it, and whether it is one of a folder that a param names.
    fn named(&self, path: &str) -> Result<(FileParam, bool), FailureKind> {
        let mut files = self.settled.files.iter();
        if let Some(file) = files.clone().find(|file| file.path.text == path) {
            return Ok((file.clone(), false));
        }
        let listing = files.find(|file| self.run.files.lists(&file.path, path, self.run.world));
        let one = |file: &FileParam| FileParam { param: file.param.clone(), path: file.path.one(path) };
        listing.map(|file| (one(file), true)).ok_or_else(|| {
            let message = format!("asked for the file `{path}`, which no param of this node names");
            self.fail(Failure::new(FailureKind::Plugin, message));
            FailureKind::Plugin
        })
    }

    fn unread(&self, error: WorldError, file: &FileParam) -> FailureKind {
        self.record(FailureKind::Read, error, &file.param);
        FailureKind::Read
    }

    /// Publishes a file under the output root and returns its name.
    ///
    /// # Errors
    /// If the name is not allowed or writing fails; the failure is recorded.
    pub fn publish(&self, template: &str, bytes: &[u8]) -> Result<String, FailureKind> {
        let before = self.piece.map_or(0, |piece| piece.published);
        let index = before + self.state().published.len();
        let origin = Origin { node: self.node.to_owned(), index };
        let inputs = self.run.files.inputs();
        let made = with_record(self.run, &origin, bytes);
        let whole = with_texts(self.run, &origin, &made);
        let file = NewFile { origin, template, bytes: &whole, inputs: &inputs, cached: false };
        match self.run.world.publish(&file) {
            Ok(file) => {
                let name = file.name.clone();
                (self.run.emit)(Event::Published { node: self.node.to_owned(), file: file.clone() });
                // The texts are those of the run that publishes it.
                let hash = if matches!(whole, Cow::Borrowed(_)) { file.hash } else { blake3::hash(&made) };
                let saved = Saved { template: template.to_owned(), bytes: made.as_ref().into(), hash };
                let mut state = self.state();
                state.published.push(file);
                state.saved.push(saved);
                Ok(name)
            }
            Err(error) => {
                let mut texts = self.settled.texts.iter();
                // The node may have filled in what stands between `%`.
                let start = |text: &str| match text.split_once('%') {
                    Some((start, _)) => template.starts_with(start),
                    None => !text.is_empty() && template.starts_with(text),
                };
                let culprit = texts.find(|(_, text)| start(text));
                let param = culprit.map_or(String::new(), |(param, _)| param.clone());
                self.record(FailureKind::Publish, error, &param);
                Err(FailureKind::Publish)
            }
        }
    }

    fn record(&self, kind: FailureKind, error: WorldError, input: &str) {
        self.fail(Failure { kind, input: input.to_owned(), message: error.message, hint: error.hint });
    }

    /// The graph that is running, as strict JSON, unless files are not to carry it.
    pub fn provenance(&self) -> Option<&str> {
        self.run.options.metadata.then_some(&self.run.plan.provenance)
    }

    /// The files that were published, and their content.
    pub(crate) fn into_published(self) -> (Vec<Published>, Vec<Saved>) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        (state.published, state.saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_with_some_rows_is_progress_with_the_batch() {
        let rows = |first, count| Rows { first, count, batch: 10 };
        assert_eq!(rows(0, 1).progress(12, 40), (12, 400));
        assert_eq!(rows(3, 1).progress(12, 40), (132, 400));
        assert_eq!(rows(9, 1).progress(40, 40), (400, 400));
        assert_eq!(rows(4, 4).progress(10, 40), (50, 100));
        assert_eq!(rows(8, 2).progress(40, 40), (200, 200));
        assert_eq!(rows(5, 1).progress(90, 40), (240, 400), "more than all is all");
        assert_eq!(rows(9, 1).progress(u64::MAX, u64::MAX).1, u64::MAX);
    }
}

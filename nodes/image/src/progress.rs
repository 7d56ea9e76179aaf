//! Progress of one long task, in parts that all threads work on.

use dreamwire_sdk::prelude::*;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Takes what is done, of how much, and what is being done; fails if the run is cancelled.
pub(crate) type Report<'a> = &'a (dyn Fn(u64, u64, &str) -> Result<()> + Sync);

/// Pixels of a strip: some milliseconds of work, so that a cancel is soon heard and a bar moves.
pub(crate) const STRIP: usize = 1 << 18;

/// Counts the parts of a task.
pub(crate) struct Parts<'a> {
    report: Report<'a>,
    note: &'static str,
    done: AtomicU64,
    total: u64,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(report: Report<'a>, note: &'static str, total: usize) -> Self {
        Self { report, note, done: AtomicU64::new(0), total: total as u64 }
    }

    /// One more part is done.
    pub(crate) fn one_more(&self) -> Result<()> {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.report)(done, self.total, self.note)
    }
}

/// Works on interleaved samples, `channels` a pixel, strip by strip.
pub(crate) fn strips(
    samples: &mut [f32],
    channels: usize,
    report: Report<'_>,
    note: &'static str,
    work: impl Fn(&mut [f32]) -> Result<()> + Sync,
) -> Result<()> {
    let length = STRIP * channels;
    let parts = Parts::new(report, note, samples.len().div_ceil(length));
    samples.par_chunks_mut(length).try_for_each(|strip| {
        work(strip)?;
        parts.one_more()
    })
}

/// For tests: goes on.
#[cfg(test)]
pub(crate) fn unwatched(_: u64, _: u64, _: &str) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn every_sample_is_worked_on_and_every_strip_counted() {
        let mut samples = vec![1.0; (2 * STRIP + 5) * 3];
        let seen = Mutex::new(Vec::new());
        let report = |done, total, note: &str| {
            seen.lock().expect("nobody panics").push((done, total, note.to_owned()));
            Ok(())
        };
        let double = |strip: &mut [f32]| {
            strip.iter_mut().for_each(|v| *v *= 2.0);
            Ok(())
        };
        strips(&mut samples, 3, &report, "doubling", double).expect("nothing fails");
        assert!(samples.iter().all(|v| *v == 2.0));
        let mut seen = seen.into_inner().expect("nobody panics");
        seen.sort();
        assert_eq!(seen, [1, 2, 3].map(|done| (done, 3, "doubling".to_owned())));
    }

    #[test]
    fn a_cancel_stops_the_work() {
        let mut samples = vec![1.0; 100 * STRIP];
        let touched = AtomicU64::new(0);
        let cancelled = |_, _, _: &str| Err(Error::cancelled());
        let count = |_: &mut [f32]| {
            touched.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let error = strips(&mut samples, 1, &cancelled, "", count).unwrap_err();
        assert_eq!(error.status(), dreamwire_sdk::abi::CANCELLED);
        assert!(touched.into_inner() < 100);
    }
}

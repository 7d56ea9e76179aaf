//! One step: from the cache, or run for all rows at once.

use super::compute::{Computed, compute};
use super::publish::publish_again;
use super::steps::{Done, Known, State, Steps, Trouble, value};
use super::{Ended, Engine, Stopped, inputs, keys};
use crate::cache::Entry;
use crate::event::{Event, Why};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Engine {
    /// Gives a step its turn: takes it from the cache, skips it, or runs it, with others if their batch is split.
    pub(super) fn advance(&mut self, steps: &mut Steps<'_>, index: usize) -> Result<(), Ended> {
        if std::mem::replace(&mut steps.handled[index], true) {
            return Ok(());
        }
        let (step, node) = steps.step(index);
        match &steps.results[step.node] {
            State::Unneeded | State::Failed { .. } => Ok(()),
            State::Known(known) => {
                let known = known.clone();
                let published = publish_again(&mut self.cache, steps.run, node, &known, 0);
                let done = published.map(|published| {
                    (steps.run.emit)(Event::Cached { node: node.id.clone(), why: Why::Unchanged });
                    Done { known, ran: None, published }
                });
                steps.note(step, done)
            }
            State::Wanted => {
                if steps.run.cancel.load(Ordering::Relaxed) {
                    return Err(Stopped::Cancelled.into());
                }
                if let Some(cause) = steps.failed_input(node) {
                    steps.skip(step, cause);
                    return Ok(());
                }
                if let Some(chain) = self.chain(steps, index)? {
                    return self.run_chain(steps, &chain);
                }
                let done = self.run_whole(steps, index);
                steps.release(node);
                steps.note(step, done)
            }
        }
    }

    /// Runs one step: collects its inputs, looks up its content key, and computes it if that is not cached.
    fn run_whole(&mut self, steps: &mut Steps<'_>, index: usize) -> Result<Done, Trouble> {
        let (run, (step, node)) = (steps.run, steps.step(index));
        let (emit, deep_key) = (run.emit, steps.deep[step.node]);
        for link in node.links() {
            self.join(steps, link.node)?;
        }
        let (identity, settled) = steps.begin(step)?;
        let inputs = inputs::ports(run.plan, node, |_, link| value(&steps.results, link))?;
        let key = keys::content(run, step, &settled, &inputs, &steps.deep, 0)?;
        if let Some(known) = self.known(key, steps.lost) {
            let published = publish_again(&mut self.cache, run, node, &known, 0)?;
            emit(Event::Cached { node: node.id.clone(), why: Why::SameInputs });
            if step.repeats {
                self.cache.put(&[deep_key], &known.stored());
            }
            return Ok(Done { known, ran: None, published });
        }

        steps.explain(index, |reasons| reasons);
        emit(Event::Started { node: node.id.clone(), kind: node.kind.id.clone(), identity });
        let Computed { outputs, elapsed, published, saved } = compute(run, node, &settled, &inputs, None)?;
        let entry = Arc::new(Entry::new(outputs, saved));
        // A deep key with a step in it that does not repeat never comes again.
        match (step.repeats, node.kind.pure_) {
            (true, _) => self.cache.put(&[deep_key, key], &entry),
            (false, true) => self.cache.put(&[key], &entry),
            (false, false) => {}
        }
        emit(Event::Finished { node: node.id.clone(), elapsed });
        Ok(Done { known: Known::Whole(entry), ran: Some(elapsed), published })
    }
}

//! One step: from the cache, or run for all rows at once.

use super::publish::publish_again;
use super::steps::{Done, Known, State, Steps, Trouble, value};
use super::{Ended, Engine, Stopped, finite, inputs, keys};
use crate::cache::Entry;
use crate::event::{Event, Why};
use crate::{Request, Services, Step};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

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
                let done = self.run_whole(steps, step);
                steps.release(node);
                steps.note(step, done)
            }
        }
    }

    /// Runs one step: collects its inputs, looks up its content key, and computes it if that is not cached.
    fn run_whole(&mut self, steps: &mut Steps<'_>, step: &Step) -> Result<Done, Trouble> {
        let run = steps.run;
        let (plan, emit, node) = (run.plan, run.emit, run.plan.node(step));
        let deep_key = steps.deep[step.node];
        let identity = keys::identity(run, step, deep_key);
        if let Some(failure) = run.quarantine.get(&identity) {
            return Err(failure.clone().into());
        }
        for link in node.links() {
            self.join(steps, link.node)?;
        }
        let results = &steps.results;
        let settled = inputs::settle(plan, step, results)?;
        let inputs = inputs::ports(plan, node, |_, link| value(results, link))?;
        let key = keys::content(run, step, &settled, &inputs, &steps.deep, 0)?;
        if let Some(known) = self.known(key, steps.lost) {
            let published = publish_again(&mut self.cache, run, node, &known, 0)?;
            emit(Event::Cached { node: node.id.clone(), why: Why::SameInputs });
            if step.repeats {
                self.cache.put(&[deep_key], &known.stored());
            }
            return Ok(Done { known, ran: None, published });
        }

        emit(Event::Started { node: node.id.clone(), kind: node.kind.id.clone(), identity });
        let services = Services::new(run, &node.id, &settled);
        let start = Instant::now();
        let outputs = run.nodes.run(&Request {
            node: &node.id,
            kind: &node.kind,
            params: &settled.params,
            inputs: &inputs,
            services: &services,
            device: run.options_of(&node.kind.id).device,
            threads: run.options.threads,
        })?;
        let elapsed = start.elapsed();
        if !run.options.allow_nonfinite {
            finite::check(node, &outputs)?;
        }
        let (published, saved) = services.into_published();
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

//! Why steps run, for those who ask.

use super::chain::{Chain, rows_links};
use super::member::Member;
use super::pieces::{Current, Sources};
use super::steps::{Lost, Steps, Trouble};
use super::{Engine, Run, Stopped};
use crate::{History, Reason, Step};
use blake3::Hash;
use std::sync::atomic::Ordering;

/// Why each step would run, by its index in the plan, judged by an earlier run.
pub(super) fn reasons(run: &Run<'_>, earlier: &History, deep: &[Hash]) -> Result<Vec<Vec<Reason>>, Stopped> {
    let now = History::with_keys(run, deep)?;
    let of_step = |step: &Step| {
        let node = run.plan.node(step);
        now.reasons(&node.id, earlier, node.kind.pure_)
    };
    Ok(run.plan.steps.iter().map(of_step).collect())
}

/// What is cached of a step's rows, as far as can be seen before the chain runs.
#[derive(Clone, Default)]
struct Seen {
    /// So many of them.
    cached: usize,
    /// Rows that it gets are there, and its own of them are not, although it has not changed.
    lacks: bool,
    /// The place in the chain of such a step, without whose rows nothing can be seen.
    hidden_by: Option<usize>,
}

impl Seen {
    /// The reasons of a step, with what was seen of its `batch` rows. `hidden_by` is the id of that node.
    fn with(&self, mut reasons: Vec<Reason>, batch: usize, hidden_by: Option<&str>) -> Vec<Reason> {
        let hidden_by = hidden_by.filter(|_| may_be_cached(&reasons));
        if self.cached > 0 || hidden_by.is_some() {
            // Some of its result is.
            reasons.retain(|reason| *reason != Reason::NotKept);
        }
        reasons.extend((self.cached > 0).then_some(Reason::Rows { cached: self.cached, batch }));
        reasons.extend(hidden_by.map(|node| Reason::Hidden { node: node.to_owned() }));
        reasons
    }
}

/// Whether nothing has changed but what the step gets: rows that are as before are in the cache.
fn may_be_cached(reasons: &[Reason]) -> bool {
    reasons.iter().all(|reason| matches!(reason, Reason::Input { .. } | Reason::NotKept))
}

impl Engine {
    /// Says why the steps of a chain run that have not all of their rows in the cache, if that was asked for. It takes a
    /// look at every piece, which the run itself then takes from the cache.
    pub(super) fn explain_chain(
        &mut self,
        steps: &Steps<'_>,
        chain: &Chain,
        members: &[Option<Member<'_>>],
        sources: &mut Sources,
    ) -> Result<(), Lost> {
        if steps.run.explain.is_none() {
            return Ok(());
        }
        let mut seen = vec![Seen::default(); members.len()];
        let inside: Vec<usize> = chain.steps.iter().map(|&index| steps.step(index).0.node).collect();
        for rows in chain.pieces() {
            // Then nothing runs.
            if steps.run.cancel.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut current = Current::new();
            for (place, member) in members.iter().enumerate() {
                let Some(member) = member else { continue };
                let makers = || {
                    let place_of = |node: usize| inside.iter().position(|&it| it == node);
                    rows_links(member.node).filter_map(move |link| place_of(link.node))
                };
                if let Some(maker) = makers().find(|&maker| !current.contains_key(&inside[maker])) {
                    let hidden_by = if seen[maker].lacks { Some(maker) } else { seen[maker].hidden_by };
                    seen[place].hidden_by = seen[place].hidden_by.or(hidden_by);
                    continue;
                }
                match self.prepare(steps, member, rows, &current, sources) {
                    Ok((_, key)) => {
                        if let Some(entry) = self.piece(key) {
                            seen[place].cached += rows.count;
                            current.insert(member.step.node, entry);
                        } else if makers().next().is_some()
                            && may_be_cached(steps.reasons(chain.steps[place]))
                        {
                            seen[place].lacks = true;
                        }
                    }
                    Err(Trouble::Lost(lost)) => return Err(lost),
                    // It fails again when it has its turn.
                    Err(Trouble::Failed(_)) => {}
                }
            }
        }
        for (place, &index) in chain.steps.iter().enumerate() {
            if members[place].is_some() && seen[place].cached < chain.batch {
                // What made one row alone made each of them alone. Otherwise it may have made all as one batch.
                let maker = seen[place].hidden_by.filter(|&maker| seen[maker].cached == 0);
                let maker = maker.map(|maker| steps.step(chain.steps[maker]).1.id.as_str());
                steps.explain(index, |reasons| seen[place].with(reasons, chain.batch, maker));
            }
        }
        Ok(())
    }
}

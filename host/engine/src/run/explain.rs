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

/// The reasons of a step that has `cached` of the `batch` rows.
fn with_rows(mut reasons: Vec<Reason>, cached: usize, batch: usize) -> Vec<Reason> {
    if cached > 0 {
        // Some of its result is.
        reasons.retain(|reason| *reason != Reason::NotKept);
        reasons.push(Reason::Rows { cached, batch });
    }
    reasons
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
        let mut cached = vec![0; members.len()];
        let inside: Vec<usize> = chain.steps.iter().map(|&index| steps.step(index).0.node).collect();
        for rows in chain.pieces() {
            // Then nothing runs.
            if steps.run.cancel.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut current = Current::new();
            for (member, cached) in members.iter().zip(&mut cached) {
                let Some(member) = member else { continue };
                let lacks = |node: &usize| inside.contains(node) && !current.contains_key(node);
                if rows_links(member.node).any(|link| lacks(&link.node)) {
                    continue;
                }
                match self.prepare(steps, member, rows, &current, sources) {
                    Ok((_, key)) => {
                        if let Some(entry) = self.piece(key) {
                            *cached += rows.count;
                            current.insert(member.step.node, entry);
                        }
                    }
                    Err(Trouble::Lost(lost)) => return Err(lost),
                    // It fails again when it has its turn.
                    Err(Trouble::Failed(_)) => {}
                }
            }
        }
        for ((&index, member), cached) in chain.steps.iter().zip(members).zip(cached) {
            if member.is_some() && cached < chain.batch {
                steps.explain(index, |reasons| with_rows(reasons, cached, chain.batch));
            }
        }
        Ok(())
    }
}

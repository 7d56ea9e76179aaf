//! Running a chain: each piece of the batch passes through all of its steps before the next one begins.
//!
//! So a picture is saved as soon as it is made, and no more than a piece is in memory. The result of a step with a piece is
//! a result like any other, with a key of its own: what was done before a run ended is found by the next one.

use super::chain::{Chain, rows_links};
use super::compute::{Computed, compute};
use super::member::Member;
use super::parts::Parts;
use super::publish::publish_again;
use super::source::Source;
use super::steps::{Done, Known, Steps, Trouble, value};
use super::{Ended, Engine, State, Stopped, inputs, keys};
use crate::cache::{Entry, Part};
use crate::event::{Event, Why};
use crate::services::{Piece, Rows};
use crate::{Failure, FailureKind, Input, Value};
use blake3::Hash;
use dreamwire_graph::{CheckedNode, Link};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The results of one piece, by node.
pub(super) type Current = HashMap<usize, Arc<Entry>>;

/// The rows that a chain takes from outside, by node and output.
pub(super) type Sources = HashMap<(usize, usize), Source>;

impl Engine {
    /// Runs the steps of a chain. A step that fails stops only those that depend on it; what they did for the pieces
    /// before stays.
    pub(super) fn run_chain(&mut self, steps: &mut Steps<'_>, chain: &Chain) -> Result<(), Ended> {
        let mut members = self.members(steps, chain)?;
        let mut sources = sources(steps, &members);
        self.explain_chain(steps, chain, &members, &mut sources)?;
        let last = last_makers(&members);
        for rows in chain.pieces() {
            let (mut current, mut all_cached) = (Current::new(), true);
            for place in 0..members.len() {
                if steps.run.cancel.load(Ordering::Relaxed) {
                    return Err(Stopped::Cancelled.into());
                }
                let Some(member) = &mut members[place] else { continue };
                let step = member.step;
                let done = match steps.failed_input(member.node) {
                    Some(cause) => {
                        steps.skip(step, cause);
                        members[place] = None;
                        continue;
                    }
                    None => self.run_piece(steps, member, rows, &current, &mut sources),
                };
                match done {
                    Ok((entry, cached)) => {
                        all_cached &= cached || !last[place];
                        current.insert(step.node, entry);
                    }
                    Err(trouble) => {
                        all_cached = false;
                        steps.note(step, Err(at_row(trouble, rows)))?;
                        members[place] = None;
                    }
                }
                let still_read = |node: &usize| {
                    members.iter().flatten().any(|it| it.step.node == *node && it.last_reader > place)
                };
                current.retain(|node, _| still_read(node));
            }
            if last.contains(&true) {
                steps.count(rows.count, all_cached);
            }
            if members.iter().all(Option::is_none) {
                break;
            }
        }
        drop(sources);
        // All have read their inputs.
        for &index in &chain.steps {
            let node = steps.step(index).1;
            steps.release(node);
        }
        members.into_iter().flatten().try_for_each(|member| self.end_member(steps, member))
    }

    /// The steps of a chain before their first piece; `None` for one that has failed already.
    fn members<'a>(
        &mut self,
        steps: &mut Steps<'a>,
        chain: &Chain,
    ) -> Result<Vec<Option<Member<'a>>>, Ended> {
        let nodes: Vec<&CheckedNode> = chain.steps.iter().map(|&index| steps.step(index).1).collect();
        let mut members = Vec::new();
        for &index in &chain.steps {
            steps.handled[index] = true;
            let (step, node) = steps.step(index);
            // Rows that are not split are needed as a whole.
            for (port, links) in node.kind.inputs.iter().zip(&node.ports) {
                for link in links.iter().filter(|_| !port.rows) {
                    self.join(steps, link.node)?;
                }
            }
            let (identity, settled) = match steps.begin(step) {
                Ok(begun) => begun,
                Err(failure) => {
                    steps.note(step, Err(failure.into()))?;
                    members.push(None);
                    continue;
                }
            };
            let readers = nodes.iter().enumerate().filter(|(_, reader)| reads(reader, step.node));
            let in_chain: usize = nodes.iter().map(|reader| links_to(reader, step.node).count()).sum();
            members.push(Some(Member {
                step,
                node,
                identity,
                settled,
                keeps: steps.uses[step.node] > in_chain,
                last_reader: readers.map(|(place, _)| place).max().unwrap_or(0),
                parts: Parts::new(if step.repeats { vec![steps.deep[step.node]] } else { Vec::new() }),
                published: Vec::new(),
                logged: Mutex::default(),
                ran: None,
                shapes: Vec::new(),
            }));
        }
        Ok(members)
    }

    /// The inputs of a step for some rows, and the key of its result.
    pub(super) fn prepare(
        &mut self,
        steps: &Steps<'_>,
        member: &Member<'_>,
        rows: Rows,
        current: &Current,
        sources: &mut Sources,
    ) -> Result<(Vec<Input>, Hash), Trouble> {
        let (run, node) = (steps.run, member.node);
        let mut trouble = None;
        let inputs = inputs::ports(run.plan, node, |port, link| {
            if !port.rows {
                return value(&steps.results, link);
            }
            if let Some(entry) = current.get(&link.node) {
                return entry.outputs.get(link.output).cloned().unwrap_or(Value::None);
            }
            let Some(source) = sources.get_mut(&(link.node, link.output)) else { return Value::None };
            source.rows(&mut self.cache, rows.first, rows.count).unwrap_or_else(|why| {
                trouble.get_or_insert(why);
                Value::None
            })
        });
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        let inputs = inputs?;
        let key = keys::content(run, member.step, &member.settled, &inputs, &steps.deep, rows.first)?;
        Ok((inputs, key))
    }

    /// The result of a step for some rows, if it is cached. One that is itself in pieces is of no use.
    pub(super) fn piece(&mut self, key: Hash) -> Option<Arc<Entry>> {
        self.cache.part(key).filter(|entry| entry.parts.is_empty())
    }

    /// Runs one step for some rows, unless their result is cached; whether it was.
    fn run_piece(
        &mut self,
        steps: &Steps<'_>,
        member: &mut Member<'_>,
        rows: Rows,
        current: &Current,
        sources: &mut Sources,
    ) -> Result<(Arc<Entry>, bool), Trouble> {
        let (inputs, key) = self.prepare(steps, member, rows, current, sources)?;
        if let Some(entry) = self.piece(key) {
            self.take_piece(steps, member, &entry)?;
            self.keep_piece(steps, member, rows, key, &entry);
            return Ok((entry, true));
        }
        let Computed { outputs, elapsed, published, saved } = compute_piece(steps, member, rows, &inputs)?;
        member.ran = Some(member.ran.unwrap_or_default() + elapsed);
        member.published.extend(published);
        member.check(&outputs, rows.count)?;
        let entry = Arc::new(Entry::new(outputs, saved));
        self.keep_piece(steps, member, rows, key, &entry);
        Ok((entry, false))
    }

    /// Publishes the files of a cached piece.
    fn take_piece(
        &mut self,
        steps: &Steps<'_>,
        member: &mut Member<'_>,
        entry: &Arc<Entry>,
    ) -> Result<(), Trouble> {
        let known = Known::Whole(Arc::clone(entry));
        let before = member.published.len();
        let published = publish_again(&mut self.cache, steps.run, member.node, &known, before)?;
        // Files of a step that ran are all told of, and those of one that did not at the end of the run.
        if member.ran.is_some() {
            published.iter().filter(|file| !file.written).for_each(|file| member.tell(steps.run, file));
        }
        member.published.extend(published);
        Ok(())
    }

    /// Stores a piece.
    fn keep_piece(
        &mut self,
        steps: &Steps<'_>,
        member: &mut Member<'_>,
        rows: Rows,
        key: Hash,
        entry: &Arc<Entry>,
    ) {
        let stored = self.cache.put_part(key, entry);
        // After a loss the disk is not trusted.
        let holds = member.keeps && (!stored || !steps.lost.is_empty());
        let part = Part { key, rows: rows.count, files: entry.saved.len() };
        member.parts.push(part, holds.then(|| Arc::clone(entry)));
    }

    /// Notes that a step has done all pieces.
    fn end_member(&mut self, steps: &mut Steps<'_>, member: Member<'_>) -> Result<(), Ended> {
        let Member { step, node, parts, published, ran, keeps, .. } = member;
        let node_id = node.id.clone();
        (steps.run.emit)(match ran {
            Some(elapsed) => Event::Finished { node: node_id, elapsed },
            None => Event::Cached { node: node_id, why: Why::SameInputs },
        });
        let names = parts.names().to_vec();
        let known = Known::Parts(parts);
        if !names.is_empty() {
            self.cache.put(&names, &known.stored());
        }
        steps.note(step, Ok(Done { known, ran, published }))?;
        if !keeps {
            steps.results[step.node] = State::Unneeded;
        }
        Ok(())
    }
}

/// Runs the node of a step for some rows.
fn compute_piece(
    steps: &Steps<'_>,
    member: &mut Member<'_>,
    rows: Rows,
    inputs: &[Input],
) -> Result<Computed, Failure> {
    let (run, node, identity) = (steps.run, member.node, member.identity);
    let (id, kind) = (node.id.clone(), node.kind.id.clone());
    if member.ran.is_none() {
        member.ran = Some(Duration::ZERO);
        (run.emit)(Event::Started { node: id.clone(), kind: kind.clone(), identity });
        member.published.iter().filter(|file| !file.written).for_each(|file| member.tell(steps.run, file));
    }
    let Rows { first, count, batch } = rows;
    (run.emit)(Event::Rows { node: id, kind, identity, first, count, batch });
    let (published, output) = (member.published.len(), node.kind.output);
    let piece = Piece { rows, published, output, logged: &member.logged };
    compute(run, node, &member.settled, inputs, Some(piece))
}

fn links_to(node: &CheckedNode, source: usize) -> impl Iterator<Item = Link> + '_ {
    node.links().filter(move |link| link.node == source)
}

fn reads(node: &CheckedNode, source: usize) -> bool {
    links_to(node, source).next().is_some()
}

/// By place in the chain: whether the step makes pictures of which no other one of the chain makes more. What comes
/// before may be made again for pictures that are cached, so it does not count.
fn last_makers(members: &[Option<Member<'_>>]) -> Vec<bool> {
    let makers = || members.iter().flatten().filter(|member| !member.node.kind.output);
    let is_last = |member: &Member<'_>| {
        !member.node.kind.output && !makers().any(|maker| reads(maker.node, member.step.node))
    };
    members.iter().map(|member| member.as_ref().is_some_and(is_last)).collect()
}

fn sources(steps: &Steps<'_>, members: &[Option<Member<'_>>]) -> Sources {
    let links = members.iter().flatten().flat_map(|member| rows_links(member.node));
    let source = |link: Link| match &steps.results[link.node] {
        State::Known(known) => Some(((link.node, link.output), Source::new(known.clone(), link.output))),
        _ => None,
    };
    links.filter_map(source).collect()
}

/// Says with which rows a step failed.
fn at_row(trouble: Trouble, rows: Rows) -> Trouble {
    match trouble {
        Trouble::Failed(failure) if failure.kind != FailureKind::Cancelled => {
            let Rows { first, count, batch } = rows;
            let which = match count {
                1 => format!("{} of {batch}", first + 1),
                _ => format!("{} to {} of {batch}", first + 1, first + count),
            };
            Trouble::Failed(Failure { message: format!("{} (picture {which})", failure.message), ..failure })
        }
        trouble => trouble,
    }
}

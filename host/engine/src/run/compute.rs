use super::{Run, Settled, finite};
use crate::cache::Saved;
use crate::services::Piece;
use crate::{Failure, Input, Published, Request, Services, Value};
use dreamwire_graph::CheckedNode;
use std::time::{Duration, Instant};

/// What a node gave.
pub(super) struct Computed {
    pub(super) outputs: Vec<Value>,
    /// How long it took.
    pub(super) elapsed: Duration,
    pub(super) published: Vec<Published>,
    pub(super) saved: Vec<Saved>,
}

/// Runs a node with these inputs, which are all rows, or those of `piece`.
pub(super) fn compute(
    run: &Run<'_>,
    node: &CheckedNode,
    settled: &Settled<'_>,
    inputs: &[Input],
    piece: Option<Piece<'_>>,
) -> Result<Computed, Failure> {
    let services = Services::new(run, &node.id, settled, piece);
    let start = Instant::now();
    let outputs = run.nodes.run(&Request {
        node: &node.id,
        kind: &node.kind,
        params: &settled.params,
        inputs,
        services: &services,
        device: run.options_of(&node.kind.id).device,
        threads: run.options.threads,
    })?;
    let elapsed = start.elapsed();
    if !run.options.allow_nonfinite {
        finite::check(node, &outputs)?;
    }
    let (published, saved) = services.into_published();
    Ok(Computed { outputs, elapsed, published, saved })
}

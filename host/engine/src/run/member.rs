use super::Run;
use super::inputs::Settled;
use super::parts::Parts;
use crate::{Event, Failure, FailureKind, Published, Step, Value};
use blake3::Hash;
use dreamwire_graph::CheckedNode;
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

/// A step of a chain.
pub(super) struct Member<'a> {
    pub(super) step: &'a Step,
    pub(super) node: &'a CheckedNode,
    pub(super) identity: Hash,
    pub(super) settled: Settled<'a>,
    /// Whether a step outside the chain needs its result.
    pub(super) keeps: bool,
    /// The place in the chain of the last step that needs its rows.
    pub(super) last_reader: usize,
    pub(super) parts: Parts,
    pub(super) published: Vec<Published>,
    pub(super) logged: Mutex<HashSet<(u8, String)>>,
    /// How long it ran; `None` if all pieces so far were cached.
    pub(super) ran: Option<Duration>,
    /// Shape of a row of each output.
    pub(super) shapes: Vec<Option<Vec<i64>>>,
}

impl Member<'_> {
    /// Refuses outputs with other rows than were asked for.
    pub(super) fn check(&mut self, outputs: &[Value], rows: usize) -> Result<(), Failure> {
        let shapes = outputs.iter().map(|value| match value {
            Value::Tensor(tensor) => Some(tensor.shape().to_vec()),
            _ => None,
        });
        let mut shapes: Vec<Option<Vec<i64>>> = shapes.collect();
        for ((port, shape), value) in self.node.kind.outputs.iter().zip(&mut shapes).zip(outputs) {
            let is_whole = match shape.as_mut().and_then(|shape| shape.first_mut()) {
                // Compared without it: the last piece may be smaller.
                Some(first) => std::mem::replace(first, 0) == rows as i64,
                None => matches!(value, Value::None),
            };
            if !is_whole {
                let message =
                    format!("output `{}` does not have the {rows} rows that it was asked for", port.name);
                return Err(Failure::new(FailureKind::Plugin, message));
            }
        }
        if self.shapes.is_empty() {
            self.shapes = shapes;
        } else if self.shapes != shapes {
            let message = "its outputs have another shape for these rows than for those before";
            return Err(Failure::new(FailureKind::Plugin, message));
        }
        Ok(())
    }

    /// Emits that a file was published.
    pub(super) fn tell(&self, run: &Run<'_>, file: &Published) {
        (run.emit)(Event::Published { node: self.node.id.clone(), file: file.clone() });
    }
}

use std::ops::Range;

use candle_core::Result;

use crate::convolution::Algorithm;
use crate::layer::{Layer, Node, Source};

/// What one run computes: it depends only on the layers, the input's shape and the taps.
///
/// A *value* is the input (0) or the output of a layer (its index plus one).
pub(crate) struct Plan {
    /// Layers whose outputs are requested, in that order, possibly repeated.
    pub(crate) taps: Vec<usize>,
    /// By value: its shape, `[n, c, h, w]`; zeros where no tap needs it.
    pub(crate) shapes: Vec<[usize; 4]>,
    /// The layers that a tap needs, in the order of computation.
    pub(super) units: Vec<Unit>,
    /// By value: the last layer that reads it.
    pub(crate) last_readers: Vec<Option<usize>>,
    /// By value: how many layers read it.
    readers: Vec<usize>,
    /// By layer: the first of the layers that it is fused with.
    pub(super) heads: Vec<usize>,
}

/// A layer and those that are fused with it, so that the maps between them are never stored.
pub(super) struct Unit {
    pub(super) head: usize,
    /// A rectifier after a convolution.
    pub(super) rectifier: Option<usize>,
    /// A 2x2 max-pool behind that; only [`Algorithm::Tiles`], both ways, do it.
    pub(super) pool: Option<usize>,
    /// How a convolution is computed.
    pub(super) algorithm: Algorithm,
    /// And its gradient.
    pub(super) gradient_algorithm: Algorithm,
}

impl Unit {
    /// The layer whose output is stored.
    pub(super) fn last(&self) -> usize {
        self.pool.or(self.rectifier).unwrap_or(self.head)
    }
}

impl Plan {
    /// For taps that name layers of `nodes`.
    ///
    /// # Errors
    ///
    /// If a layer that a tap needs cannot take its input's shape.
    pub(crate) fn new(nodes: &[Node], input: [usize; 4], taps: &[usize]) -> Result<Self> {
        let order = needed(nodes, taps);
        let mut shapes = vec![[0; 4]; nodes.len() + 1];
        shapes[0] = input;
        let mut readers = vec![0; shapes.len()];
        let mut last_readers = vec![None; shapes.len()];
        for &index in &order {
            shapes[index + 1] = output_shape(nodes, index, &shapes)?;
            for source in &nodes[index].1 {
                readers[source.value()] += 1;
                last_readers[source.value()] = Some(index);
            }
        }
        let mut plan =
            Self { taps: taps.to_vec(), shapes, units: Vec::new(), last_readers, readers, heads: Vec::new() };
        plan.heads = (0..nodes.len()).collect();
        for &head in &order {
            // Unless it is fused with a convolution before it.
            if plan.heads[head] == head {
                let unit = plan.unit(nodes, head);
                for layer in [unit.rectifier, unit.pool].into_iter().flatten() {
                    plan.heads[layer] = head;
                }
                plan.units.push(unit);
            }
        }
        Ok(plan)
    }

    /// The layer at `head` and those fused with it.
    fn unit(&self, nodes: &[Node], head: usize) -> Unit {
        let (algorithm, gradient_algorithm) = (Algorithm::Direct, Algorithm::Direct);
        let mut unit = Unit { head, rectifier: None, pool: None, algorithm, gradient_algorithm };
        let Layer::Conv { weight, stride, padding, .. } = &nodes[head].0 else { return unit };
        let (computed, [_, inputs, h, w]) = (self.shapes[head + 1], self.shapes[nodes[head].1[0].value()]);
        let kernel = [weight.dims()[2], weight.dims()[3]];
        unit.algorithm = Algorithm::of(inputs, kernel, *stride, [computed[2], computed[3]]);
        unit.gradient_algorithm = Algorithm::of_gradient([computed[1], inputs], kernel, *padding, [h, w]);
        unit.rectifier = self
            .only_reader(head)
            .filter(|reader| matches!(nodes[*reader].0, Layer::Relu | Layer::LeakyRelu { .. }));
        if (unit.algorithm, unit.gradient_algorithm) == (Algorithm::Tiles, Algorithm::Tiles) {
            unit.pool = self.only_reader(unit.last()).filter(|reader| {
                let halves = [computed[0], computed[1], computed[2] / 2, computed[3] / 2];
                let is_halving =
                    matches!(nodes[*reader].0, Layer::MaxPool { kernel: 2, stride: 2, padding: 0, .. });
                is_halving && self.shapes[*reader + 1] == halves
            });
        }
        unit
    }

    /// The only layer that reads a layer's output.
    fn only_reader(&self, layer: usize) -> Option<usize> {
        self.last_readers[layer + 1].filter(|_| self.is_seen_once(layer))
    }

    /// Whether exactly one layer and no tap reads this layer's output.
    pub(super) fn is_seen_once(&self, layer: usize) -> bool {
        self.readers[layer + 1] == 1 && !self.taps.contains(&layer)
    }

    /// The layers that a tap needs, each after all that it reads.
    pub(crate) fn layers(&self) -> impl Iterator<Item = usize> {
        self.units.iter().flat_map(|unit| [Some(unit.head), unit.rectifier, unit.pool]).flatten()
    }

    /// The taps, each with the position of its numbers, `[n, c, h, w]`, in the concatenation of all outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let mut end = 0;
        self.taps.iter().map(move |tap| {
            let start = end;
            end += self.shapes[tap + 1].iter().product::<usize>();
            (*tap, start..end)
        })
    }
}

/// The shape of one layer's output, for the shapes of the values before it.
pub(crate) fn output_shape(nodes: &[Node], index: usize, shapes: &[[usize; 4]]) -> Result<[usize; 4]> {
    let (layer, inputs) = &nodes[index];
    let inputs: Vec<_> = inputs.iter().map(|source| shapes[source.value()]).collect();
    layer.output_shape(index, &inputs)
}

/// The layers that `taps` depend on, including themselves. Layers read earlier ones only.
fn needed(nodes: &[Node], taps: &[usize]) -> Vec<usize> {
    let mut is_needed = vec![false; nodes.len()];
    for tap in taps {
        is_needed[*tap] = true;
    }
    for index in (0..nodes.len()).rev() {
        if is_needed[index] {
            for source in &nodes[index].1 {
                if let Source::Layer(before) = source {
                    is_needed[*before] = true;
                }
            }
        }
    }
    (0..nodes.len()).filter(|index| is_needed[*index]).collect()
}

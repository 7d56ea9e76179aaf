use super::Plan;
use super::plan::Unit;
use crate::convolution::{Algorithm, spread_size};
use crate::layer::{Layer, Node, Padding, PaddingMode, Source};
use crate::relu::byte_len;

/// The bytes that a run of a [`Stack`](crate::Stack) has at once, at most. Spare buffers and the scratch of threads
/// are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// For any size of the input: the filters of the backward pass, and the largest ones transformed for tiles.
    pub fixed: u64,
    /// Maps, the input and the outputs, without a backward pass.
    pub forward: u64,
    /// With one: also what it needs to be kept, and gradients of maps, outputs and the input.
    pub gradient: u64,
    /// The outputs alone.
    pub outputs: u64,
}

/// What is allocated now, and was at most.
struct Tally {
    /// Bytes per number of a map.
    element: u64,
    now: u64,
    most: u64,
}

impl Tally {
    fn new(element: usize) -> Self {
        Self { element: element as u64, now: 0, most: 0 }
    }

    fn take(&mut self, bytes: u64) {
        self.now = self.now.saturating_add(bytes);
        self.most = self.most.max(self.now);
    }

    fn free(&mut self, bytes: u64) {
        self.now = self.now.saturating_sub(bytes);
    }

    fn map(&self, shape: [usize; 4]) -> u64 {
        count(shape).saturating_mul(self.element)
    }
}

/// Numbers of a map.
fn count(shape: [usize; 4]) -> u64 {
    shape.iter().fold(1, |count, size| count.saturating_mul(*size as u64))
}

impl Plan {
    /// The peak of a run in numbers of `element` bytes: the allocations of the network's `forward` and `backward`, in
    /// their order.
    pub(crate) fn peak(&self, nodes: &[Node], element: usize) -> Peak {
        let mut plain = Tally::new(element);
        self.tally_forward(nodes, &mut plain, false);
        let mut traced = Tally::new(element);
        self.tally_forward(nodes, &mut traced, true);
        self.tally_backward(nodes, &mut traced);
        let outputs = self.output_bytes(element as u64);
        Peak { fixed: self.filters(nodes, element), forward: plain.most, gradient: traced.most, outputs }
    }

    /// What filters take besides their own copy.
    fn filters(&self, nodes: &[Node], element: usize) -> u64 {
        /// Points of the largest tile of a convolution, for 9 weights.
        const POINTS: u64 = 64;
        let (mut transposed, mut transformed) = (0, 0);
        for unit in &self.units {
            let Layer::Conv { weight, .. } = &nodes[unit.head].0 else { continue };
            let bytes = (weight.elem_count() * element) as u64;
            transposed += bytes;
            if unit.algorithm == Algorithm::Tiles {
                transformed = bytes.max(transformed);
            }
        }
        transposed + transformed * POINTS / 9
    }

    fn output_bytes(&self, element: u64) -> u64 {
        self.outputs().map(|(_, place)| (place.len() as u64).saturating_mul(element)).sum()
    }

    /// Afterwards the input, the outputs and the trace are left.
    fn tally_forward(&self, nodes: &[Node], tally: &mut Tally, keeps_trace: bool) {
        // The caller's input and ours, with channels last.
        let input = tally.map(self.shapes[0]);
        tally.take(2 * input);
        tally.take(self.output_bytes(tally.element));
        let mut alive = vec![false; self.shapes.len()];
        alive[0] = true;
        let mut maps = input;
        for unit in &self.units {
            let (layer, inputs) = &nodes[unit.head];
            let is_last = |source: &Source| self.last_readers[source.value()] == Some(unit.head);
            let in_place = matches!(layer, Layer::Relu | Layer::LeakyRelu { .. }) && is_last(&inputs[0]);
            let map = tally.map(self.shapes[unit.last() + 1]);
            if !in_place {
                tally.take(map);
                maps += map;
            }
            if keeps_trace {
                tally.take(self.traced(nodes, unit, tally));
            }
            for source in inputs {
                let value = source.value();
                if is_last(source) && std::mem::take(&mut alive[value]) && !in_place {
                    let map = tally.map(self.shapes[value]);
                    tally.free(map);
                    maps -= map;
                }
            }
            if self.last_readers[unit.last() + 1].is_some() {
                alive[unit.last() + 1] = true;
            } else {
                tally.free(map);
                maps -= map;
            }
        }
        tally.free(maps);
    }

    /// What the backward pass needs of a unit.
    fn traced(&self, nodes: &[Node], unit: &Unit, tally: &Tally) -> u64 {
        let bits = |value: usize| {
            let [n, c, h, w] = self.shapes[value];
            count([n, byte_len(c), h, w])
        };
        match &nodes[unit.head].0 {
            Layer::Conv { .. } => {
                let signs = if unit.rectifier.is_some() { bits(unit.last() + 1) } else { 0 };
                let winners = unit.pool.map_or(0, |pool| 2 * bits(pool + 1));
                signs + winners
            }
            Layer::Relu | Layer::LeakyRelu { .. } => bits(unit.head + 1),
            Layer::MaxPool { .. } => count(self.shapes[unit.head + 1]),
            Layer::LocalResponseNorm { .. } => tally.map(self.shapes[unit.head + 1]),
            _ => 0,
        }
    }

    fn tally_backward(&self, nodes: &[Node], tally: &mut Tally) {
        tally.take(self.output_bytes(tally.element));
        // By value: whether a gradient is there.
        let mut sums = vec![false; self.shapes.len()];
        let add = |sums: &mut Vec<bool>, tally: &mut Tally, value: usize| {
            if std::mem::replace(&mut sums[value], true) {
                tally.free(tally.map(self.shapes[value]));
            }
        };
        for unit in self.units.iter().rev() {
            let value = unit.last() + 1;
            for tap in &self.taps {
                if *tap == unit.last() {
                    tally.take(tally.map(self.shapes[value]));
                    add(&mut sums, tally, value);
                }
            }
            let (layer, inputs) = &nodes[unit.head];
            let gradient = tally.map(self.shapes[value]);
            let is_passed_on = matches!(layer, Layer::Relu | Layer::LeakyRelu { .. });
            for source in inputs {
                let scratch = self.scratch(layer, source.value(), unit, tally);
                tally.take(scratch);
                if !is_passed_on {
                    tally.take(tally.map(self.shapes[source.value()]));
                }
                tally.free(scratch);
                add(&mut sums, tally, source.value());
            }
            if !is_passed_on {
                tally.free(gradient);
            }
            sums[value] = false;
        }
        tally.take(tally.map(self.shapes[0]));
    }

    /// What the backward pass of a convolution has besides the gradients of its output and its input: the former with
    /// zeros between its pixels, where there is a stride, and the latter with its mirrored edges, before they are
    /// folded back.
    fn scratch(&self, layer: &Layer, input: usize, unit: &Unit, tally: &Tally) -> u64 {
        let Layer::Conv { weight, stride, padding, .. } = layer else { return 0 };
        let ([n, channels, h, w], [_, computed, _, _]) = (self.shapes[input], self.shapes[unit.head + 1]);
        let spread = if *stride == 1 || unit.gradient_algorithm == Algorithm::FewOutputs {
            0
        } else {
            let [h, w] = spread_size(*padding, [weight.dims()[2], weight.dims()[3]], [h, w]);
            tally.map([n, computed, h, w])
        };
        let Padding { top, bottom, left, right, mode } = *padding;
        let mirrored = match mode {
            PaddingMode::Reflect if !padding.is_empty() => {
                tally.map([n, channels, h + top + bottom, w + left + right])
            }
            _ => 0,
        };
        spread + mirrored
    }
}

#[cfg(test)]
mod tests;

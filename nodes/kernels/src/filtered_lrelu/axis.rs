use std::ops::Range;

use crate::element::Element;
use crate::fir::Taps;

/// One axis of a filtered map.
pub(super) struct Axis {
    taps: Taps,
    /// The outputs of `taps` that are kept: negative padding crops some.
    kept: Range<usize>,
}

impl Axis {
    /// `size` inputs with `up - 1` zeros after each, padded, under a filter of `len` taps. `None` if it does
    /// not fit.
    pub(super) fn up(size: usize, up: usize, [before, after]: [isize; 2], len: usize) -> Option<Self> {
        let padded = |padding: isize| padding.max(0) as usize;
        let cut = |padding: isize| padding.min(0).unsigned_abs();
        let taps = Taps::new(size, up, 1, [padded(before), padded(after)], len)?;
        // One output more or less at an end is one input more or less at that end of the padded map.
        let kept = cut(before)..taps.outputs().checked_sub(cut(after))?;
        (!kept.is_empty()).then_some(Self { taps, kept })
    }

    /// Every `down`-th result of a filter of `len` taps. `None` if it does not fit.
    pub(super) fn down(size: usize, down: usize, len: usize) -> Option<Self> {
        let taps = Taps::new(size, 1, down, [0, 0], len)?;
        let kept = 0..taps.outputs();
        Some(Self { taps, kept })
    }

    pub(super) fn outputs(&self) -> usize {
        self.kept.len()
    }
}

/// Per output some neighbouring inputs and their weights.
pub(super) struct Links<T> {
    outputs: Vec<Link>,
    weights: Vec<T>,
}

struct Link {
    /// The inputs that a filter without zeros would read. Neither end decreases from one output to the next.
    span: Range<usize>,
    /// The first input that is read, and the weights of it and the following ones.
    first: usize,
    weights: Range<usize>,
}

impl<T: Element> Links<T> {
    pub(super) fn new(axis: &Axis, filter: &[f64]) -> Self {
        Self::from_lists(axis.kept.clone().map(|output| axis.taps.of(output).to_vec()), filter)
    }

    /// The transposed links: the outputs that an input contributes to.
    pub(super) fn transposed(axis: &Axis, filter: &[f64]) -> Self {
        let taps = axis.taps.transposed();
        let list = |input: usize| {
            let kept = taps.of(input).iter().filter(|(output, _)| axis.kept.contains(output));
            kept.map(|(output, tap)| (output - axis.kept.start, *tap)).collect::<Vec<_>>()
        };
        Self::from_lists((0..taps.outputs()).map(list), filter)
    }

    /// From lists of neighbouring inputs and their taps.
    fn from_lists(lists: impl Iterator<Item = Vec<(usize, usize)>>, filter: &[f64]) -> Self {
        let (mut outputs, mut weights) = (Vec::new(), Vec::new());
        let mut end = 0;
        for list in lists {
            let start = list.first().map_or(end, |(input, _)| *input);
            end = start + list.len();
            // A row of a filter is a filter of which all taps but one are zeros.
            let read = |(_, tap): &(usize, usize)| filter[*tap] != 0.0;
            let skipped = list.iter().position(read).unwrap_or(list.len());
            let kept = list.iter().rposition(read).map_or(skipped, |last| last + 1);
            let first_weight = weights.len();
            weights.extend(list[skipped..kept].iter().map(|(_, tap)| T::from_f64(filter[*tap])));
            outputs.push(Link {
                span: start..end,
                first: start + skipped,
                weights: first_weight..weights.len(),
            });
        }
        Self { outputs, weights }
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The first input that an output reads, and the weights of it and the following ones.
    #[inline(always)]
    pub(super) fn of(&self, output: usize) -> (usize, &[T]) {
        let link = &self.outputs[output];
        (link.first, &self.weights[link.weights.clone()])
    }

    /// The inputs that an output may read.
    #[inline(always)]
    pub(super) fn span(&self, output: usize) -> Range<usize> {
        self.outputs[output].span.clone()
    }

    /// The inputs that some neighbouring outputs may read.
    pub(super) fn spans(&self, outputs: Range<usize>) -> Range<usize> {
        if outputs.is_empty() {
            return 0..0;
        }
        self.span(outputs.start).start..self.span(outputs.end - 1).end
    }

    /// The largest number of inputs that an output may read.
    pub(super) fn depth(&self) -> usize {
        self.outputs.iter().map(|link| link.span.len()).max().unwrap_or(0)
    }
}

use super::plan::Unit;
use super::{Network, Noted, Plan, Saved, Step, Trace};
use crate::activation::Activation;
use crate::concat::concat;
use crate::element::Element;
use crate::layer::Source;
use crate::max_pool;
use crate::memory::zeros;
use crate::relu::{Rectified, Signs};
use crate::upsample::upsample;

impl<T: Element> Network<T> {
    /// Runs `plan` on `input`, `[n, c, h, w]`. Returns the tapped outputs as [`Plan::outputs`] places them,
    /// and what the backward pass needs if `keep_trace`.
    pub(crate) fn forward(&self, plan: &Plan, input: &[T], keep_trace: bool) -> (Vec<T>, Option<Trace<T>>) {
        let mut outputs = zeros(plan.outputs().map(|(_, place)| place.len()).sum());
        let mut saved: Vec<_> = self.steps.iter().map(|_| Saved::Nothing).collect();
        let mut maps = Maps::new(plan, Activation::from_nchw(input, plan.shapes[0]));
        for unit in &plan.units {
            let (map, state) = self.compute(plan, unit, &mut maps, keep_trace);
            maps.free(unit.head, &self.steps[unit.head].1);
            saved[unit.head] = state;
            for (tap, place) in plan.outputs() {
                if tap == unit.last() {
                    map.write_nchw(&mut outputs[place]);
                }
            }
            maps.keep(unit.last(), map);
        }
        (outputs, keep_trace.then_some(Trace(saved)))
    }

    /// The output of one unit, and what its backward pass needs.
    fn compute(
        &self,
        plan: &Plan,
        unit: &Unit,
        maps: &mut Maps<'_, T>,
        keep_trace: bool,
    ) -> (Activation<T>, Saved<T>) {
        let (index, (step, inputs)) = (unit.head, &self.steps[unit.head]);
        let input = inputs[0];
        let [_, _, h, w] = plan.shapes[index + 1];
        match step {
            Step::Conv(conv) => {
                let rectified = match unit.rectifier.map(|layer| &self.steps[layer].0) {
                    Some(Step::Rectify(rectified)) => *rectified,
                    _ => Rectified::No,
                };
                let shapes = [plan.shapes[index + 1], plan.shapes[unit.last() + 1]];
                let (map, noted) = conv.forward(maps.read(input), unit, rectified, shapes, keep_trace);
                (map, Saved::Noted(noted))
            }
            Step::Rectify(rectified) => {
                let mut map = maps.take(input, index);
                rectified.apply_all(&mut map.data);
                let signs = keep_trace.then(|| Signs::of(&map, *rectified));
                (map, Saved::Noted(Noted { signs, winners: None }))
            }
            Step::MaxPool(windows) => {
                let (map, places) = max_pool::pool(maps.read(input), *windows, [h, w]);
                (map, if keep_trace { Saved::Places(places) } else { Saved::Nothing })
            }
            Step::AveragePool(pool) => (pool.apply(maps.read(input), [h, w]), Saved::Nothing),
            Step::LocalResponseNorm(norm) => {
                let map = norm.apply(maps.read(input));
                (map, if keep_trace { Saved::Input(maps.take(input, index)) } else { Saved::Nothing })
            }
            Step::Upsample(factor) => (upsample(maps.read(input), *factor), Saved::Nothing),
            Step::Concat => {
                let maps: Vec<_> = inputs.iter().map(|input| maps.read(*input)).collect();
                (concat(&maps), Saved::Nothing)
            }
        }
    }
}

/// The maps that still have readers, by value.
struct Maps<'a, T: Element> {
    plan: &'a Plan,
    by_value: Vec<Option<Activation<T>>>,
}

impl<'a, T: Element> Maps<'a, T> {
    fn new(plan: &'a Plan, input: Activation<T>) -> Self {
        let mut by_value: Vec<_> = plan.shapes.iter().map(|_| None).collect();
        by_value[0] = Some(input);
        Self { plan, by_value }
    }

    fn read(&self, source: Source) -> &Activation<T> {
        self.by_value[source.value()].as_ref().expect("a map is kept until its last reader")
    }

    /// For `reader` to keep or to modify: moved if it is the last reader, copied otherwise.
    fn take(&mut self, source: Source, reader: usize) -> Activation<T> {
        let value = source.value();
        if self.plan.last_readers[value] == Some(reader) {
            self.by_value[value].take().expect("a map is kept until its last reader")
        } else {
            self.read(source).clone()
        }
    }

    /// Drops those of `inputs` that `reader` was the last to read.
    fn free(&mut self, reader: usize, inputs: &[Source]) {
        for source in inputs {
            if self.plan.last_readers[source.value()] == Some(reader) {
                self.by_value[source.value()] = None;
            }
        }
    }

    /// Keeps the output of a layer if anything reads it.
    fn keep(&mut self, index: usize, map: Activation<T>) {
        if self.plan.last_readers[index + 1].is_some() {
            self.by_value[index + 1] = Some(map);
        }
    }
}

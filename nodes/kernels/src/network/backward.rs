use super::{Network, Noted, Plan, Saved, Step, Trace};
use crate::activation::Activation;
use crate::concat::part;
use crate::element::Element;
use crate::layer::Source;
use crate::max_pool;
use crate::memory::zeros;
use crate::relu::Signs;
use crate::upsample::sum_blocks;

impl<T: Element> Network<T> {
    /// The gradient with respect to the input, `[n, c, h, w]`, for `gradients` of the outputs as [`Plan::outputs`]
    /// places them.
    ///
    /// The gradients of several readers are added: the last reader's first, the value's own as a tap last.
    pub(crate) fn backward(&self, plan: &Plan, trace: &Trace<T>, gradients: &[T]) -> Vec<T> {
        let mut sums: Vec<Option<Activation<T>>> = plan.shapes.iter().map(|_| None).collect();
        // By value: whether its gradient already includes the derivative of the rectifier that it came from.
        let mut is_rectified = vec![false; plan.shapes.len()];
        for unit in plan.units.iter().rev() {
            let value = unit.last() + 1;
            for (tap, place) in plan.outputs() {
                if tap == unit.last() {
                    add(&mut sums[value], Activation::from_nchw(&gradients[place], plan.shapes[value]));
                }
            }
            let mut gradient = sums[value].take().expect("a layer of a plan is tapped or read by one");
            let (step, inputs) = &self.steps[unit.head];
            let saved = &trace.0[unit.head];
            if let (Saved::Noted(Noted { signs: Some(signs), .. }), false) = (saved, is_rectified[value]) {
                signs.apply(&mut gradient);
            }
            if let Step::Concat = step {
                let mut first = 0;
                for source in inputs {
                    let [_, channels, _, _] = plan.shapes[source.value()];
                    add(&mut sums[source.value()], part(&gradient, first, channels));
                    first += channels;
                }
                continue;
            }
            let input = inputs[0].value();
            let gradient = if let (Step::Conv(conv), Saved::Noted(noted)) = (step, saved) {
                let shapes = [plan.shapes[input], plan.shapes[unit.head + 1]];
                let slopes = trace.slopes(plan, inputs[0]);
                let (algorithm, winners) = (unit.gradient_algorithm, noted.winners.as_ref());
                let (gradient, done) = conv.backward(algorithm, &gradient, winners, shapes, slopes);
                is_rectified[input] = done;
                gradient
            } else {
                step.backward(gradient, saved, plan.shapes[input])
            };
            add(&mut sums[input], gradient);
        }
        let mut out = zeros(plan.shapes[0].iter().product());
        if let Some(gradient) = &sums[0] {
            gradient.write_nchw(&mut out);
        }
        out
    }
}

impl<T: Element> Trace<T> {
    /// The derivative of the rectifier that a value comes from, if its gradient is that of a single reader.
    fn slopes(&self, plan: &Plan, source: Source) -> Option<&Signs<T>> {
        let Source::Layer(layer) = source else { return None };
        match &self.0[plan.heads[layer]] {
            Saved::Noted(noted) if plan.is_seen_once(layer) => noted.signs.as_ref(),
            _ => None,
        }
    }
}

impl<T: Element> Step<T> {
    /// The gradient of the only input, of shape `input`.
    fn backward(&self, gradient: Activation<T>, saved: &Saved<T>, input: [usize; 4]) -> Activation<T> {
        match (self, saved) {
            // The derivative is applied.
            (Step::Rectify(_), _) => gradient,
            (Step::MaxPool(windows), Saved::Places(places)) => {
                max_pool::scatter(&gradient, *windows, places, input)
            }
            (Step::AveragePool(pool), _) => pool.backward(&gradient, input),
            (Step::LocalResponseNorm(norm), Saved::Input(x)) => norm.backward(&gradient, x),
            (Step::Upsample(factor), _) => sum_blocks(&gradient, *factor),
            (Step::MaxPool(_) | Step::LocalResponseNorm(_), _) => {
                unreachable!("a traced run saves places and inputs")
            }
            (Step::Conv(_) | Step::Concat, _) => unreachable!("these are done by the network"),
        }
    }
}

/// Adds to the gradient so far, if there is one.
fn add<T: Element>(sum: &mut Option<Activation<T>>, gradient: Activation<T>) {
    match sum {
        Some(sum) => sum.accumulate(&gradient),
        None => *sum = Some(gradient),
    }
}

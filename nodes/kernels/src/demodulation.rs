//! StyleGAN2's weight demodulation, as a factor per output channel.

use crate::element::Element;

/// Keeps the factor finite, as in the paper's code.
const EPSILON: f64 = 1e-8;

/// The squares of a convolution's weights, summed over the kernel: `[outputs, inputs]`.
pub(crate) struct Energy {
    sums: Vec<f64>,
    inputs: usize,
}

impl Energy {
    /// From `[outputs, inputs, k, k]`.
    pub(crate) fn of<T: Element>(weight: &[T], inputs: usize, kernel_len: usize) -> Self {
        let square = |weight: &T| weight.to_f64() * weight.to_f64();
        let sums = weight.chunks_exact(kernel_len).map(|kernel| kernel.iter().map(square).sum()).collect();
        Self { sums, inputs }
    }

    /// `d[n, o] = rsqrt(sum_i energy[o, i] styles[n, i]^2 + 1e-8)`.
    pub(crate) fn factors<T: Element>(&self, styles: &[T]) -> Vec<T> {
        let factor = |styles: &[T], energy: &[f64]| {
            let sum: f64 = styles.iter().zip(energy).map(|(s, e)| s.to_f64() * s.to_f64() * e).sum();
            T::from_f64((sum + EPSILON).sqrt().recip())
        };
        let images = styles.chunks_exact(self.inputs);
        images
            .flat_map(|styles| self.sums.chunks_exact(self.inputs).map(move |e| factor(styles, e)))
            .collect()
    }

    /// Adds the factors' contribution to the gradient of the styles: `factors` as above, and `dot[n, o]` the
    /// sum over pixels of output times its gradient.
    ///
    /// `dd/ds_i = -d^3 s_i energy_i`, and an output is proportional to `d`, so the contribution is `-s_i d^2
    /// energy_i dot`.
    pub(crate) fn add_gradient<T: Element>(
        &self,
        styles: &[T],
        factors: &[T],
        dot: &[f64],
        gradient: &mut [T],
    ) {
        let outputs = self.sums.len() / self.inputs.max(1);
        let images = gradient.chunks_exact_mut(self.inputs).zip(styles.chunks_exact(self.inputs));
        for (n, (gradient, styles)) in images.enumerate() {
            let mut sums = vec![0.0; self.inputs];
            for (o, energy) in self.sums.chunks_exact(self.inputs).enumerate() {
                let weight = factors[n * outputs + o].to_f64().powi(2) * dot[n * outputs + o];
                for (sum, energy) in sums.iter_mut().zip(energy) {
                    *sum += weight * energy;
                }
            }
            for ((gradient, style), sum) in gradient.iter_mut().zip(styles).zip(sums) {
                *gradient -= T::from_f64(style.to_f64() * sum);
            }
        }
    }
}

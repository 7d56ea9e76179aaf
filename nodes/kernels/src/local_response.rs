use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;
use crate::simd::{Job, Lanes};

/// `y[c] = x[c] s[c]^-beta` with `s[c] = k + alpha / size * sum_j x[j]^2` over `size` channels around c.
///
/// The backward pass keeps the input: recomputing the sums from it is faster than reading them, and the
/// outputs do not determine it. Computed in f64 for all types.
#[derive(Clone, Copy)]
pub(crate) struct LocalResponseNorm {
    pub(crate) size: usize,
    pub(crate) alpha: f64,
    pub(crate) beta: f64,
    pub(crate) k: f64,
}

/// A task's scratch for one pixel.
struct Scratch {
    /// `x^2`, with zeros around as far as sums reach.
    squares: Vec<f64>,
    /// `s`.
    scales: Vec<f64>,
    /// `s^-beta`.
    powers: Vec<f64>,
    /// `g x s^(-beta - 1)`, with zeros around as far as sums reach.
    products: Vec<f64>,
    /// Sums of products.
    sums: Vec<f64>,
}

impl LocalResponseNorm {
    pub(crate) fn apply<T: Element>(self, map: &Activation<T>) -> Activation<T> {
        let mut out = Activation::new([map.n, map.c, map.h, map.w]);
        let (row_len, c) = (map.w * map.c, map.c);
        if out.data.is_empty() {
            return out;
        }
        let rows = out.data.par_chunks_mut(row_len).zip(map.data.par_chunks(row_len));
        rows.for_each_init(
            || self.scratch(c),
            |scratch, (out, x)| T::run(Outputs { norm: self, x, out, scratch }),
        );
        out
    }

    /// The gradient of the input `x`: `g[j] s[j]^-beta - 2 alpha beta / size * x[j] * sum_c g[c] x[c]
    /// s[c]^(-beta - 1)` over the c that read j.
    pub(crate) fn backward<T: Element>(self, gradient: &Activation<T>, x: &Activation<T>) -> Activation<T> {
        let mut out = Activation::new([x.n, x.c, x.h, x.w]);
        let (row_len, c) = (x.w * x.c, x.c);
        if out.data.is_empty() {
            return out;
        }
        let rows = out.data.par_chunks_mut(row_len).zip(gradient.data.par_chunks(row_len));
        rows.zip(x.data.par_chunks(row_len)).for_each_init(
            || self.scratch(c),
            |scratch, ((out, gradient), x)| T::run(Gradients { norm: self, gradient, x, out, scratch }),
        );
        out
    }

    fn scratch(self, c: usize) -> Scratch {
        let zeros = |len| vec![0.0; len];
        let reach = c + self.size - 1;
        Scratch {
            squares: zeros(reach),
            scales: zeros(c),
            powers: zeros(c),
            products: zeros(reach),
            sums: zeros(c),
        }
    }

    /// Computes `scales` and `powers` of one pixel.
    #[inline(always)]
    fn measure<T: Element>(self, x: &[T], scratch: &mut Scratch) {
        let Scratch { squares, scales, powers, .. } = scratch;
        for (square, x) in squares[self.size / 2..].iter_mut().zip(x) {
            *square = x.to_f64() * x.to_f64();
        }
        sum_neighbours(squares, scales);
        let factor = self.alpha / self.size as f64;
        for scale in scales.iter_mut() {
            *scale = self.k + factor * *scale;
        }
        inverse_powers(scales, self.beta, powers);
    }
}

/// The outputs of a row of pixels, `[w, c]`.
struct Outputs<'a, T> {
    norm: LocalResponseNorm,
    x: &'a [T],
    out: &'a mut [T],
    scratch: &'a mut Scratch,
}

impl<T: Element> Job<T> for Outputs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { norm, x, out, scratch } = self;
        let c = scratch.scales.len();
        for (out, x) in out.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
            norm.measure(x, scratch);
            for ((out, x), power) in out.iter_mut().zip(x).zip(&scratch.powers) {
                *out = T::from_f64(x.to_f64() * power);
            }
        }
    }
}

/// The gradients of a row of pixels, `[w, c]`.
struct Gradients<'a, T> {
    norm: LocalResponseNorm,
    gradient: &'a [T],
    x: &'a [T],
    out: &'a mut [T],
    scratch: &'a mut Scratch,
}

impl<T: Element> Job<T> for Gradients<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { norm, gradient, x, out, scratch } = self;
        let c = scratch.scales.len();
        let factor = 2.0 * norm.alpha * norm.beta / norm.size as f64;
        let pixels = out.chunks_exact_mut(c).zip(gradient.chunks_exact(c));
        for ((out, gradient), x) in pixels.zip(x.chunks_exact(c)) {
            norm.measure(x, scratch);
            let Scratch { scales, products, sums, powers, .. } = &mut *scratch;
            // The channels that read a channel lie mirrored to those that it reads.
            let products_of_pixel = products[(norm.size - 1) / 2..].iter_mut();
            let measured = powers.iter().zip(scales.iter());
            for (((product, gradient), x), (power, scale)) in
                products_of_pixel.zip(gradient).zip(x).zip(measured)
            {
                *product = gradient.to_f64() * x.to_f64() * power / scale;
            }
            sum_neighbours(products, sums);
            let values = gradient.iter().zip(x);
            for ((out, (gradient, x)), (power, sum)) in
                out.iter_mut().zip(values).zip(powers.iter().zip(sums.iter()))
            {
                *out = T::from_f64(gradient.to_f64() * power - factor * x.to_f64() * sum);
            }
        }
    }
}

/// `sums[c] = padded[c] + padded[c + 1] + ..`, as many terms as `padded` is longer, plus one.
#[inline(always)]
fn sum_neighbours(padded: &[f64], sums: &mut [f64]) {
    sums.fill(0.0);
    for start in 0..=padded.len() - sums.len() {
        for (sum, value) in sums.iter_mut().zip(&padded[start..]) {
            *sum += value;
        }
    }
}

/// `powers[c] = scales[c]^-beta`; common betas by square roots, which are several times faster.
#[inline(always)]
fn inverse_powers(scales: &[f64], beta: f64, powers: &mut [f64]) {
    let pairs = powers.iter_mut().zip(scales);
    if beta == 0.5 {
        for (power, scale) in pairs {
            *power = 1.0 / scale.sqrt();
        }
    } else if beta == 0.75 {
        for (power, scale) in pairs {
            let root = scale.sqrt();
            *power = 1.0 / (root * root.sqrt());
        }
    } else {
        for (power, scale) in pairs {
            *power = scale.powf(-beta);
        }
    }
}

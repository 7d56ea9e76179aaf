//! The backward pass through rectifier, bias and noise, from a layer's outputs alone.

// Indexed loops: iterators are not always inlined, and then miss the vector instructions.
#![allow(clippy::needless_range_loop)]

use std::ops::Range;

use rayon::prelude::*;

use super::Behind;
use super::band::{Band, bands};
use crate::activation::{Activation, View};
use crate::element::Element;
use crate::rectifier::Rectifier;
use crate::simd::{Job, Lanes};

/// The outputs `y = clamp(gain * leaky_relu(v))` of `v = map + noise + bias`, and their gradient. Where `y`
/// is not clamped, it determines `v`; where it is, the gradient of `v` is zero.
pub(super) struct Slopes<'a, T> {
    pub(super) y: View<'a, T>,
    gradient: &'a [T],
    /// `[n or 1, h, w]`, or empty.
    noise: &'a [T],
    bias: Vec<T>,
    /// The derivative where an output is positive, and elsewhere.
    derivatives: [T; 2],
    /// The inverses of these.
    inverses: [T; 2],
    clamp: Option<T>,
}

/// Partial sums of a task over some rows.
pub(super) struct Sums<T> {
    image: usize,
    /// Of the whole batch.
    first_row: usize,
    /// Per channel, over pixels: the gradient of `v` times `map`.
    products: Vec<f64>,
    /// The same of one row.
    row: Vec<T>,
    /// Per pixel, over channels: the gradient of `v`. Empty unless requested.
    noise: Vec<T>,
}

/// The sums of all tasks.
pub(super) struct Totals<T> {
    /// `[n, c]`.
    pub(super) products: Vec<f64>,
    /// `[n or 1, h, w]`, the gradient of the noise; zeros unless requested.
    pub(super) noise: Vec<T>,
}

impl<'a, T: Element> Slopes<'a, T> {
    pub(super) fn new(y: View<'a, T>, gradient: &'a [T], noise: &'a [T], behind: &Behind) -> Self {
        let Rectifier { slope, gain, clamp } = behind.rectifier;
        let derivatives = [gain, gain * slope];
        Self {
            y,
            gradient,
            noise,
            bias: behind.bias.iter().map(|bias| T::from_f64(*bias)).collect(),
            derivatives: derivatives.map(T::from_f64),
            inverses: derivatives.map(|derivative| T::from_f64(1.0 / derivative)),
            clamp: clamp.map(T::from_f64),
        }
    }

    /// The gradient of `v` as a map.
    pub(super) fn gradient(&self, wants_noise: bool) -> (Activation<T>, Totals<T>) {
        let View { n, h, w, c, .. } = self.y;
        let mut out = Activation::new([n, c, h, w]);
        let bands = bands(&mut out.data, h, w * c).into_par_iter();
        let sums = bands.map(|band| {
            let rows = band.first_row..band.first_row + band.values.len() / (w * c);
            let mut sums = self.sums(band.image, rows, wants_noise);
            T::run(Gradient { slopes: self, band, sums: &mut sums });
            sums
        });
        let totals = self.add_up(sums.collect());
        (out, totals)
    }

    /// Zeros, for some rows of an image.
    pub(super) fn sums(&self, image: usize, rows: Range<usize>, wants_noise: bool) -> Sums<T> {
        let View { h, w, c, .. } = self.y;
        let pixels = if wants_noise { rows.len() * w } else { 0 };
        Sums {
            image,
            first_row: image * h + rows.start,
            products: vec![0.0; c],
            row: vec![T::ZERO; c],
            noise: vec![T::ZERO; pixels],
        }
    }

    /// Adds the sums of all tasks, in order.
    pub(super) fn add_up(&self, sums: Vec<Sums<T>>) -> Totals<T> {
        let c = self.y.c;
        let mut products = vec![0.0; self.y.n * c];
        let mut noise = vec![T::ZERO; self.noise.len()];
        for Sums { image, first_row, products: part, noise: pixels, .. } in sums {
            for (sum, part) in products[image * c..][..c].iter_mut().zip(part) {
                *sum += part;
            }
            for (pixel, sum) in pixels.into_iter().enumerate() {
                let place = (first_row * self.y.w + pixel) % noise.len();
                noise[place] += sum;
            }
        }
        Totals { products, noise }
    }

    /// Writes the gradient of `v` of some columns of a row, counted from the batch's first. The columns
    /// `own`, each of which belongs to one task, are added to the sums.
    #[inline(always)]
    pub(super) fn row<V: Lanes<Element = T>>(
        &self,
        row: usize,
        columns: &Range<usize>,
        own: &Range<usize>,
        to: &mut [T],
        sums: &mut Sums<T>,
    ) {
        let View { w, c, .. } = self.y;
        let plane = if self.noise.is_empty() { 0 } else { row * w % self.noise.len() };
        for column in columns.start..columns.end {
            let pixel = row * w + column;
            let to = &mut to[(column - columns.start) * c..][..c];
            if column < own.start || column >= own.end {
                self.pixel::<V>(pixel, T::ZERO, to, &mut []);
                continue;
            }
            let noise = if self.noise.is_empty() { T::ZERO } else { self.noise[plane + column] };
            let (total, rest) = self.pixel::<V>(pixel, noise, to, &mut sums.row);
            if !sums.noise.is_empty() {
                sums.noise[pixel - sums.first_row * w] = total.sum() + rest;
            }
        }
        for (sum, part) in sums.products.iter_mut().zip(&mut sums.row) {
            *sum += part.to_f64();
            *part = T::ZERO;
        }
    }

    /// Writes the gradient of `v` of one pixel, and adds its products with the map to `sums`, unless they are
    /// empty. Returns the sum of the gradient, in two parts.
    #[inline(always)]
    fn pixel<V: Lanes<Element = T>>(&self, pixel: usize, noise: T, to: &mut [T], sums: &mut [T]) -> (V, T) {
        let c = self.bias.len();
        let (y, gradient) = (&self.y.data[pixel * c..][..c], &self.gradient[pixel * c..][..c]);
        let is_own = !sums.is_empty();
        assert!(to.len() == c && (!is_own || sums.len() == c));
        let whole = c / V::WIDTH * V::WIDTH;
        let zero = V::splat(T::ZERO);
        let ([high, low], [back_high, back_low]) = (self.derivatives, self.inverses);
        let mut total = zero;
        for channel in (0..whole).step_by(V::WIDTH) {
            // SAFETY: all of these are `c` elements, and a vector from here ends before their end.
            unsafe {
                let y = V::load(y.as_ptr().add(channel));
                let is_high = y.above(zero);
                let slope = V::select(is_high, V::splat(high), V::splat(low));
                let mut value = V::load(gradient.as_ptr().add(channel)).mul(slope);
                if let Some(clamp) = self.clamp {
                    value = V::select(V::splat(clamp).above(y.abs()), value, zero);
                }
                value.store(to.as_mut_ptr().add(channel));
                if is_own {
                    let back = V::select(is_high, V::splat(back_high), V::splat(back_low));
                    let bias = V::load(self.bias.as_ptr().add(channel));
                    let map = y.mul(back).sub(V::splat(noise)).sub(bias);
                    let sum = sums.as_mut_ptr().add(channel);
                    value.mul_add(map, V::load(sum)).store(sum);
                    total = total.add(value);
                }
            }
        }
        // The channels that do not fill a vector.
        let mut rest = T::ZERO;
        for channel in whole..c {
            let [slope, back] = if y[channel] > T::ZERO { [high, back_high] } else { [low, back_low] };
            let mut value = gradient[channel] * slope;
            if let Some(clamp) = self.clamp {
                let is_inside = y[channel] < clamp && T::ZERO - y[channel] < clamp;
                value = if is_inside { value } else { T::ZERO };
            }
            to[channel] = value;
            if is_own {
                sums[channel] += value * (y[channel] * back - noise - self.bias[channel]);
                rest += value;
            }
        }
        (total, rest)
    }
}

/// The gradient of `v` for the rows of a band.
struct Gradient<'a, T> {
    slopes: &'a Slopes<'a, T>,
    band: Band<'a, T>,
    sums: &'a mut Sums<T>,
}

impl<T: Element> Job<T> for Gradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { slopes, band, sums } = self;
        let View { h, w, c, .. } = slopes.y;
        let columns = 0..w;
        for (row, to) in band.values.chunks_exact_mut(w * c).enumerate() {
            let row = band.image * h + band.first_row + row;
            slopes.row::<V>(row, &columns, &columns, to, sums);
        }
    }
}

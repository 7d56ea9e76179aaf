//! Hot loops over the pixels of a row.

// Indexed loops: iterators are not always inlined, and then miss the vector instructions.
#![allow(clippy::needless_range_loop)]

use crate::element::Element;
use crate::simd::{Job, Lanes};

/// A map before the noise, `[n, h, w, c]`, and how it gets to `v = leaky_relu(x + strength * noise)`.
pub(super) struct Map<'a, T> {
    pub(super) x: &'a [T],
    /// `[n or 1, h, w]`.
    pub(super) noise: &'a [T],
    /// Per channel.
    pub(super) strengths: Vec<T>,
    pub(super) slope: T,
    pub(super) shape: [usize; 4],
}

impl<T: Element> Map<'_, T> {
    /// A row, counted from the batch's first.
    pub(super) fn row(&self, row: usize) -> Row<'_, T> {
        let [_, _, w, c] = self.shape;
        Row {
            x: &self.x[row * w * c..][..w * c],
            noise: &self.noise[row * w % self.noise.len()..][..w],
            strengths: &self.strengths,
            slope: self.slope,
        }
    }
}

/// The pixels of a row, and their noise.
#[derive(Clone, Copy)]
pub(super) struct Row<'a, T> {
    x: &'a [T],
    noise: &'a [T],
    strengths: &'a [T],
    slope: T,
}

impl<T: Element> Row<'_, T> {
    /// `v` of some channels of a pixel, and where it is on the positive side.
    #[inline(always)]
    fn values<V: Lanes<Element = T>>(&self, pixel: usize, channel: usize) -> (V, V::Mask) {
        let c = self.strengths.len();
        let strength: V = load(self.strengths, channel, c);
        let x: V = load(self.x, pixel * c + channel, (pixel + 1) * c);
        let sum = strength.mul_add(V::splat(self.noise[pixel]), x);
        let is_high = sum.above(V::splat(T::ZERO));
        (V::select(is_high, sum, sum.mul(V::splat(self.slope))), is_high)
    }
}

/// The numbers from `at` on, up to `end`, and then zeros.
#[inline(always)]
fn load<T: Element, V: Lanes<Element = T>>(from: &[T], at: usize, end: usize) -> V {
    let from = &from[at..end];
    if from.len() < V::WIDTH {
        return V::load_part(from);
    }
    // SAFETY: there are `WIDTH` numbers or more.
    unsafe { V::load(from.as_ptr()) }
}

/// Stores what [`load`] loads.
#[inline(always)]
fn store<T: Element, V: Lanes<Element = T>>(value: V, to: &mut [T], at: usize, end: usize) {
    let to = &mut to[at..end];
    if to.len() < V::WIDTH {
        return value.store_part(to);
    }
    // SAFETY: there are `WIDTH` numbers or more, and they are borrowed here.
    unsafe { value.store(to.as_mut_ptr()) }
}

/// Adds to sums per channel: `f` to the first, `f (v - centre)` to the second. `f` is the gradient, or `v - centre`.
pub(super) struct Moments<'a, T> {
    pub(super) row: Row<'a, T>,
    pub(super) centres: &'a [T],
    pub(super) gradient: Option<&'a [T]>,
    pub(super) first: &'a mut [T],
    pub(super) second: &'a mut [T],
}

impl<T: Element> Job<T> for Moments<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { row, centres, gradient, first, second } = self;
        let c = centres.len();
        for pixel in 0..row.noise.len() {
            for channel in (0..c).step_by(V::WIDTH) {
                let (value, _) = row.values::<V>(pixel, channel);
                let centred = value.sub(load(centres, channel, c));
                let factor = match gradient {
                    Some(gradient) => load(gradient, pixel * c + channel, (pixel + 1) * c),
                    None => centred,
                };
                store(load::<T, V>(first, channel, c).add(factor), first, channel, c);
                let product = factor.mul_add(centred, load(second, channel, c));
                store(product, second, channel, c);
            }
        }
    }
}

/// Writes `factor (v - mean) + shift`.
pub(super) struct Normalise<'a, T> {
    pub(super) row: Row<'a, T>,
    pub(super) means: &'a [T],
    pub(super) factors: &'a [T],
    pub(super) shifts: &'a [T],
    pub(super) out: &'a mut [T],
}

impl<T: Element> Job<T> for Normalise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { row, means, factors, shifts, out } = self;
        let c = means.len();
        for pixel in 0..row.noise.len() {
            for channel in (0..c).step_by(V::WIDTH) {
                let (value, _) = row.values::<V>(pixel, channel);
                let centred = value.sub(load(means, channel, c));
                let value = centred.mul_add(load(factors, channel, c), load(shifts, channel, c));
                store(value, out, pixel * c + channel, (pixel + 1) * c);
            }
        }
    }
}

/// Writes the gradient of `x`, `derivative (factor dy - even - tilt (v - mean))`, and that of the noise.
pub(super) struct Spread<'a, T> {
    pub(super) row: Row<'a, T>,
    pub(super) means: &'a [T],
    pub(super) gradient: &'a [T],
    pub(super) factors: &'a [T],
    pub(super) evens: &'a [T],
    pub(super) tilts: &'a [T],
    pub(super) to_x: &'a mut [T],
    pub(super) to_noise: &'a mut [T],
}

impl<T: Element> Job<T> for Spread<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { row, means, gradient, factors, evens, tilts, to_x, to_noise } = self;
        let c = means.len();
        for pixel in 0..row.noise.len() {
            let mut total = V::splat(T::ZERO);
            for channel in (0..c).step_by(V::WIDTH) {
                let (value, is_high) = row.values::<V>(pixel, channel);
                let (at, end) = (pixel * c + channel, (pixel + 1) * c);
                let centred = value.sub(load(means, channel, c));
                let straight = load::<T, V>(gradient, at, end).mul(load(factors, channel, c));
                let bent = straight.sub(load(evens, channel, c)).sub(centred.mul(load(tilts, channel, c)));
                let found = V::select(is_high, bent, bent.mul(V::splat(row.slope)));
                store(found, to_x, at, end);
                // Beyond the last channel the strengths are zeros.
                total = found.mul_add(load(row.strengths, channel, c), total);
            }
            to_noise[pixel] = total.sum();
        }
    }
}

use std::ops::Range;

use super::resampling::Resampling;
use super::ring::{BLOCK, Ring, grow};
use crate::element::Element;
use crate::rectifier::Rectifier;
use crate::simd::{Job, Lanes};

/// Columns of the upsampled map that are processed together. Twelve rows of so many blocks, which a filter of
/// twelve taps reads, are 150 KiB in f32: they stay in the L2 cache.
const MIDDLE_COLUMNS: usize = 192;

/// One image, `[h, w, c]`.
#[derive(Clone, Copy)]
pub(super) struct Image<'a, T> {
    pub(super) values: &'a [T],
    pub(super) w: usize,
    pub(super) c: usize,
}

/// The parameters of a rectifier.
#[derive(Clone, Copy)]
pub(super) struct Curve<T> {
    slope: T,
    gain: T,
    clamp: T,
}

/// How the result of an image is computed: its outputs, or the gradient of its inputs.
pub(super) struct Pass<'a, T> {
    pub(super) x: Image<'a, T>,
    pub(super) bias: &'a [T],
    /// From `x + bias` to the upsampled map.
    pub(super) up: &'a Resampling<T>,
    /// What is applied to the upsampled map.
    pub(super) curve: Curve<T>,
    /// For a gradient: that of the outputs, and its path to the upsampled map.
    pub(super) gradient: Option<(Image<'a, T>, &'a Resampling<T>)>,
    /// From the upsampled map to the result.
    pub(super) down: &'a Resampling<T>,
}

/// Some rows of an image's result.
pub(super) struct Strip<'a, T> {
    pub(super) pass: &'a Pass<'a, T>,
    pub(super) first_row: usize,
    pub(super) out: &'a mut [T],
    pub(super) scratch: &'a mut Scratch<T>,
}

/// Scratch that strips use one after the other.
pub(super) struct Scratch<T> {
    x: Ring<T>,
    gradient: Ring<T>,
    middle: Ring<T>,
    /// A row of any of these between its two filters.
    blended: Vec<T>,
    /// A row of the gradient of the upsampled map.
    spread: Vec<T>,
    /// A row of the result.
    row: Vec<T>,
}

impl<T: Element> Scratch<T> {
    pub(super) fn new() -> Self {
        Self {
            x: Ring::new(),
            gradient: Ring::new(),
            middle: Ring::new(),
            blended: Vec::new(),
            spread: Vec::new(),
            row: Vec::new(),
        }
    }
}

impl<T: Element> Job<T> for Strip<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(mut self) {
        let (w, c) = (self.pass.down.columns().outputs(), self.pass.x.c);
        let tiles = self.pass.up.columns().outputs().div_ceil(MIDDLE_COLUMNS);
        let tile = w.div_ceil(tiles);
        for column in (0..w).step_by(tile) {
            for channel in (0..c).step_by(BLOCK) {
                self.tile::<V>(column..(column + tile).min(w), channel..(channel + BLOCK).min(c));
            }
        }
    }
}

impl<T: Element> Strip<'_, T> {
    /// Some columns and one block of channels. Every row is computed just before the next stage reads it.
    #[inline(always)]
    fn tile<V: Lanes<Element = T>>(&mut self, columns: Range<usize>, channels: Range<usize>) {
        let Pass { x, bias, up, curve, gradient, down } = *self.pass;
        let scratch = &mut *self.scratch;
        let row_len = down.columns().outputs() * x.c;
        let rows = self.first_row..self.first_row + self.out.len() / row_len;
        let middle_rows = down.rows().spans(rows.clone());
        let middle_columns = down.columns().spans(columns.clone());
        let start = |ring: &mut Ring<T>, from: &Resampling<T>| {
            let first = from.rows().spans(middle_rows.clone()).start;
            ring.start(from.rows().depth(), first, from.columns().spans(middle_columns.clone()));
        };
        scratch.middle.start(down.rows().depth(), middle_rows.start, middle_columns.clone());
        start(&mut scratch.x, up);
        let mut widest = scratch.middle.row_len().max(scratch.x.row_len());
        if let Some((_, spread)) = gradient {
            start(&mut scratch.gradient, spread);
            widest = widest.max(scratch.gradient.row_len());
            grow(&mut scratch.spread, scratch.middle.row_len());
        }
        grow(&mut scratch.blended, widest);
        grow(&mut scratch.row, columns.len() * BLOCK);

        let mut bias_block = [T::ZERO; BLOCK];
        bias_block[..channels.len()].copy_from_slice(&bias[channels.clone()]);
        for (y, out) in rows.zip(self.out.chunks_exact_mut(row_len)) {
            while scratch.middle.next() < down.rows().span(y).end {
                let row = scratch.middle.next();
                read::<T, V>(&mut scratch.x, x, up.rows().span(row).end, channels.clone(), &bias_block);
                let middle = scratch.middle.push();
                up.row::<V>(&scratch.x, row, middle_columns.clone(), &mut scratch.blended, middle);
                let Some((gradient, spread)) = gradient else {
                    curve.apply::<V>(middle);
                    continue;
                };
                let end = spread.rows().span(row).end;
                read::<T, V>(&mut scratch.gradient, gradient, end, channels.clone(), &[T::ZERO; BLOCK]);
                let values = &mut scratch.spread[..middle.len()];
                spread.row::<V>(&scratch.gradient, row, middle_columns.clone(), &mut scratch.blended, values);
                curve.differentiate::<V>(middle, values);
            }
            down.row::<V>(&scratch.middle, y, columns.clone(), &mut scratch.blended, &mut scratch.row);
            let pixels = out[columns.start * x.c..].chunks_exact_mut(x.c).take(columns.len());
            for (pixel, block) in pixels.zip(scratch.row.chunks_exact(BLOCK)) {
                write::<T, V>(&mut pixel[channels.clone()], block);
            }
        }
    }
}

/// Reads the rows of an image before `end` that are not in the ring yet, and adds `bias`.
#[inline(always)]
fn read<T: Element, V: Lanes<Element = T>>(
    ring: &mut Ring<T>,
    image: Image<'_, T>,
    end: usize,
    channels: Range<usize>,
    bias: &[T; BLOCK],
) {
    let columns = ring.columns().clone();
    while ring.next() < end {
        let start = (ring.next() * image.w + columns.start) * image.c;
        let pixels = image.values[start..].chunks_exact(image.c).take(columns.len());
        for (pixel, block) in pixels.zip(ring.push().chunks_exact_mut(BLOCK)) {
            let pixel = &pixel[channels.clone()];
            if pixel.len() == BLOCK {
                for lane in (0..BLOCK).step_by(V::WIDTH) {
                    let value = V::load_part(&pixel[lane..][..V::WIDTH]);
                    let sum = value.add(V::load_part(&bias[lane..][..V::WIDTH]));
                    sum.store_part(&mut block[lane..][..V::WIDTH]);
                }
            } else {
                for ((value, bias), sum) in pixel.iter().zip(bias).zip(block) {
                    *sum = *value + *bias;
                }
            }
        }
    }
}

/// Writes the existing channels of a block.
#[inline(always)]
fn write<T: Element, V: Lanes<Element = T>>(pixel: &mut [T], block: &[T]) {
    if pixel.len() == BLOCK {
        for lane in (0..BLOCK).step_by(V::WIDTH) {
            V::load_part(&block[lane..][..V::WIDTH]).store_part(&mut pixel[lane..][..V::WIDTH]);
        }
    } else {
        for (value, from) in pixel.iter_mut().zip(block) {
            *value = *from;
        }
    }
}

impl<T: Element> Curve<T> {
    pub(super) fn new(rectifier: Rectifier) -> Self {
        Self {
            slope: T::from_f64(rectifier.slope),
            gain: T::from_f64(rectifier.gain),
            clamp: T::from_f64(rectifier.clamp.unwrap_or(f64::INFINITY)),
        }
    }

    /// `value` becomes `clamp(gain * leaky_relu(value))`; NaN stays NaN.
    #[inline(always)]
    fn apply<V: Lanes<Element = T>>(self, values: &mut [T]) {
        let (slope, gain, clamp) = (V::splat(self.slope), V::splat(self.gain), V::splat(self.clamp));
        let (zero, least) = (V::splat(T::ZERO), V::splat(T::ZERO - self.clamp));
        for values in values.chunks_exact_mut(V::WIDTH) {
            let value = V::load_part(values);
            let value = V::select(value.above(zero), value, value.mul(slope)).mul(gain);
            let value = V::select(value.above(clamp), clamp, value);
            V::select(least.above(value), least, value).store_part(values);
        }
    }

    /// `value` becomes the derivative of [`Curve::apply`] at it, times `gradient`.
    #[inline(always)]
    fn differentiate<V: Lanes<Element = T>>(self, values: &mut [T], gradient: &[T]) {
        let (slope, gain, clamp) = (V::splat(self.slope), V::splat(self.gain), V::splat(self.clamp));
        let (zero, one) = (V::splat(T::ZERO), V::splat(T::from_f64(1.0)));
        let pairs = values.chunks_exact_mut(V::WIDTH).zip(gradient.chunks_exact(V::WIDTH));
        for (values, gradient) in pairs {
            let value = V::load_part(values);
            let slope = V::select(value.above(zero), one, slope).mul(gain);
            let inside = clamp.above(value.mul(slope).abs());
            let product = V::load_part(gradient).mul(slope);
            V::select(inside, product, zero).store_part(values);
        }
    }
}

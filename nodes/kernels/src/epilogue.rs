//! Scale, noise, bias, rectifier and clamp, while outputs are still in the cache.

use super::Window;
use crate::element::Element;
use crate::layer::Padding;
use crate::relu::{Rectified, clamped};
use crate::simd::{Job, Lanes};

/// Finishes some whole pixels, the first of which is `first_pixel` of the whole batch. They are of one image, whose
/// factors are `scale`.
pub(crate) fn finish<T: Element>(
    out: &mut [T],
    scale: Option<&[T]>,
    window: &Window<'_, T>,
    first_pixel: usize,
) {
    T::run(Finish { out, scale, window, first_pixel });
}

/// Multiplies every pixel by `scale`, one factor per channel.
pub(crate) fn scale_pixels<T: Element>(pixels: &mut [T], scale: Option<&[T]>) {
    finish(pixels, scale, &Window::new(Padding::zeros(0), 1), 0);
}

/// [`finish`] as a job, for other jobs to call. Factors or biases tell how many channels a pixel has: noise takes one of
/// them.
pub(crate) struct Finish<'a, T> {
    pub(crate) out: &'a mut [T],
    pub(crate) scale: Option<&'a [T]>,
    pub(crate) window: &'a Window<'a, T>,
    pub(crate) first_pixel: usize,
}

impl<T: Element> Job<T> for Finish<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { out, scale, window, first_pixel } = self;
        let Window { noise, bias, rectified, clamp, .. } = *window;
        let noise = noise.unwrap_or(&[]);
        assert!(noise.is_empty() || bias.is_some());
        let is_curved = clamp.is_some() || !matches!(rectified, Rectified::No);
        if scale.is_none() && bias.is_none() && noise.is_empty() && !is_curved {
            return;
        }
        let channels = match (scale, bias) {
            (Some(factors), _) | (None, Some(factors)) => factors.len(),
            (None, None) => out.len(),
        };
        if channels == 0 {
            return;
        }
        for factors in [scale, bias] {
            assert!(factors.is_none_or(|factors| factors.len() == channels));
        }
        let whole = channels / V::WIDTH * V::WIDTH;
        let mut place = if noise.is_empty() { 0 } else { first_pixel % noise.len() };
        for pixel in out.chunks_exact_mut(channels) {
            let shift = if noise.is_empty() { T::ZERO } else { noise[place] };
            place = if place + 1 >= noise.len() { 0 } else { place + 1 };
            for channel in (0..whole).step_by(V::WIDTH) {
                // SAFETY: a pixel, its factors and the biases are `channels` numbers, and a vector from here on ends
                // before their end.
                unsafe {
                    let to = pixel.as_mut_ptr().add(channel);
                    let mut value = V::load(to);
                    if let Some(scale) = scale {
                        value = value.mul(V::load(scale.as_ptr().add(channel)));
                    }
                    value = value.add(V::splat(shift));
                    if let Some(bias) = bias {
                        value = value.add(V::load(bias.as_ptr().add(channel)));
                    }
                    curve(value, rectified, clamp).store(to);
                }
            }
            // The channels that fill no vector.
            for (channel, value) in pixel.iter_mut().enumerate().skip(whole) {
                if let Some(scale) = scale {
                    *value *= scale[channel];
                }
                *value += shift;
                if let Some(bias) = bias {
                    *value += bias[channel];
                }
                *value = curve_of_one(*value, rectified, clamp);
            }
        }
    }
}

/// Rectifier and clamp; NaN stays NaN.
#[inline(always)]
fn curve<T: Element, V: Lanes<Element = T>>(value: V, rectified: Rectified<T>, clamp: Option<T>) -> V {
    let value = rectified.of(value);
    match clamp {
        Some(clamp) => clamped(value, clamp),
        None => value,
    }
}

/// The same for one number.
#[inline(always)]
fn curve_of_one<T: Element>(value: T, rectified: Rectified<T>, clamp: Option<T>) -> T {
    let value = rectified.of_one(value);
    match clamp {
        Some(clamp) if value > clamp => clamp,
        Some(clamp) if value < T::ZERO - clamp => T::ZERO - clamp,
        _ => value,
    }
}

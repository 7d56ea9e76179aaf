//! What follows a convolution while its outputs are in the cache.

use crate::element::Element;
use crate::relu::{Rectified, clamped};
use crate::simd::{Job, Lanes};

/// What is done to outputs before they are stored, in this order.
#[derive(Clone, Copy)]
pub(crate) struct Epilogue<'a, T> {
    /// Factors per image and channel, `[n, c]`.
    pub(crate) scale: Option<&'a [T]>,
    /// Numbers per pixel, `[n or 1, h, w]`, each added to all channels.
    pub(crate) noise: Option<&'a [T]>,
    /// Numbers per channel, `[c]`, which are added.
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) rectified: Rectified<T>,
    /// Largest absolute value of an output; NaN stays NaN.
    pub(crate) clamp: Option<T>,
}

impl<T: Element> Epilogue<'_, T> {
    /// The identity.
    pub(crate) fn none() -> Self {
        Self { scale: None, noise: None, bias: None, rectified: Rectified::No, clamp: None }
    }

    /// That of image `n`, whose factors are `[c]`.
    pub(crate) fn of_image(&self, n: usize, channels: usize) -> Self {
        Self { scale: self.scale.map(|scale| &scale[n * channels..][..channels]), ..*self }
    }
}

/// Finishes some whole pixels of `channels` channels, the first of which is `first_pixel` of the whole batch. They are of
/// one image, whose epilogue this is.
pub(crate) fn finish<T: Element>(
    out: &mut [T],
    channels: usize,
    epilogue: Epilogue<'_, T>,
    first_pixel: usize,
) {
    T::run(Finish { out, channels, epilogue, first_pixel });
}

/// Multiplies every pixel by `scale`, one factor per channel.
pub(crate) fn scale_pixels<T: Element>(pixels: &mut [T], scale: Option<&[T]>) {
    if let Some(factors) = scale {
        finish(pixels, factors.len(), Epilogue { scale, ..Epilogue::none() }, 0);
    }
}

/// [`finish`] as a job, for other jobs to call.
pub(crate) struct Finish<'a, T> {
    pub(crate) out: &'a mut [T],
    pub(crate) channels: usize,
    /// Of one image: its factors are `[c]`.
    pub(crate) epilogue: Epilogue<'a, T>,
    pub(crate) first_pixel: usize,
}

impl<T: Element> Job<T> for Finish<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { out, channels, epilogue, first_pixel } = self;
        let Epilogue { scale, noise, bias, rectified, clamp } = epilogue;
        let noise = noise.unwrap_or(&[]);
        let is_curved = clamp.is_some() || !matches!(rectified, Rectified::No);
        let is_plain = scale.is_none() && bias.is_none() && noise.is_empty();
        if is_plain && !is_curved {
            return;
        }
        // Without factors, noise and bias all pixels are treated alike, as one long pixel.
        let channels = if is_plain { out.len() } else { channels };
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
                // SAFETY: a pixel, its factors and the biases are `channels` elements, and a vector from here
                // ends before their end.
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

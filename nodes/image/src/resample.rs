//! Resampling of pictures, by strips of rows on all threads.

pub(crate) mod windows;

use crate::progress::STRIP;
use dreamwire_sdk::prelude::*;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32, F32x2, F32x3, F32x4};
use fast_image_resize::{PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Resamples every image of `[B,H,W,C]` to `[B,height,width,C]`, channel by channel, clamped to 0..1.
///
/// `report` is called with the number of strips done and in all. Callers check the size against the limits.
///
/// # Errors
/// If `image` has another rank or is not f32, or `report` fails.
pub(crate) fn resample(
    image: &Tensor,
    (width, height): (usize, usize),
    algorithm: ResizeAlg,
    report: impl Fn(u64, u64) -> Result<()> + Sync,
) -> Result<Tensor> {
    let (batch, old_height, old_width, channels) = image.dims4()?;
    let samples = image.flatten_all()?.to_vec1::<f32>()?;
    let shape = [batch, old_height, old_width, channels];
    let resampled = resampled(&samples, shape, (width, height), algorithm, report)?;
    Ok(Tensor::from_vec(resampled, (batch, height, width, channels), image.device())?)
}

/// As [`resample`], of samples that stay where they are.
pub(crate) fn resampled(
    samples: &[f32],
    [batch, old_height, old_width, channels]: [usize; 4],
    (width, height): (usize, usize),
    algorithm: ResizeAlg,
    report: impl Fn(u64, u64) -> Result<()> + Sync,
) -> Result<Vec<f32>> {
    let mut resampled = vec![0.0; batch * height * width * channels];
    if resampled.is_empty() || samples.is_empty() {
        return Ok(resampled);
    }
    // Alpha is a channel like others.
    let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
    let shape = Shape { old_width, old_height, width, height, channels, options };
    let rows = shape.rows_of_a_strip();
    let (done, total) = (AtomicU64::new(0), (batch * height.div_ceil(rows)) as u64);
    let olds = samples.par_chunks(old_height * old_width * channels);
    let images = resampled.par_chunks_mut(height * width * channels).zip(olds);
    images.try_for_each(|(image, old)| {
        let strips = image.par_chunks_mut(rows * width * channels).enumerate();
        strips.try_for_each(|(index, strip)| {
            shape.strip(old, index * rows, strip)?;
            report(done.fetch_add(1, Ordering::Relaxed) + 1, total)
        })
    })?;
    Ok(resampled)
}

struct Shape {
    old_width: usize,
    old_height: usize,
    width: usize,
    height: usize,
    channels: usize,
    options: ResizeOptions,
}

impl Shape {
    /// Old rows of a new one.
    fn scale(&self) -> f64 {
        self.old_height as f64 / self.height as f64
    }

    /// Filters reach a few rows beyond a strip, which are worked on twice: so a strip has at least 32 of them, old or
    /// new.
    fn rows_of_a_strip(&self) -> usize {
        let pixels_of_a_row = (self.width as f64).max(self.old_width as f64 * self.scale());
        let least = 32.0 * (1.0 / self.scale()).max(1.0);
        (STRIP as f64 / pixels_of_a_row).max(least).ceil() as usize
    }

    /// The new rows from `first` on, as many as fit into `target`, out of the image `old`.
    fn strip(&self, old: &[f32], first: usize, target: &mut [f32]) -> Result<()> {
        match self.channels {
            1 => self.interleaved::<F32>(old, first, target)?,
            2 => self.interleaved::<F32x2>(old, first, target)?,
            3 => self.interleaved::<F32x3>(old, first, target)?,
            4 => self.interleaved::<F32x4>(old, first, target)?,
            more => {
                let mut plane = vec![0.0; target.len() / more];
                for channel in 0..more {
                    let samples: Vec<f32> = old.iter().skip(channel).step_by(more).copied().collect();
                    self.interleaved::<F32>(&samples, first, &mut plane)?;
                    for (to, from) in target.iter_mut().skip(channel).step_by(more).zip(&plane) {
                        *to = *from;
                    }
                }
            }
        }
        target.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
        Ok(())
    }

    /// As [`Shape::strip`], of pixels that the crate knows, unclamped.
    fn interleaved<P: PixelTrait>(&self, old: &[f32], first: usize, target: &mut [f32]) -> Result<()> {
        let failed = |why: &dyn std::fmt::Display| Error::failed(format!("resize: {why}"));
        let side = |side: usize| u32::try_from(side).map_err(|e| failed(&e));
        let old: &[u8] = bytemuck::cast_slice(old);
        let source = TypedImageRef::<P>::from_buffer(side(self.old_width)?, side(self.old_height)?, old)
            .map_err(|e| failed(&e))?;
        let target: &mut [u8] = bytemuck::cast_slice_mut(target);
        let rows = target.len() / P::size() / self.width;
        let mut strip =
            TypedImage::<P>::from_buffer(side(self.width)?, side(rows)?, target).map_err(|e| failed(&e))?;
        let top = first as f64 * self.scale();
        // The last strip ends exactly where the image does.
        let is_last = first + rows == self.height;
        let height = if is_last { self.old_height as f64 - top } else { rows as f64 * self.scale() };
        let options = self.options.crop(0.0, top, self.old_width as f64, height);
        Resizer::new().resize_typed(&source, &mut strip, &options).map_err(|e| failed(&e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fast_image_resize::FilterType;
    use std::sync::Mutex;

    /// Some picture.
    fn samples(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919) % 1009) as f32 / 1008.0).collect()
    }

    /// The crate's own work in one go.
    fn at_once(old: &[f32], old_size: (u32, u32), size: (u32, u32), algorithm: ResizeAlg) -> Vec<f32> {
        let source = TypedImageRef::<F32>::from_buffer(old_size.0, old_size.1, bytemuck::cast_slice(old));
        let mut target = TypedImage::<F32>::new(size.0, size.1);
        let options = ResizeOptions::new().resize_alg(algorithm);
        Resizer::new().resize_typed(&source.expect("it fits"), &mut target, &options).expect("resizes");
        target.pixels().iter().map(|pixel| pixel.0.clamp(0.0, 1.0)).collect()
    }

    #[test]
    fn strips_are_the_picture_at_once() {
        let filters = [FilterType::Lanczos3, FilterType::CatmullRom, FilterType::Box, FilterType::Bilinear];
        let algorithms = filters.map(ResizeAlg::Convolution).into_iter().chain([ResizeAlg::Nearest]);
        for algorithm in algorithms {
            // Down, up, one side only, and not at all.
            for (old, new) in [
                ((700, 1500), (331, 977)),
                ((90, 70), (1000, 613)),
                ((64, 2000), (64, 999)),
                ((2000, 300), (31, 300)),
                ((600, 900), (600, 900)),
            ] {
                let source = samples(old.0 * old.1);
                let found = resampled(&source, [1, old.1, old.0, 1], new, algorithm, |_, _| Ok(()));
                let [old, new] = [old, new].map(|(w, h)| (w as u32, h as u32));
                let expected = at_once(&source, old, new, algorithm);
                let found = found.expect("resizes");
                assert_eq!(found.len(), expected.len());
                for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    // Between two old rows, either is the nearest.
                    let row = ((at / new.0 as usize) as f64 + 0.5) * f64::from(old.1) / f64::from(new.1);
                    if algorithm == ResizeAlg::Nearest && (row - row.round()).abs() < 1e-6 {
                        continue;
                    }
                    let off = (found - expected).abs();
                    assert!(off < 1e-5, "{algorithm:?} {old:?} {new:?} at {at}: {found} for {expected}");
                }
            }
        }
    }

    #[test]
    fn channels_and_images_are_worked_on_alone() {
        let algorithm = ResizeAlg::Convolution(FilterType::Lanczos3);
        for channels in 1..=5 {
            let source = samples(2 * 40 * 30 * channels);
            let found = resampled(&source, [2, 30, 40, channels], (17, 45), algorithm, |_, _| Ok(()));
            let found = found.expect("resizes");
            for (image, old) in source.chunks(40 * 30 * channels).enumerate() {
                for channel in 0..channels {
                    let plane: Vec<f32> = old.iter().skip(channel).step_by(channels).copied().collect();
                    let expected = at_once(&plane, (40, 30), (17, 45), algorithm);
                    let found = &found[image * 17 * 45 * channels..][..17 * 45 * channels];
                    for (found, expected) in found.iter().skip(channel).step_by(channels).zip(&expected) {
                        assert!((found - expected).abs() < 1e-5, "{channels} {image} {channel}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_strip_is_reported_and_a_cancel_ends_it() {
        let seen = Mutex::new(Vec::new());
        let algorithm = ResizeAlg::Convolution(FilterType::Lanczos3);
        let source = samples(2000 * 1000);
        let report = |done, total| {
            seen.lock().expect("nobody panics").push((done, total));
            Ok(())
        };
        resampled(&source, [1, 1000, 2000, 1], (2000, 999), algorithm, report).expect("resizes");
        let mut seen = seen.into_inner().expect("nobody panics");
        seen.sort_unstable();
        assert!(seen.len() > 3);
        let total = seen.len() as u64;
        assert!(seen.iter().zip(1..).all(|(found, done)| *found == (done, total)), "{seen:?}");
        let cancelled = |_, _| Err(Error::cancelled());
        let ended = resampled(&source, [1, 1000, 2000, 1], (2000, 999), algorithm, cancelled);
        assert!(ended.unwrap_err().is_cancelled());
    }
}

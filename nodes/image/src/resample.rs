//! Resampling of pictures, shared by the nodes that change the size of a picture.

use dreamwire_sdk::prelude::*;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32, F32x3};
use fast_image_resize::{PixelTrait, ResizeAlg, ResizeOptions, Resizer};

/// Resamples every image of `[B,H,W,C]` to `[B,height,width,C]`, channel by channel, clamped to 0..1.
///
/// `before` is called before each image with the number of images done and in all. Callers check the size
/// against the limits.
///
/// # Errors
/// If `image` has another rank or is not f32, or `before` fails.
pub(crate) fn resample(
    image: &Tensor,
    (width, height): (usize, usize),
    algorithm: ResizeAlg,
    before: impl Fn(u64, u64) -> Result<()>,
) -> Result<Tensor> {
    let (batch, old_height, old_width, channels) = image.dims4()?;
    let shape = Shape { old_width, old_height, width, height, channels };
    let mut resizer = Resizer::new();
    let options = ResizeOptions::new().resize_alg(algorithm);
    let mut resampled = Vec::with_capacity(batch * height * width * channels);
    for index in 0..batch {
        before(index as u64, batch as u64)?;
        let samples = image.get(index)?.flatten_all()?.to_vec1::<f32>()?;
        resampled.extend(shape.resample(&samples, &mut resizer, &options)?);
    }
    Ok(Tensor::from_vec(resampled, (batch, height, width, channels), image.device())?)
}

/// As [`resample`], of the largest part around the centre of each image that has the ratio of `width x height`. Images of
/// that size stay as they are.
///
/// # Errors
/// As [`resample`].
pub(crate) fn cover(
    image: &Tensor,
    (width, height): (usize, usize),
    algorithm: ResizeAlg,
    before: impl Fn(u64, u64) -> Result<()>,
) -> Result<Tensor> {
    let (_, old_height, old_width, _) = image.dims4()?;
    if (old_width, old_height) == (width, height) {
        return Ok(image.clone());
    }
    let part = |side: usize, over: usize, under: usize| {
        ((side as f64 * over as f64 / under as f64).round() as usize).max(1)
    };
    // All of one side, and of the other what the aspect ratio gives.
    let cut_width = part(old_height, width, height).min(old_width);
    let cut_height = part(old_width, height, width).min(old_height);
    let middle = image.narrow(1, (old_height - cut_height) / 2, cut_height)?.narrow(
        2,
        (old_width - cut_width) / 2,
        cut_width,
    )?;
    resample(&middle, (width, height), algorithm, before)
}

struct Shape {
    old_width: usize,
    old_height: usize,
    width: usize,
    height: usize,
    channels: usize,
}

impl Shape {
    /// Interleaved samples `[H,W,C]` to `[height,width,C]`, clamped: three channels in one pass, others one by one.
    fn resample(&self, samples: &[f32], resizer: &mut Resizer, options: &ResizeOptions) -> Result<Vec<f32>> {
        if self.channels == 3 {
            let pixels: Vec<F32x3> =
                samples.chunks_exact(3).map(|p| F32x3::new([p[0], p[1], p[2]])).collect();
            let resized = self.resample_pixels(&pixels, resizer, options)?;
            return Ok(resized.pixels().iter().flat_map(|p| p.0).map(|v| v.clamp(0.0, 1.0)).collect());
        }
        let mut out = vec![0.0; self.width * self.height * self.channels];
        for channel in 0..self.channels {
            let pixels: Vec<F32> =
                samples.iter().skip(channel).step_by(self.channels).map(|v| F32::new(*v)).collect();
            let resized = self.resample_pixels(&pixels, resizer, options)?;
            for (to, from) in out.iter_mut().skip(channel).step_by(self.channels).zip(resized.pixels()) {
                *to = from.0.clamp(0.0, 1.0);
            }
        }
        Ok(out)
    }

    fn resample_pixels<P: PixelTrait>(
        &self,
        pixels: &[P],
        resizer: &mut Resizer,
        options: &ResizeOptions,
    ) -> Result<TypedImage<'static, P>> {
        let source = TypedImageRef::new(self.old_width as u32, self.old_height as u32, pixels)
            .map_err(|e| Error::failed(format!("resize: {e}")))?;
        let mut resized = TypedImage::new(self.width as u32, self.height as u32);
        resizer
            .resize_typed(&source, &mut resized, options)
            .map_err(|e| Error::failed(format!("resize: {e}")))?;
        Ok(resized)
    }
}

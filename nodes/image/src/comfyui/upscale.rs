//! ComfyUI's methods of resizing.

use crate::batch::samples;
use crate::limits;
use crate::resample::resample;
use crate::resample::windows::{self, Window, windowed};
use dreamwire_sdk::prelude::*;
use fast_image_resize::{FilterType, ResizeAlg};
use serde::Serialize;

/// What ComfyUI calls an upscale method; all of them shrink as well.
#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum Method {
    NearestExact,
    Bilinear,
    Area,
    Bicubic,
    Lanczos,
}

impl Method {
    /// The weights of PyTorch's method of that name for one axis; Lanczos is Pillow's.
    fn table(self, old: usize, new: usize) -> Option<Vec<Window>> {
        match self {
            Self::NearestExact => Some(windows::nearest(old, new)),
            Self::Bilinear => Some(windows::interpolated(old, new, 1, |x| (1.0 - x.abs()).max(0.0))),
            Self::Bicubic => Some(windows::interpolated(old, new, 2, cubic)),
            Self::Area => Some(windows::pooled(old, new)),
            Self::Lanczos => None,
        }
    }

    /// Pictures `[B,H,W,C]` at a size `(width, height)`.
    ///
    /// # Errors
    /// If the size exceeds the limits.
    pub(crate) fn scaled(
        self,
        call: &Call,
        image: &Tensor,
        (width, height): (usize, usize),
    ) -> Result<Tensor> {
        let (batch, old_height, old_width, channels) = image.dims4()?;
        limits::check("the result", batch as u64, width as u64, height as u64)?;
        if (old_width, old_height) == (width, height) {
            return Ok(image.clone());
        }
        let report = |done, total| call.progress(done, total, "resizing");
        let (Some(columns), Some(rows)) = (self.table(old_width, width), self.table(old_height, height))
        else {
            return resample(image, (width, height), ResizeAlg::Convolution(FilterType::Lanczos3), report);
        };
        let shape = [batch, old_height, old_width, channels];
        let scaled = windowed(&samples(image)?, shape, (&columns, &rows), report)?;
        Ok(Tensor::from_vec(scaled, (batch, height, width, channels), image.device())?)
    }
}

/// The cubic convolution kernel with a = -0.75, PyTorch's.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.75;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::in_call;

    /// One grey row at another width.
    fn scaled(method: Method, row: &[f32], width: usize) -> Vec<f32> {
        in_call(|call| {
            let image = Tensor::from_slice(row, (1, 1, row.len(), 1), &Device::Cpu)?;
            crate::batch::samples(&method.scaled(call, &image, (width, 1))?)
        })
        .expect("a row")
    }

    #[track_caller]
    fn check(method: Method, row: &[f32], expected: &[f32]) {
        let found = scaled(method, row, expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} for {expected:?}");
    }

    #[test]
    fn nearest_exact_takes_the_pixel_under_the_centre() {
        check(Method::NearestExact, &[0.1, 0.2], &[0.1, 0.1, 0.2, 0.2]);
        // Centres at 0.83, 2.5 and 4.17 of 5.
        check(Method::NearestExact, &[0.1, 0.2, 0.3, 0.4, 0.5], &[0.1, 0.3, 0.5]);
    }

    #[test]
    fn bilinear_and_bicubic_do_not_widen_when_they_shrink() {
        // Centres at 1.5 and 5.5: the mean of the two neighbours, whatever is beyond.
        let row = [1.0, 0.2, 0.4, 1.0, 1.0, 0.1, 0.3, 1.0];
        check(Method::Bilinear, &row, &[0.3, 0.2]);
        // At a half the weights are -3/32, 19/32, 19/32, -3/32.
        check(Method::Bicubic, &row, &[0.35625 - 0.1875, 0.2375 - 0.1875]);
    }

    #[test]
    fn area_averages_what_a_pixel_covers() {
        check(Method::Area, &[0.1, 0.3, 0.5, 0.9], &[0.2, 0.7]);
    }

    #[test]
    fn a_flat_row_stays_flat() {
        for method in [Method::NearestExact, Method::Bilinear, Method::Area, Method::Bicubic, Method::Lanczos]
        {
            check(method, &[0.3; 7], &[0.3; 4]);
            check(method, &[0.3; 4], &[0.3; 9]);
        }
    }
}

//! What every format is decoded to before the common steps, and those steps.

use super::Space;
use crate::progress::{Parts, Report, STRIP};
use dreamwire_sdk::prelude::*;
use image::DynamicImage;
use image::metadata::Orientation;
use rayon::prelude::*;

/// Samples of a picture: `height * width * 3` of colour, `height * width` of `1 - alpha`.
pub(super) struct Planes {
    pub(super) rgb: Vec<f32>,
    pub(super) mask: Vec<f32>,
}

/// A picture as its file has it: not turned, not clamped, in its own colours.
pub(super) struct Raster {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) planes: Planes,
    pub(super) orientation: Orientation,
    /// What the samples meant in the file, which its profile must be for.
    pub(super) space: Space,
    pub(super) profile: Option<Vec<u8>>,
    /// Samples may lie outside 0..1.
    pub(super) open: bool,
    /// Colours are linear light.
    pub(super) linear: bool,
    pub(super) notes: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Raster {
    /// Turns the planes as the orientation says; then it says nothing.
    pub(super) fn turn(&mut self) {
        let (width, height) = (self.width, self.height);
        let turn = self.orientation;
        if turn == Orientation::NoTransforms {
            return;
        }
        self.planes.rgb = turned::<3>(&self.planes.rgb, width, height, turn);
        self.planes.mask = turned::<1>(&self.planes.mask, width, height, turn);
        if is_sideways(turn) {
            (self.width, self.height) = (height, width);
        }
        self.orientation = Orientation::NoTransforms;
    }
}

fn is_sideways(turn: Orientation) -> bool {
    matches!(
        turn,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

fn turned<const C: usize>(samples: &[f32], width: usize, height: usize, turn: Orientation) -> Vec<f32> {
    let (to_width, to_height) = if is_sideways(turn) { (height, width) } else { (width, height) };
    let mut out = Vec::with_capacity(samples.len());
    for y in 0..to_height {
        for x in 0..to_width {
            // Where the pixel at (x, y) of the result comes from.
            let (from_x, from_y) = match turn {
                Orientation::NoTransforms => (x, y),
                Orientation::FlipHorizontal => (width - 1 - x, y),
                Orientation::Rotate180 => (width - 1 - x, height - 1 - y),
                Orientation::FlipVertical => (x, height - 1 - y),
                Orientation::Rotate90FlipH => (y, x),
                Orientation::Rotate90 => (y, height - 1 - x),
                Orientation::Rotate270FlipH => (width - 1 - y, height - 1 - x),
                Orientation::Rotate270 => (width - 1 - y, x),
            };
            let at = (from_y * width + from_x) * C;
            out.extend_from_slice(&samples[at..at + C]);
        }
    }
    out
}

/// Samples of any depth to f32: integers over their full range to 0..1, floats unchanged. `None` if they are of an
/// unknown kind.
pub(super) fn planes(picture: &DynamicImage, report: Report<'_>) -> Result<Option<Planes>> {
    let byte = |v: u8| f32::from(v) / 255.0;
    let word = |v: u16| f32::from(v) / 65535.0;
    let float = |v: f32| v;
    match picture {
        DynamicImage::ImageLuma8(p) => split::<_, 1>(p.as_raw(), byte, report),
        DynamicImage::ImageLumaA8(p) => split::<_, 2>(p.as_raw(), byte, report),
        DynamicImage::ImageRgb8(p) => split::<_, 3>(p.as_raw(), byte, report),
        DynamicImage::ImageRgba8(p) => split::<_, 4>(p.as_raw(), byte, report),
        DynamicImage::ImageLuma16(p) => split::<_, 1>(p.as_raw(), word, report),
        DynamicImage::ImageLumaA16(p) => split::<_, 2>(p.as_raw(), word, report),
        DynamicImage::ImageRgb16(p) => split::<_, 3>(p.as_raw(), word, report),
        DynamicImage::ImageRgba16(p) => split::<_, 4>(p.as_raw(), word, report),
        DynamicImage::ImageRgb32F(p) => split::<_, 3>(p.as_raw(), float, report),
        DynamicImage::ImageRgba32F(p) => split::<_, 4>(p.as_raw(), float, report),
        _ => return Ok(None),
    }
    .map(Some)
}

/// Pixels of `C` interleaved samples (grey, grey + alpha, RGB, RGB + alpha) to RGB and `1 - alpha`.
fn split<T: Copy + Sync, const C: usize>(
    samples: &[T],
    value: impl Fn(T) -> f32 + Sync,
    report: Report<'_>,
) -> Result<Planes> {
    let pixels = samples.len() / C;
    let mut planes = Planes { rgb: vec![0.0; pixels * 3], mask: vec![0.0; pixels] };
    let parts = Parts::new(report, "converting samples", pixels.div_ceil(STRIP));
    let colours = planes.rgb.par_chunks_mut(3 * STRIP).zip(samples.par_chunks(C * STRIP));
    colours.zip(planes.mask.par_chunks_mut(STRIP)).try_for_each(|((rgb, samples), mask)| {
        for (rgb, pixel) in rgb.chunks_exact_mut(3).zip(samples.chunks_exact(C)) {
            if C < 3 {
                rgb.fill(value(pixel[0]));
            } else {
                rgb.iter_mut().zip(pixel).for_each(|(v, &sample)| *v = value(sample));
            }
        }
        // Zeros that are never written cost no memory.
        if C.is_multiple_of(2) {
            for (masked, pixel) in mask.iter_mut().zip(samples.chunks_exact(C)) {
                *masked = 1.0 - value(pixel[C - 1]);
            }
        }
        parts.one_more()
    })?;
    Ok(planes)
}

/// Premultiplied colour to the straight colour of an IMAGE.
pub(super) fn unpremultiply(rgb: &mut [f32], alpha: f32) {
    if alpha > 0.0 && alpha < 1.0 {
        rgb.iter_mut().for_each(|v| *v /= alpha);
    }
}

/// Clamps to 0..1, NaN to 0, and returns how many samples that changed.
pub(super) fn clamp(samples: &mut [f32]) -> usize {
    let mut outside = 0;
    for v in samples {
        if !(0.0f32..=1.0).contains(&*v) {
            outside += 1;
            *v = if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) };
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_raster_is_what_the_image_crate_turns() {
        let picture = image::RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8 * 51, y as u8 * 51, 0]));
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).expect("one of eight");
            let mut expected = DynamicImage::ImageRgb8(picture.clone());
            expected.apply_orientation(orientation);
            let planes = |picture: &DynamicImage| {
                planes(picture, &crate::progress::unwatched).expect("goes on").expect("8 bits")
            };
            let unturned = planes(&DynamicImage::ImageRgb8(picture.clone()));
            let found = turned::<3>(&unturned.rgb, 3, 2, orientation);
            assert_eq!(found, planes(&expected).rgb, "{exif}");
        }
    }

    #[test]
    fn every_strip_is_converted() {
        let width = STRIP as u32 / 64 + 1;
        let picture = image::GrayAlphaImage::from_fn(width, 130, |x, y| {
            image::LumaA([(x % 251) as u8, (y % 256) as u8])
        });
        let planes = planes(&DynamicImage::ImageLumaA8(picture.clone()), &crate::progress::unwatched);
        let planes = planes.expect("goes on").expect("8 bits");
        assert_eq!((planes.rgb.len(), planes.mask.len()), (3 * 130 * width as usize, 130 * width as usize));
        for ((rgb, mask), pixel) in planes.rgb.chunks_exact(3).zip(&planes.mask).zip(picture.pixels()) {
            assert_eq!(rgb, [f32::from(pixel.0[0]) / 255.0; 3]);
            assert_eq!(*mask, 1.0 - f32::from(pixel.0[1]) / 255.0);
        }
    }
}

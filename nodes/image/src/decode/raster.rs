//! What every format is decoded to before the common steps, and those steps.

use super::Space;
use image::DynamicImage;
use image::metadata::Orientation;

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

/// Samples of any depth to f32: integers over their full range to 0..1, floats unchanged.
pub(super) fn planes(picture: &DynamicImage) -> Option<Planes> {
    let byte = |v: u8| f32::from(v) / 255.0;
    let word = |v: u16| f32::from(v) / 65535.0;
    let float = |v: f32| v;
    Some(match picture {
        DynamicImage::ImageLuma8(p) => split::<_, 1>(p.as_raw(), byte),
        DynamicImage::ImageLumaA8(p) => split::<_, 2>(p.as_raw(), byte),
        DynamicImage::ImageRgb8(p) => split::<_, 3>(p.as_raw(), byte),
        DynamicImage::ImageRgba8(p) => split::<_, 4>(p.as_raw(), byte),
        DynamicImage::ImageLuma16(p) => split::<_, 1>(p.as_raw(), word),
        DynamicImage::ImageLumaA16(p) => split::<_, 2>(p.as_raw(), word),
        DynamicImage::ImageRgb16(p) => split::<_, 3>(p.as_raw(), word),
        DynamicImage::ImageRgba16(p) => split::<_, 4>(p.as_raw(), word),
        DynamicImage::ImageRgb32F(p) => split::<_, 3>(p.as_raw(), float),
        DynamicImage::ImageRgba32F(p) => split::<_, 4>(p.as_raw(), float),
        _ => return None,
    })
}

/// Pixels of `C` interleaved samples (grey, grey + alpha, RGB, RGB + alpha) to RGB and `1 - alpha`.
fn split<T: Copy, const C: usize>(samples: &[T], value: impl Fn(T) -> f32) -> Planes {
    let pixels = samples.len() / C;
    let mut rgb = Vec::with_capacity(pixels * 3);
    let mut mask = vec![0.0; pixels];
    for (pixel, masked) in samples.chunks_exact(C).zip(&mut mask) {
        if C < 3 {
            rgb.extend([value(pixel[0]); 3]);
        } else {
            rgb.extend(pixel[..3].iter().map(|&v| value(v)));
        }
        if C.is_multiple_of(2) {
            *masked = 1.0 - value(pixel[C - 1]);
        }
    }
    Planes { rgb, mask }
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
            let unturned = planes(&DynamicImage::ImageRgb8(picture.clone())).expect("8 bits");
            let found = turned::<3>(&unturned.rgb, 3, 2, orientation);
            assert_eq!(found, planes(&expected).expect("8 bits").rgb, "{exif}");
        }
    }
}

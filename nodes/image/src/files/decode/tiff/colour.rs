//! What the samples mean: a colour model, alpha, and samples of no known meaning.

use super::samples::Samples;
use super::tags::Tags;
use crate::files::decode::Space;
use crate::files::decode::raster::{Planes, unpremultiply};
use crate::progress::{Parts, Report, STRIP};
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;

enum Model {
    Grey,
    Rgb,
    Cmyk,
    /// The colour of each index.
    Palette(Vec<[f32; 3]>),
}

/// How to read a pixel.
pub(super) struct Meaning {
    model: Model,
    /// Zero is white.
    is_inverted: bool,
    /// The sample that is alpha.
    alpha: Option<usize>,
    is_premultiplied: bool,
    samples: usize,
}

impl Meaning {
    pub(super) fn of(name: &str, tags: &Tags, warnings: &mut Vec<String>) -> Result<Self> {
        let (model, colours) = match tags.photometric {
            0 | 1 => (Model::Grey, 1),
            2 => (Model::Rgb, 3),
            3 => (Model::Palette(palette(name, tags, warnings)?), 1),
            5 if tags.ink_set == 1 => (Model::Cmyk, 4),
            5 => return Err(unsupported(name, "other inks than cyan, magenta, yellow and black")),
            4 => return Err(unsupported(name, "a transparency mask without colours")),
            6 => return Err(unsupported(name, "the colour model YCbCr")),
            8..=10 => return Err(unsupported(name, "the colour model CIE L*a*b*")),
            32_803 | 34_892 => return Err(unsupported(name, "the raw samples of a camera")),
            32_844 | 32_845 => return Err(unsupported(name, "the colour model LogLuv")),
            number => return Err(unsupported(name, &format!("the unknown colour model {number}"))),
        };
        let samples = usize::from(tags.samples);
        if samples < colours {
            return Err(Error::content(format!(
                "`{name}` cannot be read as TIFF: it has {samples} samples a pixel, its colours need {colours}"
            )));
        }
        let extra = samples - colours;
        let kinds = tags.extras.as_deref().unwrap_or_default();
        // The kinds are those of the last samples.
        let kind = |at: usize| (at + kinds.len()).checked_sub(samples).and_then(|i| kinds.get(i));
        let mut alpha = (colours..samples).find(|&at| matches!(kind(at), Some(1 | 2)));
        let is_premultiplied = alpha.is_some_and(|at| kind(at) == Some(&1));
        if tags.extras.is_none() && extra == 1 {
            alpha = Some(colours);
            warnings.push(format!(
                "`{name}` does not say what its last sample is (no ExtraSamples); it is taken for alpha"
            ));
        }
        let dropped = extra - usize::from(alpha.is_some());
        if dropped > 0 {
            let them = if dropped == 1 { "one more sample" } else { "more samples" };
            warnings.push(format!(
                "`{name}` has {them} a pixel than colour and alpha ({dropped} of {samples}), which are dropped"
            ));
        }
        // Whether ink or light was multiplied is not defined.
        let is_inverted = tags.photometric == 0;
        if is_premultiplied && (is_inverted || matches!(model, Model::Cmyk | Model::Palette(_))) {
            return Err(unsupported(name, "premultiplied alpha with inverted grey, a palette or CMYK"));
        }
        Ok(Self { model, is_inverted, alpha, is_premultiplied, samples })
    }

    pub(super) fn space(&self) -> Space {
        match self.model {
            Model::Grey => Space::Grey,
            Model::Rgb | Model::Palette(_) => Space::Rgb,
            Model::Cmyk => Space::Cmyk,
        }
    }

    pub(super) fn planes(&self, samples: &Samples<'_>, height: usize, report: Report<'_>) -> Result<Planes> {
        let width = samples.width;
        let pixels = width * height;
        let mut planes = Planes { rgb: vec![0.0; pixels * 3], mask: vec![0.0; pixels] };
        let rows = (STRIP / width).max(1);
        let parts = Parts::new(report, "converting samples", height.div_ceil(rows));
        let strips =
            planes.rgb.par_chunks_mut(rows * width * 3).zip(planes.mask.par_chunks_mut(rows * width));
        strips.enumerate().try_for_each(|(strip, (rgb, mask))| {
            self.strip(samples, strip * rows, rgb, mask);
            parts.one_more()
        })?;
        Ok(planes)
    }

    /// The rows from `first` on.
    fn strip(&self, samples: &Samples<'_>, first: usize, rgb: &mut [f32], mask: &mut [f32]) {
        let mut row = vec![0.0; samples.width * self.samples];
        let is_palette = matches!(self.model, Model::Palette(_));
        let rows = rgb.chunks_exact_mut(3 * samples.width).zip(mask.chunks_exact_mut(samples.width));
        for (y, (colours, masks)) in (first..).zip(rows) {
            samples.row(y, is_palette, &mut row);
            let targets = colours.chunks_exact_mut(3).zip(masks);
            for (pixel, (target, mask)) in row.chunks_exact(self.samples).zip(targets) {
                let mut rgb = self.colour(pixel);
                if let Some(alpha) = self.alpha {
                    // Beside a palette, the row holds whole numbers.
                    let alpha = pixel[alpha] / if is_palette { samples.max() } else { 1.0 };
                    if self.is_premultiplied {
                        unpremultiply(&mut rgb, alpha);
                    }
                    *mask = 1.0 - alpha;
                }
                if self.is_inverted {
                    rgb.iter_mut().for_each(|v| *v = 1.0 - *v);
                }
                target.copy_from_slice(&rgb);
            }
        }
    }

    fn colour(&self, pixel: &[f32]) -> [f32; 3] {
        match &self.model {
            Model::Grey => [pixel[0]; 3],
            Model::Rgb => [pixel[0], pixel[1], pixel[2]],
            Model::Cmyk => [0, 1, 2].map(|i| (1.0 - pixel[i]) * (1.0 - pixel[3])),
            Model::Palette(colours) => colours.get(pixel[0] as usize).copied().unwrap_or_default(),
        }
    }
}

/// The colours of a palette: all reds, all greens, all blues, of 16 bits each.
fn palette(name: &str, tags: &Tags, warnings: &mut Vec<String>) -> Result<Vec<[f32; 3]>> {
    let broken = |what: &str| Err(Error::content(format!("`{name}` cannot be read as TIFF: {what}")));
    if tags.bits > 16 || !matches!(tags.format, 1 | 4) {
        return broken("the indices of its palette are not integers of at most 16 bits");
    }
    let count = 1usize << tags.bits;
    let map = &tags.colour_map;
    if map.len() != 3 * count {
        return broken(&format!("its palette has {} numbers instead of {}", map.len(), 3 * count));
    }
    // Some programs write bytes. As words they would all be black.
    let is_bytes = map.iter().all(|&v| v < 256) && map.iter().any(|&v| v > 0);
    if is_bytes {
        warnings.push(format!("`{name}` has a palette of 8 bits instead of 16, and is read so"));
    }
    let max = if is_bytes { 255.0 } else { 65_535.0 };
    Ok((0..count).map(|i| [i, count + i, 2 * count + i].map(|at| f32::from(map[at]) / max)).collect())
}

pub(super) fn unsupported(name: &str, what: &str) -> Error {
    Error::content(format!("`{name}` has {what}; supported are grey, RGB, palette and CMYK"))
        .hint("convert it to RGB")
}

//! Pictures with 256 colours.

use crate::progress::STRIP;
use color_quant::NeuQuant;
use dreamwire_sdk::prelude::*;
use image::imageops::{ColorMap, dither, index_colors};
use image::{Rgb, RgbImage};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeSet;

/// How colours between those of the palette are shown.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Dither {
    // A fixed pattern of 8x8 (Bayer), which does not move.
    #[default]
    Ordered,
    // Error diffusion (Floyd-Steinberg).
    Diffusion,
    None,
}

/// The most pixels that colours are chosen by: more change nothing that is seen.
const MOST: usize = 1 << 19;
/// NeuQuant looks at one of so many of them.
const SAMPLING: i32 = 3;

/// The colours of an animation.
pub(super) struct Palette {
    /// By their green.
    colours: Vec<[u8; 3]>,
    /// The root of the mean square of the distance, along one channel, between a colour and the one nearest to it; 0 if
    /// all colours are there.
    spread: f32,
}

impl Palette {
    /// At most `count` colours, from 64 to 256, for pixels, RGB of 8 bits: all, or those of NeuQuant. One palette for all
    /// frames: what does not move does not flicker.
    pub(super) fn of(pixels: &[u8], count: usize) -> Self {
        let (pixels, _) = pixels.as_chunks::<3>();
        if let Some(all) = all(pixels, count) {
            return Self { spread: 0.0, ..Self::new(all) };
        }
        // Of pixels at an even distance, each row would show the same columns.
        let every = if pixels.len() > MOST { (pixels.len() / MOST) | 1 } else { 1 };
        let some: Vec<u8> = pixels.iter().step_by(every).flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
        let chosen = NeuQuant::new(SAMPLING, count, &some).color_map_rgb();
        Self::new(chosen.as_chunks::<3>().0.to_vec())
    }

    fn new(mut colours: Vec<[u8; 3]>) -> Self {
        colours.sort_by_key(|&[r, g, b]| [g, r, b]);
        colours.dedup();
        let spread = spread(&colours);
        Self { colours, spread }
    }

    /// Red, green and blue of each colour.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.colours.concat()
    }

    /// The colour of each pixel of one frame, by index.
    pub(super) fn indices(&self, mut pixels: Vec<u8>, (width, height): (u32, u32), how: Dither) -> Vec<u8> {
        if how == Dither::Ordered {
            self.disturb(&mut pixels, width as usize);
        }
        // The error of a pixel goes to its neighbours on all sides but one.
        if how == Dither::Diffusion && width > 1 && height > 1 {
            let Some(mut image) = RgbImage::from_raw(width, height, pixels) else { return Vec::new() };
            dither(&mut image, self);
            return index_colors(&image, self).into_raw();
        }
        pixels.as_chunks::<3>().0.par_iter().with_min_len(1 << 12).map(|pixel| self.nearest(*pixel)).collect()
    }

    /// Adds the pattern: up to half of the distance between colours, up or down.
    fn disturb(&self, pixels: &mut [u8], width: usize) {
        if self.spread == 0.0 {
            return;
        }
        let rows = (STRIP / width.max(1)).max(1);
        pixels.par_chunks_mut(rows * width * 3).enumerate().for_each(|(strip, part)| {
            for (row, pixels) in part.chunks_mut(width * 3).enumerate() {
                for (x, pixel) in pixels.chunks_exact_mut(3).enumerate() {
                    let offset = (threshold(x, strip * rows + row) * self.spread).round();
                    pixel.iter_mut().for_each(|v| *v = (f32::from(*v) + offset).clamp(0.0, 255.0) as u8);
                }
            }
        });
    }

    /// The index of the colour with the least sum of squared differences. Colours are looked at from the one of that green
    /// on, up and down, until green alone is too far away.
    fn nearest(&self, colour: [u8; 3]) -> u8 {
        let square = |a: u8, b: u8| (i32::from(a) - i32::from(b)).pow(2);
        let mut up = self.colours.partition_point(|known| known[1] < colour[1]);
        let mut down = up;
        let (mut least, mut found) = (i32::MAX, 0);
        let mut look = |index: usize| {
            let known = self.colours[index];
            if square(known[1], colour[1]) >= least {
                return false;
            }
            let distance: i32 = known.iter().zip(colour).map(|(a, b)| square(*a, b)).sum();
            if distance < least {
                (least, found) = (distance, index);
            }
            true
        };
        while up < self.colours.len() || down > 0 {
            if up < self.colours.len() {
                up = if look(up) { up + 1 } else { self.colours.len() };
            }
            if down > 0 {
                down = if look(down - 1) { down - 1 } else { 0 };
            }
        }
        found as u8
    }
}

impl ColorMap for Palette {
    type Color = Rgb<u8>;

    fn index_of(&self, color: &Rgb<u8>) -> usize {
        self.nearest(color.0).into()
    }

    fn map_color(&self, color: &mut Rgb<u8>) {
        color.0 = self.colours[self.index_of(color)];
    }
}

/// All colours, if they are no more than `count`.
fn all(pixels: &[[u8; 3]], count: usize) -> Option<Vec<[u8; 3]>> {
    let mut found = BTreeSet::new();
    let mut last = None;
    for pixel in pixels.iter().filter(|pixel| last.replace(**pixel) != Some(**pixel)) {
        found.insert(*pixel);
        if found.len() > count {
            return None;
        }
    }
    Some(found.into_iter().collect())
}

/// Bayer's matrix of 8x8, -0.5 to 0.5 with a mean of 0.
fn threshold(x: usize, y: usize) -> f32 {
    let mut value = 0;
    for bit in 0..3 {
        // The bits of x xor y and y, interlaced, from the lowest to the highest.
        value = value << 2 | ((x ^ y) >> bit & 1) << 1 | (y >> bit & 1);
    }
    (value as f32 + 0.5) / 64.0 - 0.5
}

fn spread(colours: &[[u8; 3]]) -> f32 {
    let distance = |a: &[u8; 3], b: &[u8; 3]| -> i32 {
        a.iter().zip(b).map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2)).sum()
    };
    let nearest = |(index, colour): (usize, &[u8; 3])| {
        let others = colours.iter().enumerate().filter(|(other, _)| *other != index);
        others.map(|(_, other)| distance(colour, other)).min().unwrap_or(0)
    };
    let sum: i32 = colours.iter().enumerate().map(nearest).sum();
    (sum as f32 / 3.0 / colours.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_has_every_step_once() {
        let mut all: Vec<i32> =
            (0..64).map(|i| ((threshold(i % 8, i / 8) + 0.5) * 64.0 - 0.5) as i32).collect();
        // Neighbours are far apart, as in Bayer's.
        assert_eq!(all[..4], [0, 32, 8, 40]);
        all.sort_unstable();
        assert_eq!(all, (0..64).collect::<Vec<_>>());
    }

    /// What a palette shows of pixels.
    fn shown(palette: &Palette, pixels: &[u8], size: (u32, u32), how: Dither) -> Vec<u8> {
        let indices = palette.indices(pixels.to_vec(), size, how);
        indices.iter().flat_map(|index| palette.colours[usize::from(*index)]).collect()
    }

    #[test]
    fn few_colours_are_kept_as_they_are() {
        let pixels = [[10, 20, 30], [200, 100, 0], [10, 20, 30], [0, 0, 255]].concat();
        let palette = Palette::of(&pixels, 256);
        for how in [Dither::None, Dither::Ordered, Dither::Diffusion] {
            assert_eq!(shown(&palette, &pixels, (2, 2), how), pixels, "{how:?}");
        }
    }

    #[test]
    fn many_colours_are_shown_by_near_ones() {
        // 64x64 pixels of as many colours, on two slopes.
        let pixels: Vec<u8> =
            (0..64 * 64).flat_map(|i| [i % 64 * 4, i / 64 * 4, 255 - i % 64 * 2]).map(|v| v as u8).collect();
        let palette = Palette::of(&pixels, 256);
        assert!((200..=256).contains(&palette.colours.len()), "{}", palette.colours.len());
        let apart = |how: Dither| {
            let shown = shown(&palette, &pixels, (64, 64), how);
            let sum: u32 = shown.iter().zip(&pixels).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            sum as f32 / shown.len() as f32
        };
        assert!(apart(Dither::None) < 8.0, "{}", apart(Dither::None));
        // Dithering is further away in each pixel, and nearer on the whole.
        assert!(apart(Dither::Ordered) < 12.0 && apart(Dither::Diffusion) < 12.0);
        // The same as by looking at all colours.
        for pixel in pixels.as_chunks::<3>().0.iter().step_by(37) {
            let distance = |colour: [u8; 3]| -> i32 {
                colour.iter().zip(pixel).map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2)).sum()
            };
            let least = palette.colours.iter().map(|colour| distance(*colour)).min();
            assert_eq!(Some(distance(palette.colours[usize::from(palette.nearest(*pixel))])), least);
        }
    }

    #[test]
    fn dithering_keeps_the_mean_of_a_flat_grey() {
        let two = Palette::new(vec![[0; 3], [255; 3]]);
        let grey = [90; 64 * 64 * 3];
        for how in [Dither::Ordered, Dither::Diffusion] {
            let white = shown(&two, &grey, (64, 64), how).iter().filter(|v| **v == 255).count();
            let share = white as f32 / grey.len() as f32;
            assert!((share - 90.0 / 255.0).abs() < 0.02, "{how:?}: {share}");
        }
        assert!(shown(&two, &grey, (64, 64), Dither::None).iter().all(|v| *v == 0));
        assert_eq!(shown(&two, &[90; 9], (3, 1), Dither::Diffusion), [0; 9], "no neighbours below");
    }
}

//! Pictures with 256 colours.

use crate::progress::STRIP;
use dreamwire_sdk::prelude::*;
use quantette::deps::palette::Srgb;
use quantette::deps::palette::cast::from_component_slice;
use quantette::dither::FloydSteinberg;
use quantette::{Image, PaletteBuf, PaletteSize, Pipeline, QuantizeMethod};
use serde::Serialize;

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
const MOST: usize = 1 << 21;

/// The colours of an animation.
pub(super) struct Palette {
    colours: PaletteBuf<Srgb<u8>>,
    /// The root of the mean square of the distance, along one channel, between a colour and the one nearest to it.
    spread: f32,
}

impl Palette {
    /// At most `count` colours for pixels, RGB of 8 bits, by Wu's method in Oklab. One palette for all frames: what does not
    /// move does not flicker.
    pub(super) fn of(pixels: &[u8], count: u16) -> Result<Self> {
        let pixels: &[Srgb<u8>] = from_component_slice(&pixels[..pixels.len() / 3 * 3]);
        let every = pixels.len().div_ceil(MOST).max(1);
        // An even distance would meet the same column in each row.
        let every = if every > 1 { every | 1 } else { 1 };
        let some: Vec<Srgb<u8>> = pixels.iter().copied().step_by(every).collect();
        let size = PaletteSize::from_u16_clamped(count);
        let colours = Pipeline::new()
            .palette_size(size)
            .quantize_method(QuantizeMethod::Wu)
            .ditherer(None)
            .input_slice(&some)
            .map_err(super::failed)?
            .output_srgb8_palette();
        let spread = spread(colours.as_slice());
        Ok(Self { colours, spread })
    }

    /// Red, green and blue of each colour.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.colours.as_slice().iter().flat_map(|colour| [colour.red, colour.green, colour.blue]).collect()
    }

    /// The colour of each pixel of one frame, by index.
    pub(super) fn indices(
        &self,
        pixels: &[u8],
        (width, height): (u32, u32),
        dither: Dither,
    ) -> Result<Vec<u8>> {
        let mut ordered = Vec::new();
        let pixels = if dither == Dither::Ordered {
            ordered.extend_from_slice(pixels);
            self.disturb(&mut ordered, width as usize);
            &ordered
        } else {
            pixels
        };
        let pixels: &[Srgb<u8>] = from_component_slice(pixels);
        let image = Image::new(width, height, pixels).map_err(|_| super::failed("sizes differ"))?;
        let ditherer = (dither == Dither::Diffusion).then(FloydSteinberg::new);
        let indexed = Pipeline::new()
            .quantize_method(self.colours.clone())
            .ditherer(ditherer)
            .input_image(image)
            .output_srgb8_indexed_image();
        Ok(indexed.into_parts().1)
    }

    /// Adds the pattern: up to half of the distance between colours, up or down.
    fn disturb(&self, pixels: &mut [u8], width: usize) {
        use rayon::prelude::*;
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

fn spread(colours: &[Srgb<u8>]) -> f32 {
    let distance = |a: &Srgb<u8>, b: &Srgb<u8>| {
        let square = |a: u8, b: u8| (i32::from(a) - i32::from(b)).pow(2);
        square(a.red, b.red) + square(a.green, b.green) + square(a.blue, b.blue)
    };
    let nearest = |(index, colour): (usize, &Srgb<u8>)| {
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

    #[test]
    fn few_colours_are_kept_as_they_are() {
        let pixels = [[10, 20, 30], [200, 100, 0], [10, 20, 30], [0, 0, 255]].concat();
        let palette = Palette::of(&pixels, 256).expect("colours");
        let colours = palette.bytes();
        let indices = palette.indices(&pixels, (2, 2), Dither::None).expect("indices");
        let shown: Vec<u8> =
            indices.iter().flat_map(|index| colours[usize::from(*index) * 3..][..3].to_vec()).collect();
        assert_eq!(shown, pixels);
    }

    #[test]
    fn dithering_keeps_the_mean_of_a_flat_grey() {
        // Black and white only, and 30 percent of grey.
        let two = Palette::of(&[0, 0, 0, 255, 255, 255], 2).expect("colours");
        let colours = two.bytes();
        for dither in [Dither::Ordered, Dither::Diffusion] {
            let indices = two.indices(&[90; 64 * 64 * 3], (64, 64), dither).expect("indices");
            let white = indices.iter().filter(|index| colours[usize::from(**index) * 3] == 255).count();
            let share = white as f32 / 4096.0;
            assert!((0.05..0.6).contains(&share), "{dither:?}: {share}");
        }
        let none = two.indices(&[90; 12], (2, 2), Dither::None).expect("indices");
        assert!(none.iter().all(|index| *index == none[0]));
    }
}

//! Pictures seen through a similarity transform, by inverse mapping.

use super::Edge;
use super::area::STRIP;
use crate::batch::samples;
use crate::resample::resample;
use dreamwire_sdk::prelude::*;
use fast_image_resize::{FilterType, ResizeAlg};
use rayon::prelude::*;
use serde::Serialize;

/// How samples between pixels are found.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Method {
    Bilinear,
    Bicubic,
}

/// A scaling and clockwise rotation about the centre, followed by a shift, onto a canvas of its own size.
pub(crate) struct Warp<'a> {
    /// Width and height of the result.
    pub(crate) size: (usize, usize),
    pub(crate) scale: f64,
    pub(crate) degrees: f64,
    /// To the right and down, in pixels.
    pub(crate) shift: (f64, f64),
    pub(crate) method: Method,
    pub(crate) edge: Edge,
    /// One sample per channel, for [`Edge::Constant`].
    pub(crate) fill: &'a [f32],
}

impl Warp<'_> {
    /// The pictures `[B,height,width,C]`, and a mask `[1,height,width]` that is 1 where no picture is.
    ///
    /// Callers check the size against the limits.
    pub(crate) fn apply(&self, call: &Call, image: &Tensor) -> Result<(Tensor, Tensor)> {
        let (batch, old_height, old_width, channels) = image.dims4()?;
        let (width, height) = self.size;
        let reduced = self.reduced_size((old_width, old_height));
        let mut fill = self.fill.to_vec();
        weigh(&mut fill, channels);
        let map = self.map((old_width, old_height), reduced);
        let mut warped = vec![0.0; batch * height * width * channels];
        for (index, picture) in warped.chunks_exact_mut(height * width * channels).enumerate() {
            let mut old = samples(&image.get(index)?)?;
            weigh(&mut old, channels);
            let source = Source {
                samples: self.reduce(old, (old_width, old_height), reduced, channels)?,
                size: reduced,
                channels,
                fill: &fill,
            };
            for (strip, part) in picture.chunks_mut(STRIP * width * channels).enumerate() {
                call.progress((index * height + strip * STRIP) as u64, (batch * height) as u64, "warping")?;
                part.par_chunks_exact_mut(width * channels).enumerate().for_each(|(row, pixels)| {
                    let y = strip * STRIP + row;
                    for (x, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
                        let (at_x, at_y) = map.at(x, y);
                        let columns = Taps::new(self.method, self.edge, at_x, reduced.0);
                        let rows = Taps::new(self.method, self.edge, at_y, reduced.1);
                        source.sum(&columns, &rows, pixel);
                        unweigh(pixel);
                    }
                });
            }
        }
        let mut mask = vec![0.0_f32; height * width];
        mask.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
            for (x, sample) in row.iter_mut().enumerate() {
                let (at_x, at_y) = map.at(x, y);
                let columns = Taps::new(self.method, Edge::Constant, at_x, reduced.0);
                let rows = Taps::new(self.method, Edge::Constant, at_y, reduced.1);
                *sample = (1.0 - columns.inside() * rows.inside()).clamp(0.0, 1.0);
            }
        });
        let mask = Tensor::from_vec(mask, (1, height, width), image.device())?;
        Ok((Tensor::from_vec(warped, (batch, height, width, channels), image.device())?, mask))
    }

    /// The size at which pixels of the picture are about as large as those of the result, so that shrinking does
    /// not alias; never larger than `old`.
    fn reduced_size(&self, old: (usize, usize)) -> (usize, usize) {
        let side = |side: usize| ((side as f64 * self.scale.min(1.0)).round() as usize).clamp(1, side);
        (side(old.0), side(old.1))
    }

    /// A picture at its reduced size, by a filter that widens as the picture shrinks.
    fn reduce(
        &self,
        samples: Vec<f32>,
        old: (usize, usize),
        reduced: (usize, usize),
        channels: usize,
    ) -> Result<Vec<f32>> {
        if old == reduced {
            return Ok(samples);
        }
        let filter = match self.method {
            Method::Bilinear => FilterType::Bilinear,
            Method::Bicubic => FilterType::CatmullRom,
        };
        let image = Tensor::from_vec(samples, (1, old.1, old.0, channels), &Device::Cpu)?;
        let image = resample(&image, reduced, ResizeAlg::Convolution(filter), |_, _| Ok(()))?;
        crate::batch::samples(&image)
    }

    /// The way back from pixels of the result to those of the reduced picture.
    fn map(&self, old: (usize, usize), reduced: (usize, usize)) -> Map {
        let (sin, cos) = exact_sin_cos(self.degrees);
        let (left, top) = (self.size.0 as f64 / 2.0 + self.shift.0, self.size.1 as f64 / 2.0 + self.shift.1);
        let row = |old: usize, reduced: usize, x: f64, y: f64| {
            let step = reduced as f64 / old as f64;
            let (x, y) = (x / self.scale * step, y / self.scale * step);
            // Half a pixel back and forth: positions count from the centre of the first pixel.
            [x, y, (0.5 - left) * x + (0.5 - top) * y + reduced as f64 / 2.0 - 0.5]
        };
        Map { x: row(old.0, reduced.0, cos, sin), y: row(old.1, reduced.1, -sin, cos) }
    }
}

/// Sine and cosine of an angle in degrees, exact where they are 0 or 1, so that such a turn moves whole pixels.
pub(crate) fn exact_sin_cos(degrees: f64) -> (f64, f64) {
    match degrees.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        other => other.to_radians().sin_cos(),
    }
}

/// An affine map of pixel positions.
struct Map {
    x: [f64; 3],
    y: [f64; 3],
}

impl Map {
    fn at(&self, x: usize, y: usize) -> (f64, f64) {
        let along = |row: &[f64; 3]| row[0] * x as f64 + row[1] * y as f64 + row[2];
        (along(&self.x), along(&self.y))
    }
}

/// The pixels along one side that a position between them is made of.
struct Taps {
    pixels: [Option<usize>; 4],
    weights: [f32; 4],
}

impl Taps {
    fn new(method: Method, edge: Edge, position: f64, length: usize) -> Self {
        // Rounding in the map must not blur a shift by whole pixels.
        let nearest = position.round();
        let position = if (position - nearest).abs() < 1e-6 { nearest } else { position };
        let t = (position - position.floor()) as f32;
        let weights = match method {
            Method::Bilinear => [0.0, 1.0 - t, t, 0.0],
            // Catmull-Rom.
            Method::Bicubic => [
                0.5 * t * ((2.0 - t) * t - 1.0),
                0.5 * (t * t * (3.0 * t - 5.0) + 2.0),
                0.5 * t * ((4.0 - 3.0 * t) * t + 1.0),
                0.5 * t * t * (t - 1.0),
            ],
        };
        let first = (position.floor() as i64).saturating_sub(1);
        Self { pixels: [0, 1, 2, 3].map(|n| edge.pixel(first.saturating_add(n), length)), weights }
    }

    fn iter(&self) -> impl Iterator<Item = (Option<usize>, f32)> {
        // A weight of 0 takes nothing from its pixel.
        self.pixels.into_iter().zip(self.weights).filter(|(_, weight)| *weight != 0.0)
    }

    /// How much of the weight is on pixels of the picture.
    fn inside(&self) -> f32 {
        if self.iter().all(|(pixel, _)| pixel.is_some()) {
            // Exactly, whatever the rounding of the weights: inside of a picture a mask is 0.
            return 1.0;
        }
        self.iter()
            .filter(|(pixel, _)| pixel.is_some())
            .map(|(_, weight)| weight)
            .sum::<f32>()
            .clamp(0.0, 1.0)
    }
}

/// A picture to take samples from.
struct Source<'a> {
    samples: Vec<f32>,
    size: (usize, usize),
    channels: usize,
    fill: &'a [f32],
}

impl Source<'_> {
    /// Writes the weighted sum, clamped.
    fn sum(&self, columns: &Taps, rows: &Taps, pixel: &mut [f32]) {
        pixel.fill(0.0);
        for (y, down) in rows.iter() {
            for (x, across) in columns.iter() {
                let from = match y.zip(x) {
                    Some((y, x)) => &self.samples[(y * self.size.0 + x) * self.channels..][..self.channels],
                    None => self.fill,
                };
                for (to, from) in pixel.iter_mut().zip(from) {
                    *to += down * across * from;
                }
            }
        }
        for sample in pixel {
            *sample = sample.clamp(0.0, 1.0);
        }
    }
}

/// Multiplies colours with alpha, where there is one: the colour of a transparent pixel must not bleed.
fn weigh(samples: &mut [f32], channels: usize) {
    if channels == 4 {
        for pixel in samples.chunks_exact_mut(4) {
            let alpha = pixel[3];
            pixel[..3].iter_mut().for_each(|sample| *sample *= alpha);
        }
    }
}

/// The inverse of [`weigh`] for one pixel.
fn unweigh(pixel: &mut [f32]) {
    if let [colours @ .., alpha] = pixel
        && colours.len() == 3
        && *alpha > 0.0
        && *alpha < 1.0
    {
        colours.iter_mut().for_each(|sample| *sample = (*sample / *alpha).min(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_add_up_and_reproduce_a_line() {
        for method in [Method::Bilinear, Method::Bicubic] {
            for position in [3.0, 3.25, 3.5, 3.9] {
                let taps = Taps::new(method, Edge::Repeat, position, 10);
                assert!((taps.weights.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{method:?} at {position}");
                let line: f32 =
                    taps.iter().map(|(pixel, weight)| pixel.expect("inside") as f32 * weight).sum();
                assert!((f64::from(line) - position).abs() < 1e-5, "{method:?} at {position}: {line}");
            }
        }
        // Catmull-Rom half-way: -1/16, 9/16, 9/16, -1/16.
        let half = Taps::new(Method::Bicubic, Edge::Repeat, 3.5, 10).weights;
        assert_eq!(half, [-0.0625, 0.5625, 0.5625, -0.0625]);
    }

    #[test]
    fn quarter_turns_have_whole_sines() {
        assert_eq!(
            [0.0, 90.0, 180.0, -90.0, 720.0].map(exact_sin_cos),
            [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)]
        );
    }
}

//! The formulas of host functions: polynomials of second degree with hand-written gradients.
//!
//! Every output element is `constant + linear * mean(x) + square * mean(x^2)`, the means over a window of the
//! input. So all of them are smooth, none is symmetric, and a gradient is one line.

use super::tensor::Array;
use std::ops::Range;

/// The formula of a host function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// FEATURES: picture `[B,H,W,3]` to `relu1_1` `[B,8,H,W]` and `relu3_1` `[B,256,H/4,W/4]` (rounded up).
    Layers,
    /// FEATURES: picture `[B,H,W,3]` to `logits` `[B,1000,1,1]`.
    Logits,
    /// OBJECTIVE: picture `[B,H,W,3]` to the sum over images of one number each.
    Objective,
    /// MAPPING: `z` `[B,16]` to `w` `[B,6,16]` and `w_avg` `[16]`.
    Mapping,
    /// GENERATOR: `w` `[B,6,16]` to a picture `[B,16,16,3]`.
    Generator,
    /// DISCRIMINATOR: picture `[B,H,W,3]` to `logits` `[B]`.
    Discriminator,
}

/// Width of the latents of [`Model::Mapping`] and [`Model::Generator`].
const WIDTH: usize = 16;
/// Layers of their styles.
const LAYERS: usize = 6;
/// Sides of the pictures of [`Model::Generator`].
const SIDE: usize = 16;

/// An input or output with its name in the description.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) semantics: &'static str,
    /// -1 is free.
    pub(super) dims: &'static [i64],
}

const fn shape(name: &'static str, dims: &'static [i64]) -> Shape {
    Shape { name, semantics: "", dims }
}

const fn layer(name: &'static str, dims: &'static [i64]) -> Shape {
    Shape { name, semantics: "layout=nchw;weight=1;padding=reflect", dims }
}

static PICTURE: [Shape; 1] = [shape("image", &[-1, -1, -1, 3])];
static Z: [Shape; 1] = [shape("z", &[-1, WIDTH as i64])];
static W: [Shape; 1] = [shape("w", &[-1, LAYERS as i64, WIDTH as i64])];

/// One output element.
struct Term {
    /// Of the input seen as `[B,H,W,C]`; `None` for a constant.
    window: Option<[Range<usize>; 4]>,
    constant: f64,
    linear: f64,
    square: f64,
}

impl Model {
    /// All of them, the usual one of each type first.
    pub(crate) const ALL: [Self; 6] =
        [Self::Layers, Self::Logits, Self::Objective, Self::Mapping, Self::Generator, Self::Discriminator];

    /// The type of function.
    pub(crate) fn ty(self) -> &'static str {
        match self {
            Self::Layers | Self::Logits => "FEATURES",
            Self::Objective => "OBJECTIVE",
            Self::Mapping => "MAPPING",
            Self::Generator => "GENERATOR",
            Self::Discriminator => "DISCRIMINATOR",
        }
    }

    pub(super) fn inputs(self) -> &'static [Shape] {
        match self {
            Self::Mapping => &Z,
            Self::Generator => &W,
            _ => &PICTURE,
        }
    }

    pub(super) fn outputs(self) -> &'static [Shape] {
        static FEATURES: [Shape; 2] =
            [layer("relu1_1", &[-1, 8, -1, -1]), layer("relu3_1", &[-1, 256, -1, -1])];
        static LOGITS: [Shape; 1] = [layer("logits", &[-1, 1000, 1, 1])];
        static VALUE: [Shape; 1] = [shape("value", &[])];
        static STYLES: [Shape; 2] =
            [shape("w", &[-1, LAYERS as i64, WIDTH as i64]), shape("w_avg", &[WIDTH as i64])];
        static PICTURES: [Shape; 1] = [shape("image", &[-1, SIDE as i64, SIDE as i64, 3])];
        static VERDICT: [Shape; 1] = [shape("logits", &[-1])];
        match self {
            Self::Layers => &FEATURES,
            Self::Logits => &LOGITS,
            Self::Objective => &VALUE,
            Self::Mapping => &STYLES,
            Self::Generator => &PICTURES,
            Self::Discriminator => &VERDICT,
        }
    }

    /// The outputs at `x`.
    ///
    /// # Errors
    /// If `x` has another shape than the input of this model.
    pub(super) fn forward(self, x: &Array) -> Result<Vec<Array>, String> {
        let seen = self.seen(&x.shape)?;
        Ok(self
            .output_shapes(seen)
            .into_iter()
            .enumerate()
            .map(|(j, shape)| self.output(x, seen, j, shape))
            .collect())
    }

    fn output(self, x: &Array, seen: [usize; 4], j: usize, shape: Vec<usize>) -> Array {
        let count = shape.iter().product();
        let value = |index: usize| {
            let term = self.term(seen, j, index);
            let (mut sum, mut squares, mut n) = (0.0, 0.0, 0.0);
            for_each(&term.window, seen, |at| {
                let v = f64::from(x.data[at]);
                sum += v;
                squares += v * v;
                n += 1.0;
            });
            let n = f64::max(n, 1.0);
            (term.constant + term.linear * sum / n + term.square * squares / n) as f32
        };
        Array { data: (0..count).map(value).collect(), shape }
    }

    /// `J^T gy` at `x`; `None` is zero.
    ///
    /// # Errors
    /// If a cotangent has another shape than its output.
    pub(super) fn pull(self, x: &Array, gy: &[Option<Array>]) -> Result<Array, String> {
        let seen = self.seen(&x.shape)?;
        let mut gradient = vec![0.0f64; x.data.len()];
        for (j, (shape, gy)) in self.output_shapes(seen).into_iter().zip(gy).enumerate() {
            let Some(gy) = gy else { continue };
            if gy.shape != shape {
                return Err(format!("cotangent {j} has shape {:?}, its output {shape:?}", gy.shape));
            }
            for (index, gy) in gy.data.iter().enumerate() {
                let term = self.term(seen, j, index);
                let Some(window) = &term.window else { continue };
                let n = window.iter().map(Range::len).product::<usize>() as f64;
                for_each(&term.window, seen, |at| {
                    let slope = term.linear + 2.0 * term.square * f64::from(x.data[at]);
                    gradient[at] += f64::from(*gy) * slope / n;
                });
            }
        }
        Ok(Array { shape: x.shape.clone(), data: gradient.into_iter().map(|g| g as f32).collect() })
    }

    /// The input as `[B,H,W,C]`.
    fn seen(self, shape: &[usize]) -> Result<[usize; 4], String> {
        let seen = match (self, shape) {
            (Self::Mapping, &[b, WIDTH]) => Some([b, 1, WIDTH, 1]),
            (Self::Generator, &[b, LAYERS, WIDTH]) => Some([b, LAYERS, WIDTH, 1]),
            (Self::Mapping | Self::Generator, _) => None,
            (_, &[b, h, w, 3]) => Some([b, h, w, 3]),
            _ => None,
        };
        let wanted = &self.inputs()[0];
        seen.filter(|seen| !seen.contains(&0)).ok_or_else(|| {
            format!("`{}` has shape {shape:?}, this {} takes {:?}", wanted.name, self.ty(), wanted.dims)
        })
    }

    fn output_shapes(self, [b, h, w, _]: [usize; 4]) -> Vec<Vec<usize>> {
        match self {
            Self::Layers => vec![vec![b, 8, h, w], vec![b, 256, h.div_ceil(4), w.div_ceil(4)]],
            Self::Logits => vec![vec![b, 1000, 1, 1]],
            Self::Objective => vec![vec![]],
            Self::Mapping => vec![vec![b, LAYERS, WIDTH], vec![WIDTH]],
            Self::Generator => vec![vec![b, SIDE, SIDE, 3]],
            Self::Discriminator => vec![vec![b]],
        }
    }

    /// Output `j`, element `index`.
    fn term(self, [b, h, w, c]: [usize; 4], j: usize, index: usize) -> Term {
        let term = |window, linear, square| Term { window: Some(window), constant: 0.0, linear, square };
        let one = |i: usize| i..i + 1;
        match (self, j) {
            (Self::Layers, 0) => {
                let [image, channel, y, x] = unravel(index, [8, h, w]);
                let window = [one(image), one(y), one(x), one(channel % 3)];
                term(window, 0.5 + 0.1 * channel as f64, 0.3 - 0.05 * channel as f64)
            }
            (Self::Layers, _) => {
                let [image, channel, y, x] = unravel(index, [256, h.div_ceil(4), w.div_ceil(4)]);
                let cell = |at: usize, size: usize| 4 * at..(4 * at + 4).min(size);
                let window = [one(image), cell(y, h), cell(x, w), one(channel % 3)];
                term(window, 0.2 + channel as f64 / 256.0, 0.5 - channel as f64 / 512.0)
            }
            (Self::Logits, _) => {
                let (image, class) = (index / 1000, index % 1000);
                let window = [one(image), 0..h, 0..w, one(class % 3)];
                term(window, (class * 37 % 101) as f64 / 50.0 - 1.0, (class * 17 % 13) as f64 / 13.0)
            }
            (Self::Objective, _) => {
                // The sum over the images' contributions.
                let images = b as f64;
                term([0..b, 0..h, 0..w, 0..c], 0.3 * images, -0.8 * images)
            }
            (Self::Mapping, 0) => {
                let [image, layer, number, _] = unravel(index, [LAYERS, WIDTH, 1]);
                term([one(image), 0..1, one(number), 0..1], 0.5 + 0.1 * layer as f64, 0.05)
            }
            (Self::Mapping, _) => {
                Term { window: None, constant: 0.1 * index as f64, linear: 0.0, square: 0.0 }
            }
            (Self::Generator, _) => {
                let [image, y, x, channel] = unravel(index, [SIDE, SIDE, 3]);
                let window = [one(image), one((y + channel) % LAYERS), one(x % WIDTH), 0..1];
                Term { constant: 0.5, ..term(window, 0.1, 0.02 * channel as f64) }
            }
            (Self::Discriminator, _) => term([one(index), 0..h, 0..w, 0..c], 1.0, -0.7),
        }
    }
}

/// The index of a flat element of `[B, sizes...]`.
fn unravel(index: usize, sizes: [usize; 3]) -> [usize; 4] {
    let [a, b, c] = sizes;
    [index / (a * b * c), index / (b * c) % a, index / c % b, index % c]
}

/// Every flat index of `[B,H,W,C]` inside a window.
fn for_each(window: &Option<[Range<usize>; 4]>, [_, h, w, c]: [usize; 4], mut visit: impl FnMut(usize)) {
    let Some([bs, ys, xs, cs]) = window else { return };
    for b in bs.clone() {
        for y in ys.clone() {
            for x in xs.clone() {
                for channel in cs.clone() {
                    visit(((b * h + y) * w + x) * c + channel);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(shape: &[usize]) -> Array {
        let count: usize = shape.iter().product();
        let data = (0..count).map(|i| 0.5 + 0.4 * (0.7 * i as f32).sin()).collect();
        Array { shape: shape.to_vec(), data }
    }

    /// The checker relies on these gradients, so they are checked too.
    #[test]
    fn gradients_are_those_of_the_values() {
        for (model, shape) in [
            (Model::Layers, &[2, 6, 5, 3][..]),
            (Model::Logits, &[2, 4, 3, 3]),
            (Model::Objective, &[2, 4, 3, 3]),
            (Model::Mapping, &[2, 16]),
            (Model::Generator, &[2, 6, 16]),
            (Model::Discriminator, &[2, 4, 3, 3]),
        ] {
            let x = wave(shape);
            let gy: Vec<Array> = model.forward(&x).unwrap().iter().map(|y| wave(&y.shape)).collect();
            let gradient = model.pull(&x, &gy.iter().cloned().map(Some).collect::<Vec<_>>()).unwrap();
            let value = |x: &Array| -> f64 {
                let y = model.forward(x).unwrap();
                let pairs = y.iter().zip(&gy).flat_map(|(y, gy)| y.data.iter().zip(&gy.data));
                pairs.map(|(y, gy)| f64::from(*y) * f64::from(*gy)).sum()
            };
            let moved = |by: f32| {
                let data = x.data.iter().enumerate().map(|(i, v)| v + by * (1.3 * i as f32).cos());
                value(&Array { shape: x.shape.clone(), data: data.collect() })
            };
            // Any step will do: central differences of polynomials of second degree are exact up to rounding.
            let numeric = (moved(0.05) - moved(-0.05)) / 0.1;
            let slopes = gradient.data.iter().enumerate();
            let analytic: f64 = slopes.map(|(i, g)| f64::from(*g) * f64::from((1.3 * i as f32).cos())).sum();
            let scale = numeric.abs().max(0.1);
            assert!((analytic - numeric).abs() < 1e-2 * scale, "{model:?}: {analytic}, {numeric}");
        }
    }

    #[test]
    fn another_shape_is_refused() {
        assert!(Model::Layers.forward(&wave(&[1, 4, 4, 1])).is_err());
        assert!(Model::Mapping.forward(&wave(&[1, 15])).is_err());
        let x = wave(&[1, 6, 16]);
        assert!(Model::Generator.pull(&x, &[Some(wave(&[1, 16, 16, 1]))]).is_err());
    }
}

use std::collections::HashMap;
use std::f64::consts::SQRT_2;

use candle_core::{Result, Tensor, bail};
use dreamwire_kernels::{Layer, Stack, TensorOptions};

use super::SLOPE;
use super::layer::dense;

/// Weights are stored multiplied by this factor, which slows down their training. Not those of the classes.
pub(crate) const LEARNING_RATE: f64 = 0.01;
/// Added to a mean square.
const EPSILON: f64 = 1e-8;
/// The largest plausible number of layers; a file with more is not one of ours.
const MOST_LAYERS: usize = 64;
/// What files are expected to have where they say nothing: "config-f".
const USUAL: (usize, usize) = (512, 8);

/// The sizes of a mapping network.
#[derive(Default)]
pub(crate) struct MappingSizes {
    /// Width of z; 0 if only the class counts.
    z: usize,
    /// The classes, and the width that they are embedded in; both 0 without classes.
    classes: [usize; 2],
    /// Widths of the outputs of the dense layers.
    widths: Vec<usize>,
}

impl MappingSizes {
    /// Those of "config-f".
    pub(super) fn config_f() -> Self {
        Self::plain(USUAL.0, USUAL.1)
    }

    /// As many numbers in z as in all outputs of `depth` layers, and no classes.
    pub(crate) fn plain(width: usize, depth: usize) -> Self {
        Self { z: width, classes: [0, 0], widths: vec![width; depth] }
    }

    /// The sizes that fit `tensors` best, the usual ones where they say nothing.
    pub(crate) fn of(tensors: &HashMap<String, Tensor>) -> Self {
        let size = |name: &str, dimension: usize| {
            tensors.get(name)?.dims().get(dimension).copied().filter(|size| *size > 0)
        };
        let outputs =
            |name: &str| size(&format!("{name}.bias"), 0).or_else(|| size(&format!("{name}.weight"), 0));
        let index = |name: &String| name.strip_prefix("mapping.fc")?.split_once('.')?.0.parse::<usize>().ok();
        let last = tensors.keys().filter_map(index).filter(|index| *index < MOST_LAYERS).max();
        let widths = (0..=last.unwrap_or(USUAL.1 - 1))
            .map(|index| outputs(&format!("mapping.fc{index}")).unwrap_or(USUAL.0))
            .collect();
        let classes = if tensors.keys().any(|name| name.starts_with("mapping.embed.")) {
            let embedded = outputs("mapping.embed").unwrap_or(USUAL.0);
            [size("mapping.embed.weight", 1).unwrap_or(1), embedded]
        } else {
            [0, 0]
        };
        let z = match size("mapping.fc0.weight", 1) {
            Some(inputs) => inputs.saturating_sub(classes[1]),
            None => USUAL.0,
        };
        Self { z, classes, widths }
    }

    /// The number of classes, 0 for none.
    pub(super) fn classes(&self) -> usize {
        self.classes[0]
    }

    /// Width of the result.
    pub(crate) fn outputs(&self) -> usize {
        self.widths.last().copied().unwrap_or(0)
    }

    /// Names and shapes of all tensors.
    pub(crate) fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let [classes, embedded] = self.classes;
        let mut shapes = Vec::new();
        if classes > 0 {
            shapes.push(("mapping.embed.weight".to_owned(), vec![embedded, classes]));
            shapes.push(("mapping.embed.bias".to_owned(), vec![embedded]));
        }
        let mut inputs = self.z + embedded;
        for (index, width) in self.widths.iter().copied().enumerate() {
            shapes.push((format!("mapping.fc{index}.weight"), vec![width, inputs]));
            shapes.push((format!("mapping.fc{index}.bias"), vec![width]));
            inputs = width;
        }
        shapes
    }
}

/// The layers of a mapping network: z and the embedded class, each scaled to a mean square of 1, through dense layers,
/// each followed by a leaky ReLU (with a gain of `sqrt(2)`), also the last. Cloning shares the weights.
#[derive(Clone)]
pub(super) struct MappingLayers {
    stack: Stack,
    depth: usize,
    z: usize,
    /// From classes to their embedding.
    embed: Option<(Stack, usize)>,
    outputs: usize,
}

impl MappingLayers {
    /// `tensors` are those of [`MappingSizes::shapes`], among others.
    pub(super) fn new(
        sizes: &MappingSizes,
        tensors: &HashMap<String, Tensor>,
        options: &TensorOptions,
    ) -> Result<Self> {
        let layer = |name: &str, gains: [f64; 2]| {
            let tensor = |part: &str| {
                let name = format!("{name}.{part}");
                tensors.get(&name).ok_or_else(|| candle_core::Error::Msg(format!("`{name}` is missing")))
            };
            dense(tensor("weight")?, tensor("bias")?, gains)
        };
        let mut stack = Vec::new();
        for index in 0..sizes.widths.len() {
            // The gain commutes with the leaky ReLU.
            stack.push(layer(&format!("mapping.fc{index}"), [LEARNING_RATE * SQRT_2; 2])?);
            stack.push(Layer::LeakyRelu { slope: SLOPE });
        }
        let classes = sizes.classes();
        let embed = if classes > 0 {
            Some((Stack::new(&[layer("mapping.embed", [1.0, 1.0])?], options.clone())?, classes))
        } else {
            None
        };
        Ok(Self {
            depth: stack.len(),
            stack: Stack::new(&stack, options.clone())?,
            z: sizes.z,
            embed,
            outputs: sizes.outputs(),
        })
    }

    /// Width of z, 0 for none.
    pub(super) fn z(&self) -> usize {
        self.z
    }

    /// The number of classes, 0 for none.
    pub(super) fn classes(&self) -> usize {
        self.embed.as_ref().map_or(0, |(_, classes)| *classes)
    }

    /// The result, `[B, outputs]`, for `z`, `[B, z]`, and weights of the classes `c`, `[B, classes]`, each of which is
    /// needed if the network has it, and refused if not.
    pub(super) fn forward(&self, z: Option<&Tensor>, c: Option<&Tensor>) -> Result<Tensor> {
        let z = match z {
            Some(z) => Some(self.normalise(z)?),
            None if self.z > 0 => bail!("the mapping needs z of shape [B, {}], found none", self.z),
            None => None,
        };
        let y = match (&self.embed, c) {
            (None, None) => None,
            (Some((embed, classes)), Some(c)) if c.rank() == 2 && c.dim(1)? == *classes => {
                let y = embed.apply(&c.reshape((c.dim(0)?, *classes, 1, 1))?, &[0])?.swap_remove(0);
                Some(unit(&y.flatten_from(1)?)?)
            }
            (Some((_, classes)), Some(c)) => {
                bail!("the network needs classes of shape [B, {classes}], found {:?}", c.dims())
            }
            (Some((_, classes)), None) => {
                bail!("the network needs classes of shape [B, {classes}], found none")
            }
            (None, Some(_)) => bail!("the network has no classes, but was given some"),
        };
        let x = match (z, y) {
            (Some(z), Some(y)) if z.dim(0)? == y.dim(0)? => Tensor::cat(&[z, y], 1)?,
            (Some(z), Some(y)) => {
                bail!("the mapping has {} rows of z and {} of classes", z.dim(0)?, y.dim(0)?)
            }
            (Some(x), None) | (None, Some(x)) => x,
            (None, None) => bail!("the mapping has neither z nor classes"),
        };
        let (batch, width) = x.dims2()?;
        self.run(&x.reshape((batch, width, 1, 1))?)?.reshape((batch, self.outputs))
    }

    /// The mean result, `[outputs]`, of `z`, `[B, z]`, for a network without classes.
    pub(super) fn mean(&self, z: &Tensor) -> Result<Tensor> {
        let (batch, width) = z.dims2()?;
        // As the pixels of one picture, which is faster for many.
        let pixels = self.normalise(z)?.t()?.reshape((1, width, 1, batch))?;
        self.run(&pixels)?.reshape((self.outputs, batch))?.mean(1)
    }

    fn normalise(&self, z: &Tensor) -> Result<Tensor> {
        match z.dims() {
            [_, width] if *width == self.z => unit(z),
            found => bail!("the mapping needs z of shape [B, {}], found {found:?}", self.z),
        }
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.stack.apply(x, &[self.depth - 1])?.swap_remove(0))
    }
}

/// `x / sqrt(mean(x^2) + 1e-8)`, for rows `[B, n]`.
fn unit(x: &Tensor) -> Result<Tensor> {
    let x = x.contiguous()?;
    let power = (x.sqr()?.mean_keepdim(1)? + EPSILON)?;
    x.broadcast_div(&power.sqrt()?)
}

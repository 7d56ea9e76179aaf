//! What follows a convolution in the first StyleGAN.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::element::Element;
use crate::memory::zeros;
use crate::op::{Values, operand, to_f64};
use crate::operators::adaptive::adaptive_norm;
use crate::options::{check_device, is_portable};

mod rows;
mod statistics;

use rows::{Map, Normalise, Spread};
use statistics::{Statistics, moments};

/// Noise, a leaky ReLU, and adaptive instance normalisation (Huang and Belongie, arXiv:1703.06868, equation 8, as used
/// by Karras et al., arXiv:1812.04948, section 2 and figure 1), for maps `[n, h, w, c]`, f32 or f64:
///
/// ```text
/// v = leaky_relu(x + strength[c] * noise)
/// y = scale[n, c] * (v - mean) / sqrt(variance + epsilon) + shift[n, c]
/// ```
///
/// Mean and variance are those of a channel over the pixels of one image; the variance is the biased one, over `h w`
/// pixels. The result is differentiable with respect to `x`, the noise, scales and shifts. A run of the kernels keeps its
/// inputs and two numbers per image and channel. Cloning shares the strengths.
#[derive(Debug, Clone)]
pub struct AdaptiveNorm {
    strengths: Arc<[f64]>,
    slope: f64,
    epsilon: f64,
}

impl AdaptiveNorm {
    /// `strengths`, `[c]`, multiply the noise of each channel, `slope` the negative side of the leaky ReLU.
    ///
    /// # Errors
    ///
    /// If `strengths` is empty or of another rank, or `slope` or `epsilon` is not positive.
    pub fn new(strengths: &Tensor, slope: f64, epsilon: f64) -> Result<Self> {
        if strengths.dims1()? == 0 {
            bail!("an adaptive norm needs channels")
        }
        if [slope, epsilon].iter().any(|number| number.is_nan() || *number <= 0.0) {
            bail!("slope and epsilon of an adaptive norm must be above 0, found {slope} and {epsilon}")
        }
        Ok(Self { strengths: to_f64(strengths)?.into(), slope, epsilon })
    }

    /// The map of `x`, `[n, h, w, c]`. `noise` is one plane per image, or one for all, `[n or 1, h, w]`, and all channels
    /// share it; `styles`, `[n, 2 c]`, are the scales of all channels, then their shifts.
    ///
    /// # Errors
    ///
    /// If a shape, a type or a device differs, or the map has no pixels.
    pub fn apply(&self, x: &Tensor, noise: &Tensor, styles: &Tensor) -> Result<Tensor> {
        let (n, h, w, c) = x.dims4()?;
        if c != self.strengths.len() || h * w == 0 {
            bail!("an adaptive norm of {} channels does not match a map {:?}", self.strengths.len(), x.dims())
        }
        let (planes, noise_h, noise_w) = noise.dims3()?;
        if (planes != 1 && planes != n) || [noise_h, noise_w] != [h, w] {
            bail!("the noise must have shape [{n} or 1, {h}, {w}], found {:?}", noise.dims())
        }
        if styles.dims() != [n, 2 * c] {
            bail!("the styles must have shape [{n}, {}], found {:?}", 2 * c, styles.dims())
        }
        if [noise.dtype(), styles.dtype()] != [x.dtype(); 2] {
            let (noise, styles) = (noise.dtype(), styles.dtype());
            bail!("a map of {:?} does not match noise of {noise:?} and styles of {styles:?}", x.dtype())
        }
        check_device("an adaptive norm of a map", x.device(), &[noise, styles])?;
        if !matches!(x.dtype(), DType::F32 | DType::F64) {
            bail!("an adaptive norm needs f32 or f64, found {:?}", x.dtype())
        }
        if is_portable(x.device()) {
            return adaptive_norm([x, noise, styles], &self.strengths, self.slope, self.epsilon);
        }
        let (x, noise, styles) = (x.contiguous()?, noise.contiguous()?, styles.contiguous()?);
        match x.dtype() {
            DType::F64 => x.apply_op3(&noise, &styles, Run::<f64>::new(self)),
            _ => x.apply_op3(&noise, &styles, Run::<f32>::new(self)),
        }
    }
}

/// One application to a map, planes of noise and styles.
struct Run<T> {
    norm: AdaptiveNorm,
    statistics: OnceLock<Statistics<T>>,
}

impl<T: Element> Run<T> {
    fn new(norm: &AdaptiveNorm) -> Self {
        Self { norm: norm.clone(), statistics: OnceLock::new() }
    }

    fn map<'a>(&self, x: &'a [T], noise: &'a [T], shape: [usize; 4]) -> Map<'a, T> {
        let strengths = self.norm.strengths.iter().map(|strength| T::from_f64(*strength)).collect();
        Map { x, noise, strengths, slope: T::from_f64(self.norm.slope), shape }
    }
}

/// The gradients of a run's inputs. That of the noise has a plane for every image.
struct Gradients<T> {
    x: Vec<T>,
    noise: Vec<T>,
    styles: Vec<T>,
}

/// The numbers of one image, of `count` numbers each.
fn of_image<T>(numbers: &[T], image: usize, count: usize) -> &[T] {
    &numbers[image * count..][..count]
}

/// The normalised map, for `styles` `[n, 2 c]`.
fn forward<T: Element>(map: &Map<'_, T>, statistics: &Statistics<T>, styles: &[T]) -> Vec<T> {
    let [n, h, w, c] = map.shape;
    let mut out = zeros(n * h * w * c);
    out.par_chunks_mut(w * c).enumerate().for_each(|(row, out)| {
        let image = row / h;
        let (scales, shifts) = of_image(styles, image, 2 * c).split_at(c);
        let inverses = of_image(&statistics.inverses, image, c);
        let factors: Vec<T> = scales.iter().zip(inverses).map(|(scale, inverse)| *scale * *inverse).collect();
        let means = of_image(&statistics.means, image, c);
        T::run(Normalise { row: map.row(row), means, factors: &factors, shifts, out });
    });
    out
}

/// With `u = (v - mean) / deviation` and means over the pixels of a channel:
/// `dv = scale / deviation * (dy - mean(dy) - u * mean(u * dy))`, `dscale = sum(u * dy)`, `dshift = sum(dy)`.
fn backward<T: Element>(
    map: &Map<'_, T>,
    statistics: &Statistics<T>,
    styles: &[T],
    gradient: &[T],
) -> Gradients<T> {
    let [n, h, w, c] = map.shape;
    let pixels = (h * w) as f64;
    let Statistics { means, inverses } = statistics;
    let mut to_styles = vec![T::ZERO; n * 2 * c];
    // What multiplies `dy`, what is subtracted, and what multiplies `v - mean`, `[n, c]` each.
    let [mut factors, mut evens, mut tilts] = [(); 3].map(|()| vec![T::ZERO; n * c]);
    for (place, [sum, product]) in moments(map, means, Some(gradient)).into_iter().enumerate() {
        let (image, channel) = (place / c, place % c);
        let inverse = inverses[place].to_f64();
        let product = product * inverse;
        to_styles[2 * c * image + channel] = T::from_f64(product);
        to_styles[2 * c * image + c + channel] = T::from_f64(sum);
        let factor = styles[2 * c * image + channel].to_f64() * inverse;
        factors[place] = T::from_f64(factor);
        evens[place] = T::from_f64(factor * sum / pixels);
        tilts[place] = T::from_f64(factor * inverse * product / pixels);
    }
    let (mut to_x, mut to_noise) = (zeros(n * h * w * c), zeros(n * h * w));
    let rows = to_x.par_chunks_mut(w * c).zip(to_noise.par_chunks_mut(w));
    rows.enumerate().for_each(|(row, (to_x, to_noise))| {
        let image = row / h;
        T::run(Spread {
            row: map.row(row),
            means: of_image(means, image, c),
            gradient: &gradient[row * w * c..][..w * c],
            factors: of_image(&factors, image, c),
            evens: of_image(&evens, image, c),
            tilts: of_image(&tilts, image, c),
            to_x,
            to_noise,
        });
    });
    Gradients { x: to_x, noise: to_noise, styles: to_styles }
}

impl<T: Element> CustomOp3 for Run<T> {
    fn name(&self) -> &'static str {
        "adaptive-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        noise: &CpuStorage,
        noise_layout: &Layout,
        styles: &CpuStorage,
        styles_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape: [usize; 4] = x_layout.shape().dims4()?.into();
        let map = self.map(operand(x, x_layout)?, operand(noise, noise_layout)?, shape);
        let statistics = Statistics::of(&map, self.norm.epsilon);
        let out = forward(&map, &statistics, operand(styles, styles_layout)?);
        // One run, one forward pass: the cell is still empty.
        let _ = self.statistics.set(statistics);
        Ok((T::to_cpu_storage_owned(out), Shape::from(shape.to_vec())))
    }

    fn bwd(
        &self,
        x: &Tensor,
        noise: &Tensor,
        styles: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(statistics) = self.statistics.get() else { bail!("no backward pass before a forward pass") };
        let shape: [usize; 4] = x.dims4()?.into();
        let gradient = gradient.contiguous()?;
        let found = {
            let (x, noise) = (Values::<T>::of(x)?, Values::<T>::of(noise)?);
            let (styles, gradient) = (Values::<T>::of(styles)?, Values::<T>::of(&gradient)?);
            backward(&self.map(&x, &noise, shape), statistics, &styles, &gradient)
        };
        let to_x = match x.track_op() {
            true => Some(Tensor::from_vec(found.x, x.shape(), x.device())?),
            false => None,
        };
        let to_noise = match noise.track_op() {
            true => {
                let [n, h, w, _] = shape;
                let planes = Tensor::from_vec(found.noise, (n, h, w), noise.device())?;
                // Where all images share a plane, they add up.
                Some(if noise.dim(0)? == n { planes } else { planes.sum_keepdim(0)? })
            }
            false => None,
        };
        Ok((to_x, to_noise, Some(Tensor::from_vec(found.styles, styles.shape(), styles.device())?)))
    }
}

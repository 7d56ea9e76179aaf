//! StyleGAN3's activation, computed at a higher resolution than its maps have.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::element::Element;
use crate::fir::Separable;
use crate::memory::zeros;
use crate::op::{Values, operand, to_f64};
use crate::operators::filtered_lrelu::filtered_lrelu;
use crate::operators::fir;
use crate::options::{check_device, is_portable};
use crate::rectifier::Rectifier;

mod axis;
mod resampling;
mod ring;
mod strip;

use axis::Axis;
use resampling::Resampling;
use strip::{Curve, Image, Pass, Scratch, Strip};

/// A leaky ReLU without aliasing (Karras et al., "Alias-Free Generative Adversarial Networks",
/// arXiv:2106.12423, section 3), for maps `[n, h, w, c]`, f32 or f64:
///
/// ```text
/// m = up_filter * (up - 1 zeros behind every pixel of (x + bias), padded)      times up^2
/// y = every down-th pixel of down_filter * rectifier(m)
/// ```
///
/// Both filters are flipped and read only existing pixels, as in [`Upfirdn2d`](crate::Upfirdn2d). With
/// filters of `ku` and `kd` taps the sizes are, and likewise for `w`:
///
/// ```text
/// m_h = h * up + top + bottom - ku + 1
/// y_h = (m_h - kd) / down + 1
/// ```
///
/// The kernels never store the map `m`, 4 to 16 times as large as the others, as a whole, only a few of its rows,
/// columns and channels at a time. The gradients of `x` and of the bias compute it again, so a run of the kernels
/// keeps only its inputs. On other devices than the CPU the map is stored.
#[derive(Debug, Clone)]
pub struct FilteredLrelu {
    up_filter: Separable,
    down_filter: Separable,
    up: usize,
    down: usize,
    padding: [isize; 4],
    rectifier: Rectifier,
}

impl FilteredLrelu {
    /// Filters are `[k]`, applied to rows and to columns, or `[kh, kw]`; no filter is one tap of 1. A filter
    /// `[kh, kw]` costs several times as much. `padding` counts zeros left, right, above and below the
    /// picture after `up`; negative padding crops.
    ///
    /// # Errors
    ///
    /// If a filter is empty or of another rank, `up` or `down` is 0, or a field of the rectifier is not
    /// positive.
    pub fn new(
        up_filter: Option<&Tensor>,
        down_filter: Option<&Tensor>,
        up: usize,
        down: usize,
        padding: [isize; 4],
        rectifier: Rectifier,
    ) -> Result<Self> {
        if up == 0 || down == 0 {
            bail!("up and down must be at least 1, found {up} and {down}")
        }
        rectifier.check()?;
        // Of every `up` pixels in a row, all but one are zeros.
        let (up_filter, down_filter) = (separable(up_filter, up as f64)?, separable(down_filter, 1.0)?);
        Ok(Self { up_filter, down_filter, up, down, padding, rectifier })
    }

    /// The activations of `x`, `[n, h, w, c]`, with `bias`, `[c]`; differentiable with respect to both.
    ///
    /// # Errors
    ///
    /// If `bias` does not have one number per channel of `x` in its type, the filters are larger than the
    /// maps that they read, `x` is not of rank 4 or not f32 or f64, or the devices differ.
    pub fn apply(&self, x: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let (_, h, w, c) = x.dims4()?;
        if bias.dims() != [c] || bias.dtype() != x.dtype() {
            bail!(
                "the bias must have shape [{c}] and type {:?}, found {:?} and {:?}",
                x.dtype(),
                bias.dims(),
                bias.dtype()
            )
        }
        check_device("filtered-lrelu of a map", x.device(), &[bias])?;
        if !is_portable(x.device()) {
            return x.contiguous()?.apply_op2(&bias.contiguous()?, self.clone());
        }
        let [left, _, top, _] = self.padding;
        let [up_axes, down_axes] = self.axes(h, w)?;
        let [up_rows, up_columns] = up_axes.each_ref().map(Axis::outputs);
        let [down_rows, down_columns] = down_axes.each_ref().map(Axis::outputs);
        let up = |inputs, outputs, before| fir::Axis { inputs, outputs, up: self.up, down: 1, before };
        let down = |inputs, outputs| fir::Axis { inputs, outputs, up: 1, down: self.down, before: 0 };
        filtered_lrelu(
            x,
            bias,
            ([up(h, up_rows, top), up(w, up_columns, left)], &self.up_filter),
            ([down(up_rows, down_rows), down(up_columns, down_columns)], &self.down_filter),
            self.rectifier,
        )
    }

    /// Rows and columns of upsampling, and of downsampling.
    fn axes(&self, h: usize, w: usize) -> Result<[[Axis; 2]; 2]> {
        let [left, right, top, bottom] = self.padding;
        let ([up_kh, up_kw], [down_kh, down_kw]) = (self.up_filter.size(), self.down_filter.size());
        let axis = |size, padding, up_taps, down_taps| {
            let up = Axis::up(size, self.up, padding, up_taps)?;
            let down = Axis::down(up.outputs(), self.down, down_taps)?;
            Some((up, down))
        };
        let rows = axis(h, [top, bottom], up_kh, down_kh);
        let columns = axis(w, [left, right], up_kw, down_kw);
        let (Some((up_rows, down_rows)), Some((up_columns, down_columns))) = (rows, columns) else {
            bail!(
                "a {h}x{w} map is too small to be upsampled by {} with padding {:?} and filters of {up_kh}x{up_kw} and \
                 {down_kh}x{down_kw} taps",
                self.up,
                self.padding
            )
        };
        Ok([[up_rows, up_columns], [down_rows, down_columns]])
    }

    /// The outputs and their shape for `x` of shape `[n, h, w, c]`, or, with the outputs' `gradient`, the
    /// gradient of `x`.
    fn compute<T: Element>(
        &self,
        x: &[T],
        bias: &[T],
        [n, h, w, c]: [usize; 4],
        gradient: Option<&[T]>,
    ) -> Result<(Vec<T>, Shape)> {
        let [up_axes, down_axes] = self.axes(h, w)?;
        let up = Resampling::<T>::new(&up_axes, &self.up_filter);
        let spread = gradient.map(|_| Resampling::transposed(&down_axes, &self.down_filter));
        let down = match gradient {
            None => Resampling::<T>::new(&down_axes, &self.down_filter),
            Some(_) => Resampling::transposed(&up_axes, &self.up_filter),
        };
        let (out_h, out_w) = (down.rows().outputs(), down.columns().outputs());
        let (x_len, out_len) = (h * w * c, out_h * out_w * c);
        let gradient_w = down_axes[1].outputs();
        let gradient_len = down_axes[0].outputs() * gradient_w * c;
        let rows = strip_rows(out_h);
        let mut out = zeros(n * out_len);
        let shape = Shape::from((n, out_h, out_w, c));
        if x.is_empty() || out.is_empty() {
            return Ok((out, shape));
        }
        out.par_chunks_mut(out_len).enumerate().for_each(|(image, out)| {
            let pass = Pass {
                x: Image { values: &x[image * x_len..][..x_len], w, c },
                bias,
                up: &up,
                curve: Curve::new(self.rectifier),
                gradient: gradient.zip(spread.as_ref()).map(|(values, spread)| {
                    let values = &values[image * gradient_len..][..gradient_len];
                    (Image { values, w: gradient_w, c }, spread)
                }),
                down: &down,
            };
            let strips = out.par_chunks_mut(rows * out_w * c).enumerate();
            strips.for_each_init(Scratch::new, |scratch, (strip, out)| {
                T::run(Strip { pass: &pass, first_row: strip * rows, out, scratch })
            });
        });
        Ok((out, shape))
    }

    fn forward<T: Element>(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n, h, w, c) = x_layout.shape().dims4()?;
        let (x, bias) = (operand::<T>(x, x_layout)?, operand(bias, bias_layout)?);
        let (out, shape) = self.compute(x, bias, [n, h, w, c], None)?;
        Ok((T::to_cpu_storage_owned(out), shape))
    }

    fn backward<T: Element>(
        &self,
        x: &Tensor,
        bias: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (n, h, w, c) = x.dims4()?;
        let tensors = (x.contiguous()?, bias.contiguous()?, gradient.contiguous()?);
        let gradient = Values::<T>::of(&tensors.2)?;
        let (to_x, _) =
            self.compute(&Values::of(&tensors.0)?, &Values::of(&tensors.1)?, [n, h, w, c], Some(&*gradient))?;
        let to_bias = if bias.track_op() {
            Some(Tensor::from_vec(sum_pixels(&to_x, c), bias.shape(), bias.device())?)
        } else {
            None
        };
        Ok((Some(Tensor::from_vec(to_x, x.shape(), x.device())?), to_bias))
    }
}

/// `filter` is `[k]`, a column and a row, or `[kh, kw]`; `gain` multiplies columns and rows each.
fn separable(filter: Option<&Tensor>, gain: f64) -> Result<Separable> {
    let Some(filter) = filter else { return Ok(Separable::square(vec![gain])) };
    let taps: Vec<f64> = to_f64(filter)?.iter().map(|tap| tap * gain).collect();
    match *filter.dims() {
        [k] if k > 0 => Ok(Separable::square(taps)),
        [kh, kw] if kh * kw > 0 => Ok(Separable::by_rows(&taps, kw, gain)),
        _ => {
            bail!("a filter must have shape [k] or [kh, kw] and at least one tap, found {:?}", filter.dims())
        }
    }
}

/// Shorter strips would compute too many upsampled rows twice, for themselves and for their neighbours.
const LEAST_STRIP_ROWS: usize = 18;

/// Rows per task. The number of tasks is a power of two, so that two or four threads get equal shares.
fn strip_rows(h: usize) -> usize {
    let strips = 1usize << (h / LEAST_STRIP_ROWS).max(1).ilog2();
    h.div_ceil(strips)
}

/// Pixels per task of a sum: a constant, so that results never depend on the threads.
const PIXELS: usize = 256;

/// Sums over all pixels of a map of `c` channels.
fn sum_pixels<T: Element>(map: &[T], c: usize) -> Vec<T> {
    let chunks = map.par_chunks((PIXELS * c).max(1));
    let partial: Vec<Vec<T>> = chunks
        .map(|pixels| {
            let mut sums = vec![T::ZERO; c];
            for pixel in pixels.chunks_exact(c) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += *value;
                }
            }
            sums
        })
        .collect();
    let total = |channel: usize| partial.iter().map(|sums| sums[channel].to_f64()).sum::<f64>();
    (0..c).map(|channel| T::from_f64(total(channel))).collect()
}

impl CustomOp2 for FilteredLrelu {
    fn name(&self) -> &'static str {
        "filtered-lrelu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        match x {
            CpuStorage::F32(_) => self.forward::<f32>(x, x_layout, bias, bias_layout),
            CpuStorage::F64(_) => self.forward::<f64>(x, x_layout, bias, bias_layout),
            _ => bail!("filtered-lrelu needs f32 or f64"),
        }
    }

    fn bwd(
        &self,
        x: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        match x.dtype() {
            DType::F64 => self.backward::<f64>(x, bias, gradient),
            _ => self.backward::<f32>(x, bias, gradient),
        }
    }
}

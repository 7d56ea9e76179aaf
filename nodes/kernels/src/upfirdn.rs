//! Resampling with a finite impulse response, channels last.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::element::Element;
use crate::fir::{Separable, Taps};
use crate::memory::zeros;
use crate::op::{operand, to_f64};
use crate::operators::fir::{Axis, resample};
use crate::options::is_portable;

/// Puts `up - 1` zeros after every pixel, pads with zeros, convolves with a filter (each channel separately)
/// and keeps every `down`-th pixel: the `upfirdn2d` of StyleGAN2 (Karras et al., arXiv:1912.04958), for maps
/// `[n, h, w, c]`, f32 or f64.
///
/// ```text
/// h' = (h * up + top + bottom - kh) / down + 1
/// ```
///
/// A separable filter is applied as a column and a row.
#[derive(Debug, Clone)]
pub struct Upfirdn2d {
    filter: Separable,
    up: usize,
    down: usize,
    /// Left, right, top, bottom.
    padding: [usize; 4],
}

impl Upfirdn2d {
    /// `filter` is `[kh, kw]`, multiplied by `gain`; `padding` counts zeros left, right, above and below the
    /// picture after `up`.
    ///
    /// # Errors
    ///
    /// If `filter` is empty or of another rank, or `up` or `down` is 0.
    pub fn new(filter: &Tensor, up: usize, down: usize, padding: [usize; 4], gain: f64) -> Result<Self> {
        let (kh, kw) = filter.dims2()?;
        if kh * kw == 0 || up == 0 || down == 0 {
            bail!("the filter, up and down must be at least 1, found {kh}x{kw}, {up} and {down}")
        }
        let filter: Vec<f64> = to_f64(filter)?.iter().map(|tap| tap * gain).collect();
        Ok(Self { filter: Separable::of(&filter, kw), up, down, padding })
    }

    /// The resampled map, differentiable with respect to `x`, as often as you like.
    ///
    /// # Errors
    ///
    /// If the filter is larger than the padded map, or `x` is not `[n, h, w, c]`, or not f32 or f64.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let (_, h, w, _) = x.dims4()?;
        let [left, right, top, bottom] = self.padding;
        let Some([rows, columns]) = self.taps(h, w) else {
            let (h, w) = (h * self.up + top + bottom, w * self.up + left + right);
            let [kh, kw] = self.filter.size();
            bail!("a {h}x{w} map is too small for a {kh}x{kw} filter")
        };
        if is_portable(x.device()) {
            let axis = |inputs, taps: &Taps, before: usize| Axis {
                inputs,
                outputs: taps.outputs(),
                up: self.up,
                down: self.down,
                before: before as isize,
            };
            return resample(x, [axis(h, &rows, top), axis(w, &columns, left)], &self.filter);
        }
        x.contiguous()?.apply_op1(Resampling { filter: self.filter.clone(), taps: [rows, columns] })
    }

    /// Taps of the rows and of the columns.
    fn taps(&self, h: usize, w: usize) -> Option<[Taps; 2]> {
        let [left, right, top, bottom] = self.padding;
        let [kh, kw] = self.filter.size();
        Some([
            Taps::new(h, self.up, self.down, [top, bottom], kh)?,
            Taps::new(w, self.up, self.down, [left, right], kw)?,
        ])
    }
}

/// A resampling of maps of one size. Its derivative is the one with transposed taps, so it has derivatives of any order.
struct Resampling {
    filter: Separable,
    /// Of rows and of columns.
    taps: [Taps; 2],
}

impl Resampling {
    /// `x`, images of `w` columns and `c` channels, resampled by the taps.
    fn resample<T: Element>(&self, x: &[T], [h, w, c]: [usize; 3]) -> Vec<T> {
        let [rows, columns] = &self.taps;
        let (image_len, row_len) = (h * w * c, columns.outputs() * c);
        let images = x.len().checked_div(image_len).unwrap_or(0);
        let number = |taps: &[f64]| taps.iter().map(|tap| T::from_f64(*tap)).collect::<Vec<T>>();
        let terms = self.filter.terms().iter();
        let terms: Vec<_> = terms.map(|[column, row]| (number(column), number(row))).collect();
        let mut out = zeros(images * rows.outputs() * row_len);
        if out.is_empty() {
            return out;
        }
        out.par_chunks_mut(row_len).enumerate().for_each_init(
            || vec![T::ZERO; w * c],
            |blended, (index, out)| {
                let image = &x[index / rows.outputs() * image_len..][..image_len];
                for (column, row) in &terms {
                    let sources = rows.of(index % rows.outputs()).iter();
                    weighted_sum(
                        blended,
                        sources.map(|(y, tap)| (&image[y * w * c..][..w * c], column[*tap])),
                        true,
                    );
                    for (x, pixel) in out.chunks_exact_mut(c).enumerate() {
                        let sources = columns.of(x).iter();
                        weighted_sum(
                            pixel,
                            sources.map(|(x, tap)| (&blended[x * c..][..c], row[*tap])),
                            false,
                        );
                    }
                }
            },
        );
        out
    }

    fn forward<T: Element>(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, h, w, c) = layout.shape().dims4()?;
        let [rows, columns] = &self.taps;
        let shape = Shape::from((n, rows.outputs(), columns.outputs(), c));
        let out = self.resample::<T>(operand(storage, layout)?, [h, w, c]);
        Ok((T::to_cpu_storage_owned(out), shape))
    }
}

/// Sums the sources times their weights: into `out` if `overwrite`, otherwise added to it.
fn weighted_sum<'a, T: Element>(
    out: &mut [T],
    mut sources: impl Iterator<Item = (&'a [T], T)>,
    overwrite: bool,
) {
    if overwrite {
        match sources.next() {
            Some((source, weight)) => {
                for (out, source) in out.iter_mut().zip(source) {
                    *out = *source * weight;
                }
            }
            None => out.fill(T::ZERO),
        }
    }
    for (source, weight) in sources {
        for (out, source) in out.iter_mut().zip(source) {
            *out += *source * weight;
        }
    }
}

impl CustomOp1 for Resampling {
    fn name(&self) -> &'static str {
        "upfirdn2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        match storage {
            CpuStorage::F32(_) => self.forward::<f32>(storage, layout),
            CpuStorage::F64(_) => self.forward::<f64>(storage, layout),
            _ => bail!("upfirdn2d needs f32 or f64"),
        }
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let taps = self.taps.each_ref().map(Taps::transposed);
        gradient.contiguous()?.apply_op1(Resampling { filter: self.filter.clone(), taps }).map(Some)
    }
}

use candle_core::{Result, Tensor, bail};
use dreamwire_kernels::is_portable;
use rayon::prelude::*;

use super::matrix::{Matrix, apply_matrices};

/// A bilinear resampling between two sizes, as a linear map with its adjoint: how a network that takes one size of
/// pictures sees any picture, and what its gradient means for that one. Height and width are resampled separately.
///
/// Where the picture shrinks, a pixel is the mean of all that it covers, weighted by a triangle: Pillow's
/// `resize(.., BILINEAR)`, torchvision's `resize(.., antialias=True)`. Pictures are `[B, H, W, C]` of f32.
pub struct Fit {
    rows: Axis,
    columns: Axis,
}

impl Fit {
    /// From pictures of the height and width `from` to those of `to`, none of which is 0.
    ///
    /// # Errors
    ///
    /// If one of them is.
    pub fn new(from: [usize; 2], to: [usize; 2]) -> Result<Self> {
        if from.contains(&0) || to.contains(&0) {
            bail!("pictures of {from:?} pixels cannot be resized to {to:?}")
        }
        Ok(Self { rows: Axis::new(from[0], to[0]), columns: Axis::new(from[1], to[1]) })
    }

    /// The resized pictures.
    ///
    /// # Errors
    ///
    /// If they have another size, rank or type.
    pub fn apply(&self, pictures: &Tensor) -> Result<Tensor> {
        resample(pictures, [&self.rows.forward, &self.columns.forward], [self.rows.from, self.columns.from])
    }

    /// From the gradient with respect to the resized pictures to that with respect to the pictures themselves.
    ///
    /// # Errors
    ///
    /// If it has another size, rank or type.
    pub fn transposed(&self, gradient: &Tensor) -> Result<Tensor> {
        resample(gradient, [&self.rows.backward, &self.columns.backward], [self.rows.to, self.columns.to])
    }
}

/// Of an output, the inputs that it is a sum of, with their weights.
type Taps = Vec<(usize, f32)>;

/// A resampling along one axis, and its adjoint.
struct Axis {
    from: usize,
    to: usize,
    forward: Vec<Taps>,
    backward: Vec<Taps>,
}

impl Axis {
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        // Half of the triangle's base: the distance between outputs, or between inputs if these are farther apart.
        let reach = scale.max(1.0);
        let taps = |index: usize| {
            let middle = (index as f64 + 0.5) * scale - 0.5;
            let first = (middle - reach).ceil().max(0.0) as usize;
            let last = ((middle + reach).floor().max(0.0) as usize).min(from - 1);
            let weight = |input: usize| (1.0 - ((input as f64 - middle) / reach).abs()).max(0.0);
            // Beyond the edges there is nothing, so the rest counts for more.
            let sum: f64 = (first..=last).map(weight).sum();
            (first..=last).map(|input| (input, (weight(input) / sum) as f32)).collect()
        };
        let forward: Vec<Taps> = (0..to).map(taps).collect();
        let mut backward = vec![Taps::new(); from];
        for (output, taps) in forward.iter().enumerate() {
            for (input, weight) in taps {
                backward[*input].push((output, *weight));
            }
        }
        Self { from, to, forward, backward }
    }
}

/// The pictures, of the height and width `size`, resampled by rows and columns.
fn resample(pictures: &Tensor, axes: [&[Taps]; 2], size: [usize; 2]) -> Result<Tensor> {
    let (_, h, w, _) = pictures.dims4()?;
    if [h, w] != size {
        bail!("expected pictures of {size:?} pixels, found {:?}", [h, w])
    }
    if is_portable(pictures.device()) { on_device(pictures, axes) } else { on_host(pictures, axes) }
}

fn on_device(pictures: &Tensor, [rows, columns]: [&[Taps]; 2]) -> Result<Tensor> {
    let (_, h, w, _) = pictures.dims4()?;
    let matrix = |inputs: usize, axis: &[Taps]| {
        let of_output = |(output, taps): (usize, &Taps)| {
            let taps = taps.iter().map(|(input, weight)| (output, *input, f64::from(*weight)));
            taps.collect::<Vec<_>>()
        };
        Some(Matrix::new(inputs, axis.len(), axis.iter().enumerate().flat_map(of_output)))
    };
    apply_matrices(pictures, [matrix(h, rows), matrix(w, columns)])
}

fn on_host(pictures: &Tensor, [rows, columns]: [&[Taps]; 2]) -> Result<Tensor> {
    let (batch, h, w, c) = pictures.dims4()?;
    let values = pictures.flatten_all()?.to_vec1::<f32>()?;
    let mut out = vec![0.0; batch * rows.len() * columns.len() * c];
    if !out.is_empty() {
        out.par_chunks_mut(columns.len() * c).enumerate().for_each(|(index, out)| {
            let image = &values[index / rows.len() * h * w * c..][..h * w * c];
            let mut blended = vec![0.0; w * c];
            for (row, weight) in &rows[index % rows.len()] {
                add(&mut blended, &image[row * w * c..][..w * c], *weight);
            }
            for (pixel, taps) in out.chunks_exact_mut(c).zip(columns) {
                for (column, weight) in taps {
                    add(pixel, &blended[column * c..][..c], *weight);
                }
            }
        });
    }
    Tensor::from_vec(out, (batch, rows.len(), columns.len(), c), pictures.device())
}

fn add(to: &mut [f32], from: &[f32], weight: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from * weight;
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::matrix::tests::{assert_close, pictures};
    use super::*;

    fn picture(values: &[f32], h: usize, w: usize) -> Tensor {
        let channels = values.len() / (h * w);
        Tensor::from_slice(values, (1, h, w, channels), &Device::Cpu).unwrap()
    }

    fn values(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[track_caller]
    fn check(input: &[f32], [h, w]: [usize; 2], to: [usize; 2], expected: &[f32]) {
        let found = Fit::new([h, w], to).unwrap().apply(&picture(input, h, w)).unwrap();
        assert_eq!(found.dims()[1..3], to);
        for (found, expected) in values(&found).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        }
    }

    /// `PIL.Image.fromarray(x, "F").resize((w, h), BILINEAR)`.
    #[test]
    fn as_pillow_does() {
        check(&[0.0, 4.0], [1, 2], [1, 4], &[0.0, 1.0, 3.0, 4.0]);
        check(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [1, 6], [1, 2], &[1.25, 3.75]);
        check(&[1.0, 0.0, 0.0, 0.0], [4, 1], [2, 1], &[3.0 / 7.0, 0.0]);
        check(&[0.0, 2.0, 4.0, 6.0], [2, 2], [1, 1], &[3.0]);
        check(&[7.0, 8.0], [1, 1], [2, 3], &[7.0, 8.0].repeat(6));
        check(&[1.0, 2.0, 3.0], [1, 3], [1, 3], &[1.0, 2.0, 3.0]);
    }

    /// `<A x, y> = <x, A^T y>`.
    #[test]
    fn the_adjoint() {
        for (from, to) in [([5, 7], [3, 9]), ([8, 3], [8, 2]), ([2, 2], [5, 5])] {
            let numbers = |[h, w]: [usize; 2], step: usize| {
                let values: Vec<f32> = (0..h * w * 2).map(|n| (n * step % 11) as f32 - 5.0).collect();
                picture(&values, h, w)
            };
            let fit = Fit::new(from, to).unwrap();
            let (x, y) = (numbers(from, 3), numbers(to, 7));
            let dot =
                |a: &Tensor, b: &Tensor| (a * b).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
            let (found, expected) = (dot(&fit.apply(&x).unwrap(), &y), dot(&x, &fit.transposed(&y).unwrap()));
            assert!((found - expected).abs() < 1e-3 * expected.abs().max(1.0), "{found}, {expected}");
        }
    }

    /// The same products, added up in another order.
    #[test]
    fn the_device_agrees_with_the_host() {
        let x = pictures([2, 5, 9, 3]);
        for to in [[3, 4], [8, 20], [5, 9], [1, 1]] {
            let Fit { rows, columns } = Fit::new([5, 9], to).unwrap();
            let axes: [&[Taps]; 2] = [&rows.forward, &columns.forward];
            let (device, host) = (on_device(&x, axes).unwrap(), on_host(&x, axes).unwrap());
            assert_close(&device, &host, 1e-6);
            let axes: [&[Taps]; 2] = [&rows.backward, &columns.backward];
            let back = on_device(&host, axes).unwrap();
            assert_close(&back, &on_host(&host, axes).unwrap(), 1e-6);
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        assert!(Fit::new([0, 2], [3, 3]).is_err());
        let error =
            Fit::new([2, 2], [3, 3]).unwrap().apply(&picture(&[1.0, 2.0], 1, 2)).unwrap_err().to_string();
        assert!(error.contains("expected pictures of [2, 2] pixels, found [1, 2]"), "{error}");
    }
}

use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::is_portable;

/// Sampling positions of a bilinear resampling along one axis: output pixel `i` reads at `start + i * step`,
/// or the edge pixel where that is outside.
pub(super) struct Axis {
    last: usize,
    out: usize,
    start: f64,
    step: f64,
}

impl Axis {
    /// The centres of the first and the last pixel coincide: `i (size - 1) / (out - 1)`.
    pub(super) fn corners(size: usize, out: usize) -> Self {
        let last = size.saturating_sub(1);
        // A single output pixel reads the first input pixel.
        let step = if out > 1 { last as f64 / (out - 1) as f64 } else { 0.0 };
        Self { last, out, start: 0.0, step }
    }

    /// The outer edges of the first and the last pixel coincide: `(i + 1/2) size / out - 1/2`.
    pub(super) fn edges(size: usize, out: usize) -> Self {
        let step = size as f64 / out.max(1) as f64;
        Self { last: size.saturating_sub(1), out, start: 0.5 * step - 0.5, step }
    }

    /// The two neighbours of output pixel `i`, and its fractional position between them.
    fn read(&self, i: usize) -> (usize, usize, f64) {
        let position = (self.start + i as f64 * self.step).clamp(0.0, self.last as f64);
        let first = position as usize;
        (first, (first + 1).min(self.last), position - first as f64)
    }

    /// `x`, `[B, H, W, C]`, resampled along a dimension where it is. Between two equal pixels all are equal, as on the host:
    /// a product with `1 - t` and `t` would round, and break the ties of pools.
    fn along(&self, x: &Tensor, dimension: usize) -> Result<Tensor> {
        let reads: Vec<(usize, usize, f64)> = (0..self.out).map(|i| self.read(i)).collect();
        let pixels = |places: Vec<u32>| x.index_select(&Tensor::new(places, x.device())?, dimension);
        let first = pixels(reads.iter().map(|read| read.0 as u32).collect())?;
        let second = pixels(reads.iter().map(|read| read.1 as u32).collect())?;
        let mut shape = [1; 4];
        shape[dimension] = self.out;
        let t: Vec<f32> = reads.iter().map(|read| read.2 as f32).collect();
        let t = Tensor::from_vec(t, &shape, x.device())?;
        &first + (second - &first)?.broadcast_mul(&t)?
    }
}

/// Bilinear resampling of `[B, H, W, C]` to the axes' sizes, f32, without a gradient.
pub(super) fn resample(image: &Tensor, rows: &Axis, columns: &Axis) -> Result<Tensor> {
    if is_portable(image.device()) { on_device(image, rows, columns) } else { on_host(image, rows, columns) }
}

fn on_device(image: &Tensor, rows: &Axis, columns: &Axis) -> Result<Tensor> {
    image.dims4()?;
    let image = image.detach().to_dtype(DType::F32)?.contiguous()?;
    rows.along(&columns.along(&image, 2)?, 1)
}

fn on_host(image: &Tensor, rows: &Axis, columns: &Axis) -> Result<Tensor> {
    let (b, h, w, c) = image.dims4()?;
    let source = image.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let mut out = Vec::with_capacity(b * rows.out * columns.out * c);
    for image in source.chunks_exact((h * w * c).max(1)) {
        let pixel = |y: usize, x: usize| &image[(y * w + x) * c..][..c];
        for y in 0..rows.out {
            let (top, bottom, down) = rows.read(y);
            for x in 0..columns.out {
                let (left, right, along) = columns.read(x);
                let corners =
                    [pixel(top, left), pixel(top, right), pixel(bottom, left), pixel(bottom, right)];
                for channel in 0..c {
                    let [tl, tr, bl, br] = corners.map(|corner| f64::from(corner[channel]));
                    let (upper, lower) = (tl + (tr - tl) * along, bl + (br - bl) * along);
                    out.push((upper + (lower - upper) * down) as f32);
                }
            }
        }
    }
    Tensor::from_vec(out, (b, rows.out, columns.out, c), image.device())
}

#[cfg(test)]
mod tests {
    use super::super::matrix::tests::{assert_close, pictures};
    use super::*;

    /// Every operation is rounded to f32, on the host the result alone.
    #[test]
    fn the_device_agrees_with_the_host() {
        let image = pictures([2, 5, 7, 3]);
        for (height, width) in [(5, 7), (3, 20), (11, 2), (1, 1), (64, 90)] {
            for axis in [Axis::corners, Axis::edges] {
                let (rows, columns) = (axis(5, height), axis(7, width));
                let found = on_device(&image, &rows, &columns).unwrap();
                assert_close(&found, &on_host(&image, &rows, &columns).unwrap(), 1e-6);
            }
        }
        // Where all pixels are equal, none may differ from them.
        let flat = Tensor::full(0.3f32, (1, 5, 7, 1), image.device()).unwrap();
        let found = on_device(&flat, &Axis::edges(5, 64), &Axis::edges(7, 90)).unwrap();
        assert!(found.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|pixel| *pixel == 0.3));
        assert!(on_device(&image.flatten_from(2).unwrap(), &Axis::edges(5, 3), &Axis::edges(7, 3)).is_err());
    }
}

use candle_core::{DType, Device, Result, Tensor};

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
}

/// Bilinear resampling of `[B, H, W, C]` to the axes' sizes, f32, without a gradient.
pub(super) fn resample(image: &Tensor, rows: &Axis, columns: &Axis) -> Result<Tensor> {
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

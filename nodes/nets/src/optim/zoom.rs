use candle_core::{DType, Device, Result, Tensor};

/// Bilinear resampling with aligned corners: output pixel `i` reads the input at
/// `i (in - 1) / (out - 1)`, so that the corner pixels of both pictures coincide.
///
/// This is SciPy's `ndimage.zoom(order=1)`, with which Google's notebook makes octaves and enlarges
/// details; there is no low-pass filter when it shrinks. `image` is `[B, H, W, C]`; the result is f32
/// and has no gradient.
///
/// # Errors
///
/// If `image` has another rank.
pub fn zoom(image: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (b, h, w, c) = image.dims4()?;
    if (h, w) == (height, width) {
        return Ok(image.detach());
    }
    let source = image.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let (rows, columns) = (Axis::new(h, height), Axis::new(w, width));
    let mut out = Vec::with_capacity(b * height * width * c);
    for image in source.chunks_exact((h * w * c).max(1)) {
        let pixel = |y: usize, x: usize| &image[(y * w + x) * c..][..c];
        for y in 0..height {
            let (top, bottom, down) = rows.read(y);
            for x in 0..width {
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
    Tensor::from_vec(out, (b, height, width, c), image.device())
}

struct Axis {
    last: usize,
    step: f64,
}

impl Axis {
    fn new(size: usize, out: usize) -> Self {
        let last = size.saturating_sub(1);
        // A single output pixel shows the first input pixel.
        Self { last, step: if out > 1 { last as f64 / (out - 1) as f64 } else { 0.0 } }
    }

    /// The two neighbours of output position `i`, and how far it is from the first to the second.
    fn read(&self, i: usize) -> (usize, usize, f64) {
        let position = i as f64 * self.step;
        let first = (position as usize).min(self.last);
        (first, (first + 1).min(self.last), position - first as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[f32], h: usize, w: usize, size: (usize, usize), expected: &[f32]) {
        let x = Tensor::from_slice(input, (1, h, w, 1), &Device::Cpu).unwrap();
        let y = zoom(&x, size.0, size.1).unwrap();
        assert_eq!(y.dims(), [1, size.0, size.1, 1]);
        assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
    }

    #[test]
    fn corners_stay_in_place() {
        check(&[0.0, 2.0], 1, 2, (1, 5), &[0.0, 0.5, 1.0, 1.5, 2.0]);
        check(&[0.0, 1.0, 2.0, 3.0, 4.0], 1, 5, (1, 3), &[0.0, 2.0, 4.0]);
        check(&[0.0, 1.0, 2.0, 3.0], 2, 2, (3, 3), &[0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 2.0, 2.5, 3.0]);
        check(&[5.0, 6.0], 1, 2, (2, 1), &[5.0, 5.0]);
    }
}

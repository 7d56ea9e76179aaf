//! Pictures that are shown while they are made.

use dreamwire_engine::{Dtype, Tensor};

/// A preview: an RGB picture of bytes.
pub struct Picture {
    /// In pixels, at least 1.
    pub width: usize,
    /// In pixels, at least 1.
    pub height: usize,
    /// Row by row from the top.
    pub pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// The first of an IMAGE, float32 `[B,H,W,C]` from 0 to 1, which is clamped. One channel is grey; alpha is left out.
    /// `None` for anything else.
    pub fn of(image: &Tensor) -> Option<Self> {
        let [_, height, width, channels] = *image.shape() else { return None };
        let [height, width, channels] =
            [height, width, channels].map(|size| usize::try_from(size).unwrap_or(0));
        if image.dtype() != Dtype::F32 || width * height == 0 || !(1..=4).contains(&channels) {
            return None;
        }
        let byte = |sample: &[u8]| {
            let value = f32::from_ne_bytes([sample[0], sample[1], sample[2], sample[3]]);
            (value.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        let pixels = image.bytes().chunks_exact(4 * channels).take(width * height).map(|pixel| {
            let sample = |channel: usize| byte(&pixel[4 * channel..]);
            if channels < 3 { [sample(0); 3] } else { [sample(0), sample(1), sample(2)] }
        });
        Some(Picture { width, height, pixels: pixels.collect() })
    }

    /// The picture made to fit, each pixel the mean of those that it stands for. Small ones stay as they are.
    #[must_use]
    pub fn within(&self, columns: usize, rows: usize) -> Self {
        let scale = (columns as f64 / self.width as f64).min(rows as f64 / self.height as f64).min(1.0);
        let size = |side: usize| ((side as f64 * scale).round() as usize).max(1);
        let (width, height) = (size(self.width), size(self.height));
        let range =
            |index: usize, new: usize, old: usize| index * old / new..((index + 1) * old).div_ceil(new);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let (mut sum, mut count) = ([0usize; 3], 0);
                for row in range(y, height, self.height) {
                    for column in range(x, width, self.width) {
                        let pixel = self.pixels[row * self.width + column];
                        (0..3).for_each(|channel| sum[channel] += usize::from(pixel[channel]));
                        count += 1;
                    }
                }
                pixels.push(sum.map(|sum| (sum / count.max(1)) as u8));
            }
        }
        Picture { width, height, pixels }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn image(height: usize, width: usize, samples: &[f32]) -> Tensor {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        let channels = samples.len() / (height * width);
        let shape = [1, height, width, channels].map(|size| size as i64).to_vec();
        Tensor::new(Dtype::F32, shape, Arc::new(bytes)).unwrap()
    }

    #[test]
    fn large_pictures_are_averaged_and_small_ones_stay() {
        let picture = Picture::of(&image(2, 4, &[0., 0., 1., 1., 0., 0., 1., 1.])).unwrap();
        let small = picture.within(2, 10);
        assert_eq!((small.width, small.height, &small.pixels[..]), (2, 1, &[[0; 3], [255; 3]][..]));
        assert_eq!(picture.within(100, 100).pixels, picture.pixels);
        assert!(Picture::of(&Tensor::new(Dtype::U8, vec![1], Arc::new(vec![0])).unwrap()).is_none());
    }

    #[test]
    fn values_beyond_the_range_are_clamped() {
        let picture = Picture::of(&image(1, 2, &[-1., f32::NAN, 7., 0.5, 0.5, 0.5])).unwrap();
        assert_eq!(picture.pixels, [[0, 0, 255], [128; 3]]);
        assert!(Picture::of(&image(1, 1, &[0.; 5])).is_none());
    }
}

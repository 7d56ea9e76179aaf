use candle_core::{Result, Tensor};

use crate::random::CounterRng;

/// Rolls every image by `down` rows and `right` columns, cyclically. Rolling back undoes it: `roll(roll(x, d,
/// r), -d, -r) == x`.
///
/// # Errors
///
/// If `image` is not `[B, H, W, C]`.
pub fn roll(image: &Tensor, down: i64, right: i64) -> Result<Tensor> {
    let (_, h, w, _) = image.dims4()?;
    roll_dimension(&roll_dimension(image, 1, h, down)?, 2, w, right)
}

fn roll_dimension(x: &Tensor, dimension: usize, size: usize, by: i64) -> Result<Tensor> {
    let by = by.rem_euclid(size.max(1) as i64) as usize;
    if by == 0 {
        return Ok(x.clone());
    }
    let (head, tail) = (x.narrow(dimension, 0, size - by)?, x.narrow(dimension, size - by, by)?);
    Tensor::cat(&[tail, head], dimension)
}

/// Rows and columns to roll by in one step of one octave: uniform in `-amount..=amount`, a pure function of
/// the arguments.
pub fn jitter_offset(seed: u64, octave: usize, step: usize, amount: usize) -> (i64, i64) {
    let rng = CounterRng::new(seed).stream(octave as u64).stream(step as u64);
    let amount = amount as i64;
    (rng.integer(0, -amount, amount), rng.integer(1, -amount, amount))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn rolls_like_numpy_and_back() {
        let x = Tensor::arange(0f32, 12.0, &Device::Cpu).unwrap().reshape((1, 3, 4, 1)).unwrap();
        let rolled = roll(&x, 1, -1).unwrap();
        let values = rolled.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values, [9.0, 10.0, 11.0, 8.0, 1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0, 4.0]);
        for (down, right) in [(1, -1), (-7, 9), (3, 4), (0, 2)] {
            let back = roll(&roll(&x, down, right).unwrap(), -down, -right).unwrap();
            let difference = (back - &x).unwrap().abs().unwrap().max_all().unwrap();
            assert_eq!(difference.to_scalar::<f32>().unwrap(), 0.0);
        }
    }

    #[test]
    fn offsets_differ_by_seed_octave_and_step() {
        let offset = jitter_offset(1, 2, 3, 1000);
        assert_eq!(offset, jitter_offset(1, 2, 3, 1000));
        for other in
            [jitter_offset(2, 2, 3, 1000), jitter_offset(1, 1, 3, 1000), jitter_offset(1, 2, 4, 1000)]
        {
            assert_ne!(offset, other);
        }
        assert_eq!(jitter_offset(1, 2, 3, 0), (0, 0));
    }
}

//! Samples of an IMAGE to those of files. What lies outside 0..1 is clamped, and NaN is 0.

use rayon::prelude::*;

/// Below this many samples, another thread is not worth its start.
const PART: usize = 1 << 16;

pub(crate) fn unit(v: f32) -> f32 {
    if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) }
}

/// 0..1 to 0..255, half up.
pub(crate) fn byte(v: f32) -> u8 {
    (unit(v) * 255.0 + 0.5) as u8
}

/// 0..1 to 0..65535, half up.
pub(crate) fn word(v: f32) -> u16 {
    (unit(v) * 65535.0 + 0.5) as u16
}

/// Every sample by `to`.
pub(crate) fn convert<T: Send>(samples: &[f32], to: impl Fn(f32) -> T + Sync) -> Vec<T> {
    samples.par_iter().with_min_len(PART).map(|&v| to(v)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_half_up_and_nothing_leaves_the_range() {
        // 0.5 * 255 = 127.5, 0.5 * 65535 = 32767.5
        assert_eq!((byte(0.5), word(0.5)), (128, 32768));
        for (v, wanted) in
            [(-1.0, 0), (f32::NAN, 0), (f32::NEG_INFINITY, 0), (2.0, 255), (f32::INFINITY, 255)]
        {
            assert_eq!(byte(v), wanted, "{v}");
            assert_eq!(word(v), u16::from(wanted) * 257, "{v}");
        }
        assert_eq!(convert(&[0.0, 1.0], byte), [0, 255]);
    }
}

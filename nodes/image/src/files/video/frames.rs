//! Frames as the bytes of raw video, and back.

use crate::files::encode::samples;

/// The name that ffmpeg has for raw pixels of so many channels, of one byte or two (little-endian) a sample.
pub(super) fn raw_pixels(channels: usize, sample_bytes: usize) -> &'static str {
    match (channels, sample_bytes) {
        (1, 1) => "gray",
        (1, _) => "gray16le",
        (4, 1) => "rgba",
        (4, _) => "rgba64le",
        (_, 1) => "rgb24",
        _ => "rgb48le",
    }
}

/// The samples of a frame, of one byte or two. What lies outside 0..1 is clamped.
pub(super) fn to_bytes(samples: &[f32], sample_bytes: usize) -> Vec<u8> {
    match sample_bytes {
        1 => samples::convert(samples, samples::byte),
        _ => samples::convert(samples, |v| samples::word(v).to_le_bytes()).into_flattened(),
    }
}

/// The inverse of [`to_bytes`], added to `samples`.
pub(super) fn from_bytes(bytes: &[u8], sample_bytes: usize, samples: &mut Vec<f32>) {
    match sample_bytes {
        1 => samples.extend(bytes.iter().map(|v| f32::from(*v) / 255.0)),
        _ => samples
            .extend(bytes.chunks_exact(2).map(|v| f32::from(u16::from_le_bytes([v[0], v[1]])) / 65535.0)),
    }
}

/// A frame of `width` pixels of `pixel_bytes` each with even sides: where one is odd, the last column or row is repeated.
pub(super) fn evened(frame: Vec<u8>, width: usize, pixel_bytes: usize) -> Vec<u8> {
    let row = width * pixel_bytes;
    let height = frame.len() / row.max(1);
    if width.is_multiple_of(2) && height.is_multiple_of(2) {
        return frame;
    }
    let mut even = Vec::with_capacity((row + pixel_bytes) * (height + 1));
    for row in frame.chunks_exact(row) {
        even.extend(row);
        if !width.is_multiple_of(2) {
            even.extend(&row[row.len() - pixel_bytes..]);
        }
    }
    if !height.is_multiple_of(2) {
        let row = even.len() / height;
        even.extend_from_within(even.len() - row..);
    }
    even
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back() {
        for bytes in [1, 2] {
            let old = [0.0, 0.2, 0.4, 1.0];
            let mut back = Vec::new();
            from_bytes(&to_bytes(&old, bytes), bytes, &mut back);
            assert!(old.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-6), "{back:?}");
        }
        assert_eq!(to_bytes(&[1.0 / 65535.0], 2), [1, 0]);
    }

    #[test]
    fn odd_sides_repeat_the_border() {
        assert_eq!(evened(vec![1, 2, 3, 4, 5, 6], 3, 1), [1, 2, 3, 3, 4, 5, 6, 6]);
        assert_eq!(evened(vec![1, 2], 2, 1), [1, 2, 1, 2]);
        assert_eq!(evened(vec![1, 2], 1, 2), [1, 2, 1, 2, 1, 2, 1, 2]);
        assert_eq!(evened(vec![1, 2, 3, 4], 2, 1), [1, 2, 3, 4]);
    }
}

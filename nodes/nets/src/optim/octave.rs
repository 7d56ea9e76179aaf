/// Heights and widths of `count` octaves, smallest first; the last is `height x width` itself, and
/// the k-th before it is `round(size / scale^k)` (half to even, as NumPy rounds), at least 1.
pub fn octave_sizes(height: usize, width: usize, count: usize, scale: f64) -> Vec<(usize, usize)> {
    let size = |size: usize, k: usize| {
        let size = (size as f64 / scale.powi(k as i32)).round_ties_even();
        (size as usize).max(1)
    };
    (0..count).rev().map(|k| (size(height, k), size(width, k))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_google_s_notebook() {
        assert_eq!(octave_sizes(96, 128, 3, 1.4), [(49, 65), (69, 91), (96, 128)]);
        assert_eq!(octave_sizes(3, 500, 3, 10.0), [(1, 5), (1, 50), (3, 500)]);
        assert_eq!(octave_sizes(5, 7, 1, 1.4), [(5, 7)]);
    }
}

use std::path::Path;

/// Writes a small PNG with edges, gradients and colours.
///
/// # Panics
/// If it cannot be written.
pub fn photo(path: &Path, width: u32, height: u32) {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (255 * x / width, 255 * y / height);
        image::Rgb([u as u8, v as u8, if (x / 4 + y / 4) % 2 == 0 { 200 } else { 30 }])
    });
    picture.save(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// Size of a picture, and the standard deviation of its samples, which are in 0..1: 0 is a uniform colour.
///
/// # Panics
/// If it is not a picture.
#[track_caller]
pub fn deviation(path: &Path) -> ((u32, u32), f64) {
    let opened = image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let picture = opened.to_rgb32f();
    let samples = picture.as_raw();
    let n = samples.len() as f64;
    let mean = samples.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = samples.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
    (picture.dimensions(), variance.sqrt())
}

/// Mean and largest difference between the samples of two pictures of one size, in levels of 255.
///
/// # Panics
/// If one is not a picture, or they differ in size.
#[track_caller]
pub fn differences(a: &Path, b: &Path) -> (f64, u8) {
    let differences = sorted_differences(a, b);
    (mean(&differences), differences.last().copied().unwrap_or(0))
}

/// Mean of the differences between the samples of two pictures of one size, and the one that all but a thousandth of them
/// do not exceed, in levels of 255.
///
/// # Panics
/// If one is not a picture, or they differ in size.
#[track_caller]
pub fn disagreement(a: &Path, b: &Path) -> (f64, u8) {
    let differences = sorted_differences(a, b);
    let most = differences.len() - 1 - differences.len() / 1000;
    (mean(&differences), differences[most])
}

fn mean(levels: &[u8]) -> f64 {
    levels.iter().map(|level| f64::from(*level)).sum::<f64>() / levels.len() as f64
}

#[track_caller]
fn sorted_differences(a: &Path, b: &Path) -> Vec<u8> {
    let open =
        |path: &Path| image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).to_rgb8();
    let (a, b) = (open(a), open(b));
    assert_eq!(a.dimensions(), b.dimensions());
    let mut differences: Vec<u8> = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b)).collect();
    differences.sort_unstable();
    differences
}

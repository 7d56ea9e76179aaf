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
    let open =
        |path: &Path| image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).to_rgb8();
    let (a, b) = (open(a), open(b));
    assert_eq!(a.dimensions(), b.dimensions());
    let differences = || a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b));
    let sum: f64 = differences().map(f64::from).sum();
    (sum / a.as_raw().len() as f64, differences().max().unwrap_or(0))
}

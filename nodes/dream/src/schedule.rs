use dreamwire_nets::optim::{octave_sizes, zoom};
use dreamwire_sdk::prelude::*;

/// Octaves below this are left out: networks of five pools need more pixels.
pub(crate) const SMALLEST_SIDE: usize = 32;

/// The picture at every octave's size, smallest first; the last is the picture itself.
///
/// Every octave is resized from the next larger one, bilinearly, as in Google's notebook.
///
/// # Errors
///
/// If `image` is not `[B,H,W,C]`.
pub(crate) fn octaves(image: &Tensor, count: usize, scale: f64) -> Result<Vec<Tensor>> {
    let (_, height, width, _) = image.dims4()?;
    let sizes = octave_sizes(height, width, count, scale);
    let mut octaves = vec![image.detach()];
    for &(height, width) in sizes.iter().rev().skip(1) {
        if height.min(width) < SMALLEST_SIDE {
            break;
        }
        octaves.push(zoom(&octaves[octaves.len() - 1], height, width)?);
    }
    octaves.reverse();
    Ok(octaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(size: (usize, usize), count: usize, expected: &[(usize, usize)]) {
        let image = Tensor::ones((2, size.0, size.1, 3), DType::F32, &Device::Cpu).unwrap();
        let octaves = octaves(&image, count, 1.4).unwrap();
        let sizes: Vec<_> = octaves.iter().map(|x| (x.dim(1).unwrap(), x.dim(2).unwrap())).collect();
        assert_eq!(sizes, expected);
    }

    #[test]
    fn octaves_grow_up_to_the_picture() {
        check((96, 128), 3, &[(49, 65), (69, 91), (96, 128)]);
        check((96, 128), 1, &[(96, 128)]);
    }

    #[test]
    fn octaves_that_are_too_small_are_left_out() {
        check((96, 60), 5, &[(69, 43), (96, 60)]);
        check((20, 20), 3, &[(20, 20)]);
    }
}

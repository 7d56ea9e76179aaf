use dreamwire_sdk::prelude::*;

/// `image`, `[B,H,W,C]`, mirrored at its bottom and right edges up to the next multiple of `multiple`, at
/// least two of them.
///
/// # Errors
///
/// If `image` has another rank.
pub(crate) fn pad(image: &Tensor, multiple: usize) -> Result<Tensor> {
    let (_, height, width, _) = image.dims4()?;
    let target = |size: usize| size.next_multiple_of(multiple).max(2 * multiple);
    let rows = mirror(image, 1, height, target(height))?;
    mirror(&rows, 2, width, target(width))
}

fn mirror(image: &Tensor, dimension: usize, size: usize, target: usize) -> Result<Tensor> {
    if target == size {
        return Ok(image.clone());
    }
    // Back and forth without repeating the ends, as often as needed.
    let period = (2 * size - 2).max(1);
    let position = |at: usize| if at % period < size { at % period } else { period - at % period };
    let positions: Vec<u32> = (0..target).map(|at| position(at) as u32).collect();
    Ok(image.index_select(&Tensor::new(positions, image.device())?, dimension)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(size: usize, expected: &[f32]) {
        let image =
            Tensor::arange(0f32, size as f32, &Device::Cpu).unwrap().reshape((1, size, 1, 1)).unwrap();
        let padded = pad(&image, 4).unwrap();
        assert_eq!(padded.dim(2).unwrap(), 8);
        let column = padded.narrow(2, 7, 1).unwrap().flatten_all().unwrap();
        assert_eq!(column.to_vec1::<f32>().unwrap(), expected);
    }

    #[test]
    fn edges_are_mirrored_up_to_a_multiple() {
        check(8, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        check(6, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0]);
        check(9, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 7.0, 6.0, 5.0]);
        check(3, &[0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0]);
        check(1, &[0.0; 8]);
    }
}

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::parameters::{options_of, placed};
use crate::stylegan::randn;

/// The seed of the latents that stylegan2-ada-pytorch's projector averages.
const SEED: u32 = 123;

/// `count` rows of z, `[count, width]`, f32, on the CPU: `numpy.random.RandomState(123).randn(count, width)`, the
/// latents from whose styles NVIDIA's projector computes their average and spread.
///
/// # Errors
///
/// Those of candle.
pub fn normal_latents(count: usize, width: usize) -> Result<Tensor> {
    let numbers: Vec<f32> = randn(SEED, count * width).into_iter().map(|z| z as f32).collect();
    Tensor::from_vec(numbers, (count, width), &Device::Cpu)
}

/// The average of styles `[N, w]`, `[w]`, and their spread: the root mean square distance from it, over whole styles.
/// Both are summed in f64, on the CPU; the average is where the styles are.
///
/// # Errors
///
/// If there are no styles, or they have another rank.
pub fn average_and_spread(styles: &Tensor) -> Result<(Tensor, f64)> {
    let (count, width) = styles.dims2()?;
    if count == 0 || width == 0 {
        bail!("an average needs at least one style, found shape {:?}", styles.dims())
    }
    let rows = styles.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
    let mut average = vec![0.0; width];
    for row in &rows {
        average.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    average.iter_mut().for_each(|sum| *sum /= count as f64);
    let squares =
        rows.iter().flat_map(|row| row.iter().zip(&average).map(|(value, mean)| (value - mean).powi(2)));
    let spread = (squares.sum::<f64>() / count as f64).sqrt();
    let average = Tensor::from_vec(average, width, &Device::Cpu)?;
    Ok((placed(&average, &options_of(styles))?, spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_whole_styles() {
        let styles = Tensor::new(&[[1f32, 5.0], [3.0, 5.0], [2.0, 8.0], [2.0, 2.0]], &Device::Cpu).unwrap();
        let (average, spread) = average_and_spread(&styles).unwrap();
        assert_eq!(average.to_vec1::<f32>().unwrap(), [2.0, 5.0]);
        // Squares 1 + 1 + 9 + 9 over four styles.
        assert_eq!(spread, 5f64.sqrt());
        assert!(average_and_spread(&styles.narrow(0, 0, 0).unwrap()).is_err());
    }

    /// `numpy.random.RandomState(123).randn(2, 2)`.
    #[test]
    fn latents_are_numpy_s() {
        let found = normal_latents(2, 2).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(found, [[-1.085_630_6, 0.997_345_45], [0.282_978_5, -1.506_294_7f32]]);
    }
}

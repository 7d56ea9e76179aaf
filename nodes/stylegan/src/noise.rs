use dreamwire_nets::random::CounterRng;
use dreamwire_sdk::prelude::*;

use crate::latent;

/// How the names of a generator's noise planes begin.
const PREFIX: &str = "noise_";

/// Planes of these heights and widths as the inputs `noise_0`, `noise_1`, .. of a GENERATOR, `[B or 1,1,h,w]`.
pub(crate) fn specs(sizes: &[[usize; 2]]) -> Vec<TensorSpec> {
    let spec = |(index, [height, width]): (usize, &[usize; 2])| {
        TensorSpec::new(format!("{PREFIX}{index}"), &[-1, 1, *height as i64, *width as i64])
    };
    sizes.iter().enumerate().map(spec).collect()
}

/// Refuses planes that are not those of [`specs`], all or none, for a batch.
///
/// # Errors
///
/// Names the plane, what it must be, and what was found.
pub(crate) fn check(planes: &[Tensor], sizes: &[[usize; 2]], batch: usize) -> Result<()> {
    if !planes.is_empty() && planes.len() != sizes.len() {
        let (found, all) = (planes.len(), sizes.len());
        let message = format!("noise must be given for all {all} layers or none, found {found} planes");
        return Err(Error::port(&format!("{PREFIX}{found}"), message));
    }
    for (index, (plane, size)) in planes.iter().zip(sizes).enumerate() {
        let fits = matches!(*plane.dims(), [n, 1, h, w] if (n == 1 || n == batch) && [h, w] == *size);
        if !fits {
            let (name, found, [height, width]) = (format!("{PREFIX}{index}"), plane.dims(), *size);
            let message = format!(
                "`{name}` must be [B or 1,1,{height},{width}] with B = {batch}, found shape {found:?}"
            );
            return Err(Error::shape(&name, message));
        }
    }
    Ok(())
}

/// The noise planes of a generator, `[1,1,r,r]` each, to pass after `w`; none for one without noise: standard
/// normal numbers, or zeros without a seed.
///
/// A number depends only on the seed, on its plane and on its position in it.
///
/// # Errors
///
/// If the generator's spec leaves the size of a plane free.
pub(crate) fn planes(generator: &FnSpec, seed: Option<u64>, device: &Device) -> Result<Vec<Tensor>> {
    let plane = |(index, spec): (usize, &TensorSpec)| {
        let Some([1, height, width]) = latent::sizes(Some(spec)) else {
            let message = format!("`{}` of `generator` must be [B,1,r,r], found {:?}", spec.name, spec.dims);
            return Err(Error::port("generator", message));
        };
        let numbers: Vec<f32> = match seed {
            Some(seed) => {
                let rng = CounterRng::new(seed).stream(index as u64);
                (0..(height * width) as u64).map(|position| rng.normal(position) as f32).collect()
            }
            None => vec![0.0; height * width],
        };
        Ok(Tensor::from_vec(numbers, (1, 1, height, width), device)?)
    };
    let inputs = generator.inputs.iter().skip(1).filter(|input| input.name.starts_with(PREFIX));
    inputs.enumerate().map(plane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator with two planes of 64 and 32 pixels.
    fn generator() -> FnSpec {
        FnSpec::new("GENERATOR", "it")
            .input(TensorSpec::new("w", &[-1, 2, 3]))
            .input(TensorSpec::new("noise_0", &[-1, 1, 64, 64]))
            .input(TensorSpec::new("noise_1", &[-1, 1, 32, 32]))
    }

    fn drawn(seed: Option<u64>) -> Vec<Vec<f32>> {
        let planes = planes(&generator(), seed, &Device::Cpu).unwrap();
        assert_eq!(planes[0].dims(), [1, 1, 64, 64]);
        assert_eq!(planes[1].dims(), [1, 1, 32, 32]);
        planes.iter().map(|plane| plane.flatten_all().unwrap().to_vec1().unwrap()).collect()
    }

    fn mean(values: impl Iterator<Item = f32>) -> f64 {
        let values: Vec<f32> = values.collect();
        values.iter().map(|x| f64::from(*x)).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn numbers_are_standard_normal() {
        let plane = &drawn(Some(3))[0];
        // Four standard errors of 4096 numbers: of their mean, mean square and mean fourth power.
        assert!(mean(plane.iter().copied()).abs() < 0.0625);
        assert!((mean(plane.iter().map(|x| x * x)) - 1.0).abs() < 0.09);
        assert!((mean(plane.iter().map(|x| x.powi(4))) - 3.0).abs() < 0.62);
    }

    #[test]
    fn planes_and_seeds_are_unrelated() {
        let (first, second) = (drawn(Some(0)), drawn(Some(1)));
        assert_eq!(first, drawn(Some(0)));
        // Four standard errors of 1024 products.
        let by_plane = mean(first[0].iter().zip(&first[1]).map(|(a, b)| a * b));
        let by_seed = mean(first[1].iter().zip(&second[1]).map(|(a, b)| a * b));
        assert!(by_plane.abs() < 0.125 && by_seed.abs() < 0.125, "{by_plane} {by_seed}");
    }

    #[test]
    fn without_a_seed_there_is_silence() {
        assert!(drawn(None).iter().flatten().all(|x| *x == 0.0));
    }

    #[test]
    fn other_inputs_are_no_planes() {
        let plain = FnSpec::new("GENERATOR", "it").input(TensorSpec::new("w", &[-1, 2, 3]));
        let moved = plain.input(TensorSpec::new("transform", &[-1, 3, 3]));
        assert!(planes(&moved, Some(1), &Device::Cpu).unwrap().is_empty());
    }

    #[test]
    fn planes_of_unknown_size_are_refused() {
        let generator = generator().input(TensorSpec::new("noise_2", &[-1, 1, -1, -1]));
        let error = planes(&generator, None, &Device::Cpu).unwrap_err();
        assert_eq!(error.to_string(), "`noise_2` of `generator` must be [B,1,r,r], found [-1, 1, -1, -1]");
        assert_eq!(error.input(), "generator");
    }
}

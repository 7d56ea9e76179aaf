//! Low-pass filters by Kaiser's window (Kaiser 1974), for networks that no file brings filters for.
//!
//! The article's section 3.2 and appendix C: downsampling filters of configuration R are radial, the others are for one
//! axis.

use std::f64::consts::{PI, TAU};

/// What a filter is to do, in waves per picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct LowPass {
    pub(super) taps: usize,
    /// The highest frequency that is kept.
    pub(super) cutoff: f64,
    /// From kept to removed frequencies.
    pub(super) width: f64,
    /// Samples per picture.
    pub(super) rate: f64,
}

impl LowPass {
    /// Along one axis: `taps` numbers with a sum of 1.
    pub(super) fn along(&self) -> Vec<f64> {
        let Self { cutoff, rate, .. } = *self;
        let window = self.window();
        let ideal = self.places().map(|place| sinc(2.0 * cutoff / rate * place));
        normalised(ideal.zip(&window).map(|(ideal, window)| ideal * window).collect())
    }

    /// For both axes alike in all directions: `taps * taps` numbers with a sum of 1.
    pub(super) fn radial(&self) -> Vec<f64> {
        let window = self.window();
        let mut values = Vec::with_capacity(self.taps * self.taps);
        for (y, down) in self.places().zip(&window) {
            for (x, across) in self.places().zip(&window) {
                values.push(jinc(TAU * self.cutoff / self.rate * x.hypot(y)) * down * across);
            }
        }
        normalised(values)
    }

    /// Of the taps from the middle, in samples.
    fn places(&self) -> impl Iterator<Item = f64> + use<> {
        let middle = (self.taps as f64 - 1.0) / 2.0;
        (0..self.taps).map(move |tap| tap as f64 - middle)
    }

    /// Kaiser's window for this width, by his estimates of attenuation and shape.
    fn window(&self) -> Vec<f64> {
        let last = self.taps as f64 - 1.0;
        let attenuation = 2.285 * last * PI * self.width / (self.rate / 2.0) + 7.95;
        let beta = match attenuation {
            a if a > 50.0 => 0.1102 * (a - 8.7),
            a if a > 21.0 => 0.5842 * (a - 21.0).powf(0.4) + 0.07886 * (a - 21.0),
            _ => 0.0,
        };
        let height = |place: f64| {
            let from_middle = 2.0 * place / last.max(1.0);
            bessel_i0(beta * (1.0 - from_middle * from_middle).max(0.0).sqrt()) / bessel_i0(beta)
        };
        self.places().map(height).collect()
    }
}

fn normalised(values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.into_iter().map(|value| value / sum).collect()
}

/// `sin(pi x) / (pi x)`.
fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// `2 J1(x) / x`: the transform of a disc, as [`sinc`] is that of an interval.
fn jinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { 2.0 * half_turn(|angle| (angle - x * angle.sin()).cos()) / x }
}

/// The modified Bessel function I0.
fn bessel_i0(x: f64) -> f64 {
    half_turn(|angle| (x * angle.cos()).exp())
}

/// The mean of a function over the angles 0 to pi, beyond which it goes on mirrored: the trapezoid rule is exact for that
/// up to rounding, as long as it has fewer waves than there are steps.
fn half_turn(function: impl Fn(f64) -> f64) -> f64 {
    const STEPS: usize = 64;
    let inner: f64 = (1..STEPS).map(|step| function(PI * step as f64 / STEPS as f64)).sum();
    (inner + (function(0.0) + function(PI)) / 2.0) / STEPS as f64
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::stylegan3::resampling::Resampling;
    use crate::stylegan3::{Band, Settings};

    /// The filters of a network that was made with scipy's `firwin`, `kaiser` and `j1`.
    #[test]
    fn filters_are_those_of_the_peer() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/ref/sg3/sg3r_32.safetensors");
        let tensors = crate::weights::read_all(&std::fs::read(path).unwrap()).unwrap();
        let settings = Settings::default();
        let bands = Band::all(&settings, 32, 6);
        let mut radial = 0;
        for (index, made) in bands.iter().enumerate().take(6) {
            let read = &bands[index.saturating_sub(1)];
            let filters = Resampling::new(&settings, read, made).filters(read, made);
            for (part, filter) in ["up_filter", "down_filter"].into_iter().zip(filters) {
                let own = |name: &&String| {
                    name.starts_with(&format!("G.synthesis.L{index}_")) && name.ends_with(part)
                };
                let name = tensors.keys().find(own).unwrap();
                let expected = tensors[name].flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let (shape, found) = filter.unwrap();
                assert_eq!(tensors[name].dims(), shape, "{name}");
                radial += shape.len() - 1;
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - f64::from(*expected)).abs() < 1e-7, "{name}: {found}, {expected}");
                }
            }
        }
        assert_eq!(radial, 4, "of all but the critical layers");
    }

    /// From tables: Abramowitz and Stegun, 9.1 and 9.8.
    #[test]
    fn bessel_functions() {
        for (x, expected) in [(0.0, 1.0), (1.0, 1.266_065_877_752), (5.0, 27.239_871_823_6)] {
            assert!((bessel_i0(x) / expected - 1.0).abs() < 1e-11, "I0({x})");
        }
        for (x, j1) in [(1.0, 0.440_050_585_7), (5.0, -0.327_579_137_6), (10.0, 0.043_472_746_2)] {
            assert!((jinc(x) - 2.0 * j1 / x).abs() < 1e-9, "J1({x})");
        }
    }
}

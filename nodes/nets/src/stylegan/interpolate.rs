use candle_core::{DType, Device, Result, Tensor, bail};

use crate::parameters::{options_of, placed};

/// How to interpolate between two keyframes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// `(1 - t) a + t b`: straight, with corners at the keyframes. For w.
    Linear,
    /// `(sin((1 - t) angle) a + sin(t angle) b) / sin(angle)` for the angle between `a` and `b`, taken over
    /// the last dimension (Shoemake 1985). It keeps the length, which in many dimensions a straight line does
    /// not. For z.
    Spherical,
    /// A cubic spline, smooth up to its second derivative: periodic if the walk is closed, natural (no
    /// curvature at the ends) if it is open. It may overshoot the keyframes a little. For w.
    Cubic,
}

/// Below this, `sin(angle)` is too small to divide by, and linear interpolation is as good.
const SMALLEST_SINE: f64 = 1e-6;

/// Frames from each of `keyframes`, `[K, ..]`, to the next: `frames` per transition, of which the first is
/// the keyframe itself.
///
/// A closed walk returns from the last keyframe to the first and has `K * frames` frames; an open one ends at
/// the last keyframe and has `(K - 1) * frames + 1`. Computed in f64 on the CPU; the result has the type and the device of
/// `keyframes`.
///
/// # Errors
///
/// If there is no keyframe, or `frames` is 0.
pub fn interpolate(keyframes: &Tensor, how: Interpolation, frames: usize, closed: bool) -> Result<Tensor> {
    let dims = keyframes.dims();
    let (count, rest) = match dims {
        [count, rest @ ..] if *count > 0 && frames > 0 => (*count, rest),
        _ => {
            bail!("interpolation needs at least 1 keyframe and 1 frame each, found {dims:?} and {frames}")
        }
    };
    let rows = keyframes.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
    let rows = rows.reshape((count, rest.iter().product::<usize>()))?;
    let rows: Vec<Vec<f64>> = rows.to_vec2()?;
    let curvatures = if how == Interpolation::Cubic { curvatures(&rows, closed) } else { Vec::new() };
    let total = if closed { count * frames } else { (count - 1) * frames + 1 };
    let mut values = Vec::with_capacity(total * rows[0].len());
    for frame in 0..total {
        let (from, step) = (frame / frames, frame % frames);
        // Exactly, without rounding.
        if step == 0 {
            values.extend(&rows[from]);
            continue;
        }
        let (to, t) = ((from + 1) % count, step as f64 / frames as f64);
        let (a, b) = (&rows[from], &rows[to]);
        match how {
            Interpolation::Linear => values.extend(blend(a, b, [1.0 - t, t])),
            Interpolation::Spherical => {
                let width = rest.last().copied().unwrap_or(1).max(1);
                for (a, b) in a.chunks(width).zip(b.chunks(width)) {
                    values.extend(blend(a, b, spherical(a, b, t)));
                }
            }
            Interpolation::Cubic => {
                let bend = [1.0 - t, t].map(|t| (t.powi(3) - t) / 6.0);
                let straight = blend(a, b, [1.0 - t, t]);
                let bent = blend(&curvatures[from], &curvatures[to], bend);
                values.extend(straight.zip(bent).map(|(straight, bent)| straight + bent));
            }
        }
    }
    let shape = [&[total][..], rest].concat();
    placed(&Tensor::from_vec(values, shape, &Device::Cpu)?, &options_of(keyframes))
}

fn blend(a: &[f64], b: &[f64], [of_a, of_b]: [f64; 2]) -> impl Iterator<Item = f64> {
    a.iter().zip(b).map(move |(a, b)| of_a * a + of_b * b)
}

/// The weights of `a` and `b` at `t`.
fn spherical(a: &[f64], b: &[f64], t: f64) -> [f64; 2] {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let angle = cosine.clamp(-1.0, 1.0).acos();
    let sine = angle.sin();
    // NaN where a vector is zero.
    if sine.is_nan() || sine < SMALLEST_SINE {
        return [1.0 - t, t];
    }
    [((1.0 - t) * angle).sin() / sine, (t * angle).sin() / sine]
}

/// The second derivatives `m` at the keyframes `y` of the spline whose knots are 1 apart:
/// `m[i - 1] + 4 m[i] + m[i + 1] = 6 (y[i - 1] - 2 y[i] + y[i + 1])`, which makes the first derivative
/// continuous. At the ends of an open walk they are 0.
///
/// Solved by Gauss-Seidel sweeps. The system is diagonally dominant, 4 to 2, so every sweep at least halves
/// the error, and most quarter it.
fn curvatures(y: &[Vec<f64>], closed: bool) -> Vec<Vec<f64>> {
    const SWEEPS: usize = 60;
    let (count, width) = (y.len(), y[0].len());
    let mut m = vec![vec![0.0; width]; count];
    for _ in 0..SWEEPS {
        for i in 0..count {
            if !closed && (i == 0 || i + 1 == count) {
                continue;
            }
            let (before, after) = ((i + count - 1) % count, (i + 1) % count);
            for n in 0..width {
                let bend = 6.0 * (y[before][n] - 2.0 * y[i][n] + y[after][n]);
                m[i][n] = (bend - m[before][n] - m[after][n]) / 4.0;
            }
        }
    }
    m
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keyframes: &[f64], how: Interpolation, frames: usize, closed: bool, expected: &[f64]) {
        let keyframes = Tensor::new(keyframes, &Device::Cpu).unwrap().unsqueeze(1).unwrap();
        let found = interpolate(&keyframes, how, frames, closed).unwrap();
        assert_eq!(found.dims(), [expected.len(), 1], "{how:?}");
        let found: Vec<f64> = found.flatten_all().unwrap().to_vec1().unwrap();
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-12, "{how:?}, frame {index}: {found}, not {expected}");
        }
    }

    #[test]
    fn open_and_closed_ways() {
        check(&[0.0, 4.0, 2.0], Interpolation::Linear, 2, false, &[0.0, 2.0, 4.0, 3.0, 2.0]);
        check(&[0.0, 4.0, 2.0], Interpolation::Linear, 2, true, &[0.0, 2.0, 4.0, 3.0, 2.0, 1.0]);
        check(&[0.0, 4.0], Interpolation::Linear, 1, false, &[0.0, 4.0]);
    }

    #[test]
    fn one_keyframe_is_a_still() {
        for how in [Interpolation::Linear, Interpolation::Spherical, Interpolation::Cubic] {
            check(&[7.0], how, 3, true, &[7.0; 3]);
            check(&[7.0], how, 3, false, &[7.0]);
        }
    }

    /// By hand: the natural spline through 0, 1, 0 has the curvature -3 in the middle, and so is
    /// `1.5 t - 0.5 t^3` up to there.
    #[test]
    fn natural_splines() {
        let expected = [0.0, 0.3671875, 0.6875, 0.9140625, 1.0, 0.9140625, 0.6875, 0.3671875, 0.0];
        check(&[0.0, 1.0, 0.0], Interpolation::Cubic, 4, false, &expected);
        // Two keyframes have no reason to bend.
        check(&[1.0, 3.0], Interpolation::Cubic, 2, false, &[1.0, 2.0, 3.0]);
    }

    /// A wave of 8 keyframes: the periodic spline follows the cosine, also across the ends.
    #[test]
    fn periodic_splines() {
        let cosine = |index: usize, count: usize| (index as f64 / count as f64 * std::f64::consts::TAU).cos();
        let keyframes: Vec<f64> = (0..8).map(|index| cosine(index, 8)).collect();
        let keyframes = Tensor::new(keyframes, &Device::Cpu).unwrap();
        let found = interpolate(&keyframes, Interpolation::Cubic, 4, true).unwrap().to_vec1::<f64>().unwrap();
        for (index, found) in found.iter().enumerate() {
            let expected = cosine(index, 32);
            assert!((found - expected).abs() < 2e-3, "frame {index}: {found}, not {expected}");
        }
    }

    #[test]
    fn spherical_ways_keep_the_length_of_every_row() {
        let keyframes =
            Tensor::new(&[[[3.0, 0.0], [0.0, 2.0]], [[0.0, 3.0], [0.0, -2.0]]], &Device::Cpu).unwrap();
        let found = interpolate(&keyframes, Interpolation::Spherical, 2, false).unwrap();
        assert_eq!(found.dims(), [3, 2, 2]);
        let middle: Vec<f64> = found.get(1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let half = 3.0 * 0.5f64.sqrt();
        // The second row turns around, which has no direction: straight through the middle.
        for (found, expected) in middle.iter().zip([half, half, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-12, "{middle:?}");
        }
    }

    #[test]
    fn degenerate_directions_are_walked_straight() {
        let keyframes = Tensor::new(&[[0.0, 0.0], [2.0, 4.0], [4.0, 8.0]], &Device::Cpu).unwrap();
        let found = interpolate(&keyframes, Interpolation::Spherical, 2, false).unwrap();
        let found: Vec<f64> = found.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(found, [0.0, 0.0, 1.0, 2.0, 2.0, 4.0, 3.0, 6.0, 4.0, 8.0]);
    }

    #[test]
    fn mistakes() {
        let keyframes = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        let none = Tensor::zeros((0, 3), DType::F32, &Device::Cpu).unwrap();
        for (keyframes, frames) in [(&keyframes, 0), (&none, 4)] {
            let error = interpolate(keyframes, Interpolation::Linear, frames, true).unwrap_err().to_string();
            assert!(error.contains("needs at least 1 keyframe and 1 frame each, found"), "{error}");
        }
        let found = interpolate(&keyframes, Interpolation::Cubic, 4, true).unwrap();
        assert_eq!((found.dims(), found.dtype()), (&[8, 3][..], DType::F32));
    }
}

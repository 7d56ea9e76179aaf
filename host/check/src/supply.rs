//! Made-up inputs: small, smooth, and the same every time.

use crate::probe::{Array, Host, HostFunction, Model, Supply};
use dreamwire_abi::{Form, wire_type};

/// Height and width of pictures: not multiples of each other, and large enough for most networks.
pub(crate) const SIDES: [usize; 2] = [48, 40];

/// A sum of slow waves over all axes, between `low` and `high`.
pub(crate) fn smooth(shape: &[usize], seed: u64, low: f32, high: f32) -> Array {
    const WAVES: usize = 5;
    let mut state = seed;
    let waves: Vec<(Vec<f64>, f64)> = (0..WAVES)
        .map(|_| {
            // Up to two and a half periods along each axis.
            let periods = shape.iter().map(|_| 2.5 * uniform(&mut state)).collect();
            (periods, std::f64::consts::TAU * uniform(&mut state))
        })
        .collect();
    let count: usize = shape.iter().product();
    let mut at = vec![0usize; shape.len()];
    let mut data = Vec::with_capacity(count);
    for _ in 0..count {
        let wave = |(periods, phase): &(Vec<f64>, f64)| {
            let turns = periods.iter().zip(&at).zip(shape).map(|((p, &i), &n)| p * i as f64 / n as f64);
            (std::f64::consts::TAU * turns.sum::<f64>() + phase).cos()
        };
        let mean = waves.iter().map(wave).sum::<f64>() / WAVES as f64;
        data.push(low + (high - low) * (0.5 + 0.5 * mean) as f32);
        for axis in (0..at.len()).rev() {
            at[axis] += 1;
            if at[axis] < shape[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    Array { shape: shape.to_vec(), data }
}

/// splitmix64, in 0..1.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// The outputs of FEATURES.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Features {
    /// Layers with places.
    Layers,
    /// One number per class.
    Classes,
}

/// A value of that type. `None` for types that the checker cannot make.
pub(crate) fn value(host: &Host, ty: &str, features: Features, seed: u64) -> Option<Supply> {
    let [height, width] = SIDES;
    Some(match wire_type(ty)?.form {
        Form::Tensor { .. } => match ty {
            "IMAGE" => Supply::Tensor(smooth(&[1, height, width, 3], seed, 0.1, 0.9)),
            "MASK" => Supply::Tensor(smooth(&[1, height, width], seed, 0.0, 1.0)),
            // Two, because mixing needs two latents.
            "LATENT_Z" => Supply::Tensor(smooth(&[2, 16], seed, -1.5, 1.5)),
            "LATENT_W" => Supply::Tensor(smooth(&[2, 6, 16], seed, -1.5, 1.5)),
            "TRANSFORM" => Supply::Tensor(smooth(&[2, 3, 3], seed, -1.0, 1.0)),
            _ => return None,
        },
        Form::Function { .. } => {
            let model = match (ty, features) {
                ("FEATURES", Features::Classes) => Model::Logits,
                _ => model(ty)?,
            };
            Supply::Function(HostFunction::new(host, model))
        }
        Form::Int => Supply::Int(1),
        Form::Float => Supply::Float(0.5),
        Form::Text => Supply::Text("checker"),
        Form::Bool => Supply::Bool(true),
    })
}

/// The model of a function type.
pub(crate) fn model(ty: &str) -> Option<Model> {
    Model::ALL.into_iter().find(|model| model.ty() == ty)
}

/// Whether values of that type are tensors.
pub(crate) fn is_tensor(ty: &str) -> bool {
    wire_type(ty).is_some_and(|ty| matches!(ty.form, Form::Tensor { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_something_of_every_type() {
        for ty in dreamwire_abi::WIRE_TYPES {
            assert!(value(&Host::new(), ty.name, Features::Layers, 1).is_some(), "{}", ty.name);
        }
    }

    #[test]
    fn pictures_are_smooth_and_differ_by_seed() {
        let a = smooth(&[1, 48, 40, 3], 1, 0.1, 0.9);
        assert_eq!(a.data.len(), 48 * 40 * 3);
        assert!(a.data.iter().all(|v| (0.1..=0.9).contains(v)));
        let steps = a.data.chunks(3).zip(a.data.chunks(3).skip(1)).enumerate();
        // Along a row.
        let largest = steps.filter(|(i, _)| (i + 1) % 40 != 0).map(|(_, (p, q))| (p[0] - q[0]).abs());
        assert!(largest.fold(0.0, f32::max) < 0.2);
        let range =
            |v: &[f32]| v.iter().fold(0.0f32, |m, x| m.max(*x)) - v.iter().fold(1.0f32, |m, x| m.min(*x));
        assert!(range(&a.data) > 0.2, "{}", range(&a.data));
        assert_ne!(a, smooth(&[1, 48, 40, 3], 2, 0.1, 0.9));
        assert_eq!(a, smooth(&[1, 48, 40, 3], 1, 0.1, 0.9));
    }
}

use candle_core::Tensor;
use dreamwire_nets::stylegan::{Interpolation, interpolate, randn};
use safetensors::SafeTensors;

use crate::reference::{Reference, device};
use crate::stylegan::reference_file;
use crate::tolerance::Tolerance;

/// `numpy.random.RandomState(seed).randn(1, 512)`, in all 64 bits.
#[test]
fn normal_numbers_are_numpy_s() {
    let bytes = reference_file("seeds_randn.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for seed in [0, 1, 42, 85, 123, 265, 600, u32::MAX] {
        let view = file.tensor(&format!("seed_{seed}_f64")).unwrap();
        let numbers = view.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()));
        let expected: Vec<f64> = numbers.collect();
        assert_eq!(expected.len(), 512);
        assert_eq!(randn(seed, 512), expected, "seed {seed}");
        assert_eq!(randn(seed, 7), expected[..7], "seed {seed}");
    }
    assert!(randn(0, 0).is_empty());
}

#[test]
fn seeds_become_z() {
    let reference = Reference::read("sg2/sg2_64_outputs");
    for (index, seed) in [0, 1, 85, 265].into_iter().enumerate() {
        let z: Vec<f32> = randn(seed, 64).into_iter().map(|z| z as f32).collect();
        let z = Tensor::new(z, &device()).unwrap();
        Tolerance::Exact.check(&format!("seed {seed}"), &z, &reference.tensor("z").get(index).unwrap());
    }
}

/// Three of ten steps from `z0` to `z1`.
#[test]
fn straight_and_spherical_ways() {
    let reference = Reference::read("sg2/sg2_64_interp");
    let ends = [reference.tensor("interp.z0"), reference.tensor("interp.z1")];
    let keyframes = Tensor::stack(&ends, 0).unwrap();
    for (how, name) in
        [(Interpolation::Linear, "interp.lerp_0.3"), (Interpolation::Spherical, "interp.slerp_0.3")]
    {
        let frames = interpolate(&keyframes, how, 10, false).unwrap();
        Tolerance::Close.check(name, &frames.get(3).unwrap(), reference.tensor(name));
        Tolerance::Exact.check("the start", &frames.get(0).unwrap(), ends[0]);
        Tolerance::Exact.check("the end", &frames.get(10).unwrap(), ends[1]);
    }
}

/// NVIDIA's videos repeat the keyframes five times, put SciPy's cubic spline through all, and use the middle.
/// The ends of that spline still affect it, in the fifth digit; ours has no ends.
#[test]
fn closed_splines() {
    let reference = Reference::read("sg2/sg2_64_interp");
    let expected = reference.tensor("interp.nvidia_gen_video_cubic_8_frames");
    let keyframes = reference.tensor("interp.keyframes");
    let frames = interpolate(keyframes, Interpolation::Cubic, 2, true).unwrap();
    Tolerance::SplineEnds.check("frames", &frames, expected);
    for index in 0..4 {
        let keyframe = keyframes.get(index).unwrap();
        Tolerance::Exact.check("keyframe", &frames.get(2 * index).unwrap(), &keyframe);
    }
    let repeated = keyframes.repeat((5, 1)).unwrap();
    let long = interpolate(&repeated, Interpolation::Cubic, 2, true).unwrap().narrow(0, 16, 8).unwrap();
    Tolerance::Close.check("repeated keyframes", &long, &frames);
}

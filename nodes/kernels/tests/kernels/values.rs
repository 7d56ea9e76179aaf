use candle_core::{Device, Tensor};
use dreamwire_kernels::{Layer, Padding};

/// Numbers in -1..1 that look random and are the same everywhere (splitmix64).
pub(crate) fn values(seed: u64, count: usize) -> Vec<f64> {
    let at = |i: u64| {
        let mut z = seed.wrapping_mul(0xD129_1A79).wrapping_add((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count as u64).map(at).collect()
}

pub(crate) fn tensor(seed: u64, shape: &[usize]) -> Tensor {
    Tensor::from_vec(values(seed, shape.iter().product()), shape, &Device::Cpu).unwrap()
}

/// A convolution with weights made from `seed`: `[inputs, outputs, kernel height, kernel width]`.
pub(crate) fn conv(seed: u64, [i, o, kh, kw]: [usize; 4], stride: usize, padding: Padding) -> Layer {
    let weight = tensor(seed, &[o, i, kh, kw]);
    Layer::Conv { weight, bias: Some(tensor(seed + 1, &[o])), stride, padding }
}

pub(crate) fn pool(kernel: usize, stride: usize, ceil_mode: bool) -> Layer {
    Layer::MaxPool { kernel, stride, ceil_mode }
}

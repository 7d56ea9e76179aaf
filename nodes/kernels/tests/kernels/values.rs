use candle_core::{Device, Tensor};
use dreamwire_kernels::{Layer, Padding, PaddingMode, Source};

/// A layer and what it reads.
pub(crate) type Node = (Layer, Vec<Source>);

/// Kernel height and width, stride and padding of asymmetric convolutions.
pub(crate) const UNEVEN: &[([usize; 2], usize, Padding)] = &[
    ([3, 3], 2, Padding::sides(0, 1, 0, 1)),
    ([7, 7], 2, Padding::sides(2, 3, 2, 3)),
    ([1, 7], 1, Padding::oblong(0, 3)),
    ([7, 1], 1, Padding::oblong(3, 0)),
    ([5, 2], 3, Padding::sides(3, 1, 0, 4)),
    // More padding than the kernel reaches, on some sides.
    ([2, 3], 1, Padding::sides(5, 0, 0, 4)),
    ([3, 2], 2, Padding { mode: PaddingMode::Reflect, ..Padding::sides(2, 0, 1, 3) }),
    ([1, 3], 1, Padding { mode: PaddingMode::Reflect, ..Padding::oblong(0, 1) }),
];

/// Kernel, stride and padding of poolings.
pub(crate) const POOLS: &[[usize; 3]] = &[
    [2, 2, 0],
    [3, 2, 0],
    [2, 3, 0],
    [3, 1, 0],
    [2, 2, 1],
    [3, 2, 1],
    [3, 1, 1],
    [2, 3, 1],
    [4, 1, 2],
    [5, 3, 2],
];

/// Pseudorandom numbers in -1..1, the same everywhere (splitmix64).
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
    Layer::MaxPool { kernel, stride, padding: 0, ceil_mode }
}

/// Pools of one geometry: the largest, and the mean with and without the padding.
pub(crate) fn pools([kernel, stride, padding]: [usize; 3], ceil_mode: bool) -> [Layer; 3] {
    let average = |count_padding| Layer::AveragePool { kernel, stride, padding, ceil_mode, count_padding };
    [Layer::MaxPool { kernel, stride, padding, ceil_mode }, average(false), average(true)]
}

/// A norm over `size` channels that is far from 1.
pub(crate) fn norm(size: usize, beta: f64) -> Layer {
    Layer::LocalResponseNorm { size, alpha: 1.7, beta, k: 0.8 }
}

/// Layers that read the one before them.
pub(crate) fn chain(layers: &[Layer]) -> Vec<Node> {
    let before = |index: usize| if index == 0 { Source::Input } else { Source::Layer(index - 1) };
    layers.iter().enumerate().map(|(index, layer)| (layer.clone(), vec![before(index)])).collect()
}

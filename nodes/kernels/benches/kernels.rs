//! `cargo bench -p dreamwire-kernels`: each operator alone, at sizes of the networks that use it.
//!
//! The number of threads is rayon's: `RAYON_NUM_THREADS=2 cargo bench -p dreamwire-kernels`. The times of a
//! stack include the conversion of its map to channels last and back.

use candle_core::{DType, Device, Tensor, Var};
use criterion::{Criterion, criterion_group, criterion_main};
use dreamwire_kernels::{Layer, ModulatedConv, Padding, Rectifier, Stack, TensorOptions, Upfirdn2d};

/// Pseudorandom numbers in -1..1 (splitmix64).
fn tensor(shape: &[usize]) -> Tensor {
    let at = |i: u64| {
        let mut z = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count as u64).map(at).collect::<Vec<f32>>(), shape, &Device::Cpu).unwrap()
}

fn conv(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Layer {
    let weight = tensor(&[outputs, inputs, kernel, kernel]);
    Layer::Conv { weight, bias: Some(tensor(&[outputs])), stride, padding: Padding::zeros(kernel / 2) }
}

/// A stack on a square map, and the gradient of the sum of its outputs.
fn stack(criterion: &mut Criterion, name: &str, layers: &[Layer], channels: usize, size: usize) {
    let stack = Stack::new(layers, DType::F32).unwrap();
    let x = Var::from_tensor(&tensor(&[1, channels, size, size])).unwrap();
    let still = x.as_detached_tensor();
    let last = layers.len() - 1;
    let mut group = criterion.benchmark_group(format!("{name}, {channels} channels of {size}x{size}"));
    group.sample_size(10);
    group.bench_function("forward", |bencher| bencher.iter(|| stack.apply(&still, &[last]).unwrap()));
    group.bench_function("forward and backward", |bencher| {
        bencher.iter(|| stack.apply(&x, &[last]).unwrap()[0].backward().unwrap().remove(&x).unwrap());
    });
    group.finish();
}

fn convolutions(criterion: &mut Criterion) {
    for (channels, size) in [(64, 256), (128, 128), (256, 64), (512, 32)] {
        let layers = [conv(channels, channels, 3, 1), Layer::Relu];
        stack(criterion, "convolution 3x3 and relu", &layers, channels, size);
    }
    stack(criterion, "convolution 1x1", &[conv(256, 256, 1, 1)], 256, 64);
    stack(criterion, "convolution 5x5", &[conv(64, 64, 5, 1)], 64, 64);
    stack(criterion, "convolution 7x7, stride 2", &[conv(3, 64, 7, 2)], 3, 224);
}

/// A convolution whose weights train, of a batch of 4, and the gradients of both of its operands. With
/// `DREAMWIRE_OPERATORS=portable` it is candle's.
fn training(criterion: &mut Criterion) {
    let options = TensorOptions { requires_grad: true, ..DType::F32.into() };
    for (channels, size, stride) in [(32, 64, 1), (64, 64, 1), (64, 64, 2), (128, 32, 1), (512, 16, 1)] {
        let x = Var::from_tensor(&tensor(&[4, channels, size, size])).unwrap();
        let weight = Var::from_tensor(&tensor(&[channels, channels, 3, 3])).unwrap();
        let apply = || {
            let (weight, padding) = (weight.as_tensor().clone(), Padding::zeros(1));
            let layer = Layer::Conv { weight, bias: None, stride, padding };
            Stack::new(&[layer], options.clone()).unwrap().apply(&x, &[0]).unwrap().remove(0)
        };
        let name = format!("trained 3x3, stride {stride}, {channels} channels of {size}x{size}");
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("forward", |bencher| bencher.iter(apply));
        group.bench_function("forward and backward", |bencher| {
            bencher.iter(|| apply().backward().unwrap().remove(&weight).unwrap());
        });
        group.finish();
    }
}

fn pools(criterion: &mut Criterion) {
    let pool = |kernel, padding| Layer::MaxPool { kernel, stride: 2, padding, ceil_mode: false };
    stack(criterion, "max-pool 2x2, stride 2", &[pool(2, 0)], 64, 256);
    stack(criterion, "max-pool 3x3, stride 2", &[pool(3, 1)], 64, 256);
}

/// An operator on a map `[1, h, w, c]`, and the gradient of the sum of its outputs with respect to that map.
fn operator(criterion: &mut Criterion, name: &str, map: &[usize; 4], apply: impl Fn(&Tensor) -> Tensor) {
    let x = Var::from_tensor(&tensor(map)).unwrap();
    let still = x.as_detached_tensor();
    let [_, h, w, channels] = map;
    let mut group = criterion.benchmark_group(format!("{name}, {channels} channels of {h}x{w}"));
    group.sample_size(10);
    group.bench_function("forward", |bencher| bencher.iter(|| apply(&still)));
    group.bench_function("forward and backward", |bencher| {
        bencher.iter(|| apply(x.as_tensor()).backward().unwrap().remove(&x).unwrap());
    });
    group.finish();
}

/// The layers of a StyleGAN2 synthesis, and the upsampling of its pictures.
fn generators(criterion: &mut Criterion) {
    let taps = [1f32, 3.0, 3.0, 1.0];
    let taps: Vec<f32> = taps.iter().flat_map(|down| taps.map(|across| down * across / 64.0)).collect();
    let filter = Tensor::from_vec(taps, (4, 4), &Device::Cpu).unwrap();
    let rectifier = Rectifier { slope: 0.2, gain: std::f64::consts::SQRT_2, clamp: Some(256.0) };
    for (channels, size) in [(128, 256), (256, 128), (512, 32)] {
        let weight = tensor(&[channels, channels, 3, 3]);
        let (styles, bias) = (tensor(&[1, channels]), tensor(&[channels]));
        let noise = tensor(&[1, size, size]);
        let same = ModulatedConv::new(&weight, true, DType::F32).unwrap();
        let same = same.rectified(&bias, rectifier).unwrap();
        operator(criterion, "modulated convolution", &[1, size, size, channels], |x| {
            same.apply(x, &styles, Some(&noise)).unwrap()
        });
        let upsampling = ModulatedConv::upsampling(&weight, true, DType::F32).unwrap();
        let upsampling = upsampling.smoothed(&filter).unwrap().rectified(&bias, rectifier).unwrap();
        let half = [1, size / 2, size / 2, channels];
        operator(criterion, "modulated convolution, upsampling", &half, |x| {
            upsampling.apply(x, &styles, Some(&noise)).unwrap()
        });
    }
    let linear = Rectifier { slope: 1.0, gain: 1.0, clamp: Some(256.0) };
    let (styles, bias) = (tensor(&[1, 128]), tensor(&[3]));
    let to_picture = ModulatedConv::new(&tensor(&[3, 128, 1, 1]), false, DType::F32).unwrap();
    let to_picture = to_picture.rectified(&bias, linear).unwrap();
    operator(criterion, "modulated convolution to a picture", &[1, 256, 256, 128], |x| {
        to_picture.apply(x, &styles, None).unwrap()
    });
    let enlarge = Upfirdn2d::new(&filter, 2, 1, [2, 1, 2, 1], 4.0).unwrap();
    operator(criterion, "upfirdn2d", &[1, 128, 128, 3], |x| enlarge.apply(x).unwrap());
}

criterion_group!(benches, convolutions, training, pools, generators);
criterion_main!(benches);

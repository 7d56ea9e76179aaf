//! `cargo bench -p dreamwire-nets`: a picture of StyleGAN2 config-f, and its gradient with respect to the
//! styles.
//!
//! The number of threads is rayon's: `RAYON_NUM_THREADS=2 cargo bench -p dreamwire-nets`.

use candle_core::{DType, Device, Tensor, Var};
use criterion::{Criterion, criterion_group, criterion_main};
use dreamwire_nets::stylegan::{StyleGan, randn, random_tensors};

fn styles(network: &StyleGan) -> Tensor {
    let width = network.mapping.z_width();
    let z = randn(0, width).iter().map(|value| *value as f32).collect();
    network.mapping.forward(&Tensor::from_vec(z, (1, width), &Device::Cpu).unwrap()).unwrap()
}

fn synthesis(criterion: &mut Criterion) {
    for resolution in [256, 1024] {
        let tensors = random_tensors(0, resolution).unwrap();
        let network = StyleGan::new(tensors, Some(256.0), DType::F32).unwrap();
        let w = styles(&network);
        let mut group = criterion.benchmark_group(format!("stylegan2 config-f {resolution}"));
        group.sample_size(10);
        group.bench_function("mapping", |bencher| bencher.iter(|| styles(&network)));
        group.bench_function("synthesis", |bencher| {
            bencher.iter(|| network.synthesis.forward(&w, &[]).unwrap());
        });
        group.bench_function("synthesis and gradient by w", |bencher| {
            bencher.iter(|| {
                let w = Var::from_tensor(&w).unwrap();
                let image = network.synthesis.forward(&w, &[]).unwrap();
                image.sqr().unwrap().mean_all().unwrap().backward().unwrap().remove(&w).unwrap()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, synthesis);
criterion_main!(benches);

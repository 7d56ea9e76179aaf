use candle_core::{DType, Device, Tensor, Var};
use dreamwire_kernels::*;
use std::time::Instant;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    rayon::ThreadPoolBuilder::new().num_threads(a[1].parse().unwrap()).build_global().unwrap();
    for (c, h, pool) in
        [(64usize, 256usize, true), (128, 128, false), (256, 64, false), (512, 32, false), (512, 14, false)]
    {
        let w = Tensor::randn(0f32, 0.05, (c, c, 3, 3), &Device::Cpu).unwrap();
        let mut l =
            vec![Layer::Conv { weight: w, bias: None, stride: 1, padding: Padding::zeros(1) }, Layer::Relu];
        if pool {
            l.push(Layer::MaxPool { kernel: 2, stride: 2, padding: 0, ceil_mode: false });
        }
        let s = Stack::new(&l, DType::F32).unwrap();
        let x = Var::from_tensor(&Tensor::randn(0f32, 1.0, (1, c, h, h), &Device::Cpu).unwrap()).unwrap();
        let (mut f, mut b) = (f64::MAX, f64::MAX);
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < 2.0 {
            let t = Instant::now();
            let y = s.apply(&x, &[l.len() - 1]).unwrap().remove(0);
            f = f.min(t.elapsed().as_secs_f64());
            let t = Instant::now();
            let g = y.backward().unwrap();
            b = b.min(t.elapsed().as_secs_f64());
            drop(g);
        }
        let gf = 18e-9 * (c * c * h * h) as f64 / 4.0;
        println!(
            "{c}@{h}: fwd {:.2} ms {:.0} GF/s, bwd {:.2} ms {:.0} GF/s",
            f * 1e3,
            gf / f,
            b * 1e3,
            gf / b
        );
    }
}

use candle_core::{DType, Device, Tensor, Var};
use std::collections::HashMap;
use std::time::Instant;
fn med(mut v: Vec<f64>) -> (f64, f64) {
    v.sort_by(f64::total_cmp);
    (v[v.len() / 2] * 1e3, v[0] * 1e3)
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    rayon::ThreadPoolBuilder::new().num_threads(a[1].parse().unwrap()).build_global().unwrap();
    for what in &a[2..] {
        let (name, size) = what.split_once(':').unwrap();
        let size: usize = size.parse().unwrap();
        let reps = if size > 600 {
            3
        } else if size > 300 {
            6
        } else {
            15
        };
        let (mut f, mut b) = (vec![], vec![]);
        if name == "vgg" {
            let mut t = HashMap::new();
            for (n, s) in dreamwire_nets::vgg::parameter_shapes() {
                let fan: usize = s[1..].iter().product::<usize>().max(1);
                t.insert(n, Tensor::randn(0f32, (2.0 / fan as f32).sqrt(), s, &Device::Cpu).unwrap());
            }
            let vgg = dreamwire_nets::vgg::Vgg::new(t, dreamwire_nets::PaddingMode::Zeros).unwrap();
            let l = dreamwire_nets::vgg::parse_layers("relu5_3").unwrap();
            let l: Vec<_> = l.into_iter().map(|x| x.0).collect();
            let x = Tensor::rand(-2f32, 2f32, (1, 3, size, size), &Device::Cpu).unwrap();
            for r in 0..=reps {
                let t = Instant::now();
                let y = vgg.features(&x, &l).unwrap();
                let d = t.elapsed().as_secs_f64();
                drop(y);
                let v = Var::from_tensor(&x).unwrap();
                let t = Instant::now();
                let y = vgg.features(&v, &l).unwrap();
                let g = y[0].sqr().unwrap().mean_all().unwrap().backward().unwrap();
                let e = t.elapsed().as_secs_f64();
                drop(g);
                if r > 0 {
                    f.push(d);
                    b.push(e);
                }
            }
        } else {
            let n = dreamwire_nets::stylegan::StyleGan::new(
                dreamwire_nets::stylegan::random_tensors(0, size).unwrap(),
                Some(256.0),
                DType::F32,
            )
            .unwrap();
            let z: Vec<f32> = dreamwire_nets::stylegan::randn(0, 512).iter().map(|v| *v as f32).collect();
            let w = n.mapping.forward(&Tensor::from_vec(z, (1, 512), &Device::Cpu).unwrap()).unwrap();
            let reps = if size > 600 { 3 } else { 6 };
            for r in 0..=reps {
                let t = Instant::now();
                let y = n.synthesis.forward(&w, &[]).unwrap();
                let d = t.elapsed().as_secs_f64();
                drop(y);
                let v = Var::from_tensor(&w).unwrap();
                let t = Instant::now();
                if size < 600 {
                    let y = n.synthesis.forward(&v, &[]).unwrap();
                    let g = y.sqr().unwrap().mean_all().unwrap().backward().unwrap();
                    drop(g);
                }
                let e = t.elapsed().as_secs_f64();
                if r > 0 {
                    f.push(d);
                    b.push(e);
                }
            }
        }
        let ((f, fm), (b, bm)) = (med(f), med(b));
        println!("{what}: fwd {f:.0} (min {fm:.0}) fwd+bwd {b:.0} (min {bm:.0}) ms");
    }
    let m = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", m.lines().find(|l| l.starts_with("VmHWM")).unwrap());
}

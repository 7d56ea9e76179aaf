use candle_core::{DType, Tensor, Var};
use dreamwire_kernels::{Layer, Padding, Stack};

use crate::values::{conv, pool, tensor};

fn bits(x: &Tensor) -> Vec<u32> {
    x.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let layers = [
        conv(1, [3, 24, 3, 3], 1, Padding::zeros(1)),
        Layer::Relu,
        pool(2, 2, false),
        conv(3, [24, 32, 3, 3], 1, Padding::reflect(1)),
        Layer::Relu,
        pool(3, 2, true),
        Layer::UpsampleNearest { factor: 2 },
        conv(5, [32, 24, 3, 3], 2, Padding::zeros(1)),
    ];
    let stack = Stack::new(&layers, DType::F32).unwrap();
    let x = tensor(7, &[2, 3, 67, 45]).to_dtype(DType::F32).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let x = Var::from_tensor(&x).unwrap();
            let y = stack.apply(&x, &[1, 4, 7]).unwrap();
            let loss = (y[1].sqr().unwrap().sum_all().unwrap() + y[2].sum_all().unwrap()).unwrap();
            let gradients = loss.backward().unwrap();
            [bits(&y[0]), bits(&y[1]), bits(&y[2]), bits(gradients.get(&x).unwrap())]
        })
    };
    let one = run(1);
    assert!(one == run(2), "2 threads differ from 1");
    assert!(one == run(5), "5 threads differ from 1");
}

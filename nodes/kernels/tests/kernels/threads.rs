use candle_core::{DType, Tensor, Var};
use dreamwire_kernels::{Layer, Padding, Stack, TensorOptions};

use crate::graph::inception;
use crate::values::{conv, pool, tensor};

fn bits(x: &Tensor) -> Vec<u32> {
    x.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
}

/// Outputs and gradients on 1, 2 and 5 threads.
#[track_caller]
fn check(stack: &Stack, taps: &[usize]) {
    let x = tensor(7, &[2, 3, 67, 45]).to_dtype(DType::F32).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let x = Var::from_tensor(&x).unwrap();
            let outputs = stack.apply(&x, taps).unwrap();
            let mut loss = outputs[0].sum_all().unwrap();
            for output in &outputs[1..] {
                loss = (loss + output.sqr().unwrap().sum_all().unwrap()).unwrap();
            }
            let gradients = loss.backward().unwrap();
            let mut found: Vec<_> = outputs.iter().map(bits).collect();
            found.push(bits(gradients.get(&x).unwrap()));
            found
        })
    };
    let one = run(1);
    assert!(one == run(2), "2 threads differ from 1");
    assert!(one == run(5), "5 threads differ from 1");
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
    check(&Stack::new(&layers, DType::F32).unwrap(), &[7, 4]);
}

#[test]
fn nor_does_it_in_a_graph() {
    let nodes = inception();
    let last = nodes.len() - 1;
    check(&Stack::graph(&nodes, DType::F32).unwrap(), &[last, 1]);
}

/// The gradient of weights, of several blocks of columns and of pixels.
#[test]
fn nor_does_it_in_training() {
    let x = tensor(7, &[3, 30, 21, 19]).to_dtype(DType::F32).unwrap();
    let weight = Var::from_tensor(&tensor(8, &[33, 30, 3, 3]).to_dtype(DType::F32).unwrap()).unwrap();
    let options = TensorOptions { requires_grad: true, ..DType::F32.into() };
    let padding = Padding::zeros(1);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let layer = Layer::Conv { weight: weight.as_tensor().clone(), bias: None, stride: 1, padding };
            let y = Stack::new(&[layer], options.clone()).unwrap().apply(&x, &[0]).unwrap().remove(0);
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            bits(gradients.get(&weight).unwrap())
        })
    };
    let one = run(1);
    assert!(one == run(2), "2 threads differ from 1");
    assert!(one == run(5), "5 threads differ from 1");
}

use dreamwire_sdk::testing::{Value, run_node};

use super::*;
use crate::{npz, small};

/// Latents moved along the directions in `file`.
fn run(params: &str, latents: &Tensor, file: &[u8]) -> Result<Tensor> {
    let params = format!(r#"{{"weights": "it"{params}}}"#);
    let inputs = [("latents", Value::Tensor(latents.clone()))];
    Ok(run_node::<LatentDirection>(&params, &inputs, &[("it", file)])?.outputs[0].tensor().clone())
}

#[track_caller]
fn moved(params: &str, latents: &Tensor, file: &[u8]) -> Vec<Vec<Vec<f32>>> {
    run(params, latents, file).expect("it moves").to_vec3().unwrap()
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap()
}

#[test]
fn chosen_layers_move_by_the_strength() {
    let file = npz::npy(&[3], &[1.0, 0.0, -2.0]);
    let latents = Tensor::ones((1, 4, 3), DType::F32, &Device::Cpu).unwrap();
    let (still, there) = (vec![1.0, 1.0, 1.0], vec![1.5, 1.0, 0.0]);
    let found = moved(r#", "layers": "1,3", "strength": 0.5"#, &latents, &file);
    assert_eq!(found, [vec![still.clone(), there.clone(), still.clone(), there.clone()]]);
    assert_eq!(moved(r#", "strength": 0.5"#, &latents, &file), [vec![there; 4]]);
    assert_eq!(moved(r#", "strength": 0"#, &latents, &file), [vec![still; 4]]);
}

#[test]
fn sweeps_are_in_rows_by_latent_and_direction() {
    let file = npz::npy(&[3, 1], &[1.0, 10.0, 100.0]);
    let latents = Tensor::new(&[[[0f32], [0.0]], [[1000.0], [1000.0]]], &Device::Cpu).unwrap();
    let params = r#", "directions": "2,0", "from": -1, "strength": 3, "steps": 5"#;
    let found: Vec<f32> = moved(params, &latents, &file).into_iter().map(|latent| latent[0][0]).collect();
    let at_zero = [-100.0, 0.0, 100.0, 200.0, 300.0, -1.0, 0.0, 1.0, 2.0, 3.0];
    assert_eq!(found[..10], at_zero);
    assert_eq!(found[10..], at_zero.map(|value| value + 1000.0));
}

#[test]
fn a_direction_may_have_a_row_per_layer() {
    let file = npz::npz("it", &[2, 1], &[1.0, 5.0]).unwrap();
    assert_eq!(moved(r#", "strength": 2"#, &zeros(&[1, 2, 1]), &file), [[[2.0], [10.0]]]);
    assert_eq!(moved(r#", "strength": 2, "layers": "1""#, &zeros(&[1, 2, 1]), &file), [[[0.0], [10.0]]]);
    // As many rows as layers are one direction; these are two.
    assert_eq!(moved(r#", "directions": "1""#, &zeros(&[1, 3, 1]), &file), [[[15.0], [15.0], [15.0]]]);
}

/// The directions of a network are orthogonal and of length 1, and their largest component is positive.
#[test]
fn directions_of_a_network() {
    let file = small::file(0);
    let found = moved(r#", "directions": "0-15", "strength": 1, "layers": "2""#, &zeros(&[1, 6, 16]), &file);
    assert_eq!(found.len(), 16);
    for (a, one) in found.iter().enumerate() {
        assert!(one[3].iter().all(|value| *value == 0.0));
        let largest = one[2].iter().copied().max_by(|x, y| x.abs().total_cmp(&y.abs())).unwrap();
        assert!(largest > 0.0);
        for (b, other) in found.iter().enumerate() {
            let product: f32 = one[2].iter().zip(&other[2]).map(|(x, y)| x * y).sum();
            let expected = if a == b { 1.0 } else { 0.0 };
            assert!((product - expected).abs() < 1e-5, "{a} {b}: {product}");
        }
    }
    let others = moved(r#", "directions": "0", "strength": 1, "layers": "5""#, &zeros(&[1, 6, 16]), &file);
    assert_ne!(others[0][5], found[0][2], "other layers, other directions");
}

#[test]
fn the_built_in_network_is_the_default() {
    let inputs = [("latents", Value::Tensor(zeros(&[1, 10, 128])))];
    let found = small::output::<LatentDirection>("{}", &inputs);
    assert_eq!(found.dims(), [1, 10, 128]);
    let length: f32 =
        found.get(0).unwrap().get(0).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar().unwrap();
    assert!((length.sqrt() - 3.0).abs() < 1e-4, "{length}");
}

#[track_caller]
fn check_error(params: &str, shape: &[usize], file: &[u8], blamed: &str, expected: &str) {
    let error = run(params, &zeros(shape), file).expect_err("refused");
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.input(), blamed);
}

#[test]
fn what_does_not_fit_is_refused() {
    let network = small::file(0);
    check_error(
        "",
        &[1, 10, 128],
        &network,
        "latents",
        "`latents` has 10 layers of 128, but `it` is for 6 layers of 16; hint: both must be of the same network",
    );
    check_error(
        "",
        &[1, 6, 16],
        &npz::npy(&[12], &[0.0; 12]),
        "latents",
        "`latents` has 6 layers of 16, but `it` is for styles of 12; hint: both must be of the same network",
    );
    check_error(
        r#", "directions": "15-16""#,
        &[1, 6, 16],
        &network,
        "directions",
        "`16` is beyond the last direction: `it` has 16, 0 to 15",
    );
    check_error(
        r#", "directions": "0-15", "steps": 1000"#,
        &[1, 6, 16],
        &network,
        "",
        "this makes 16000 latents, the limit is 4096",
    );
    let error = run("", &zeros(&[1, 6, 16]), b"<!doctype html>").expect_err("refused");
    assert!(error.to_string().starts_with("`it`: this is an HTML page"), "{error}");
    assert_eq!(error.input(), "weights");
}

#[test]
fn lists_are_judged_without_latents() {
    let check = |params: Params| LatentDirection::check(&params).map_err(|error| error.input().to_owned());
    assert_eq!(check(Params::default()), Ok(()));
    assert_eq!(
        check(Params { directions: "1-".to_owned(), ..Params::default() }),
        Err("directions".to_owned())
    );
    assert_eq!(check(Params { layers: "corse".to_owned(), ..Params::default() }), Err("layers".to_owned()));
    assert_eq!(
        check(Params { weights: "random:1".to_owned(), ..Params::default() }),
        Err("weights".to_owned())
    );
    assert_eq!(
        check(Params { weights: "random:1:64:stylegan3-r".to_owned(), ..Params::default() }),
        Err("weights".to_owned())
    );
}

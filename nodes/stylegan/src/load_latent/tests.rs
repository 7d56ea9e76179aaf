use dreamwire_sdk::abi;
use dreamwire_sdk::testing::{Ran, Value, run_node};
use safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::{npz, small};

/// The loaded file, for the small network's generator if `for_network`.
fn run(params: &str, file: &[u8], for_network: bool) -> Result<Ran> {
    let mut inputs = Vec::new();
    if for_network {
        inputs.push(("generator", Value::Function(small::load().1)));
    }
    let params = format!(r#"{{"file": "it"{params}}}"#);
    run_node::<LoadLatent>(&params, &inputs, &[("it", file)])
}

#[track_caller]
fn loaded(params: &str, file: &[u8], for_network: bool) -> Tensor {
    run(params, file, for_network).expect("it loads").outputs[0].tensor().clone()
}

/// 0, 1, 2 and so on.
fn counted(count: usize) -> Vec<f32> {
    (0..count).map(|value| value as f32).collect()
}

/// A safetensors file of these arrays.
fn tensors(arrays: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
    let views = arrays.iter().map(|(name, dtype, shape, data)| {
        (*name, TensorView::new(*dtype, shape.to_vec(), data).expect("as many bytes as the shape says"))
    });
    safetensors::serialize(views, None).expect("names are unique")
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn shapes_say_what_an_array_is() {
    let check = |params: &str, shape: &[usize], for_network: bool, expected: &[usize]| {
        let count = shape.iter().product();
        let found = loaded(params, &npz::npy(shape, &counted(count)), for_network);
        assert_eq!(found.dims(), expected, "{params} {shape:?} {for_network}");
        let values: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(values[..2], [0.0, 1.0]);
        assert_eq!(values.last(), Some(&((count - 1) as f32)));
    };
    for for_network in [false, true] {
        check("", &[3, 6, 16], for_network, &[3, 6, 16]);
        check("", &[6, 16], for_network, &[1, 6, 16]);
        check(r#", "rows": "z""#, &[6, 16], for_network, &[6, 16]);
        check(r#", "rows": "z""#, &[16], for_network, &[1, 16]);
    }
    check("", &[3, 16], false, &[1, 3, 16]);
    // The network has 6 layers, so these are three styles.
    check("", &[3, 16], true, &[3, 6, 16]);
    check("", &[16], true, &[1, 6, 16]);
    check(r#", "rows": "styles""#, &[6, 16], true, &[6, 6, 16]);
}

#[test]
fn a_style_alone_is_for_all_layers() {
    let found = loaded("", &npz::npy(&[2, 16], &counted(32)), true);
    for layer in 0..6 {
        let row = found.narrow(1, layer, 1).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(row, counted(32));
    }
}

#[test]
fn names_say_what_an_array_is() {
    let z = npz::npz("z", &[2, 16], &counted(32)).unwrap();
    assert_eq!(loaded("", &z, true).dims(), [2, 16]);
    let file = tensors(&[
        ("other", Dtype::F32, &[1, 4, 2], bytes(&counted(8))),
        ("w", Dtype::F32, &[2, 4, 1], bytes(&counted(8))),
    ]);
    assert_eq!(loaded("", &file, false).dims(), [2, 4, 1]);
    assert_eq!(loaded(r#", "array": "other""#, &file, false).dims(), [1, 4, 2]);
}

/// `numpy.save(file, numpy.asfortranarray([[0, 1, 2], [3, 4, 5]]).astype(..))`, by hand.
#[test]
fn types_and_orders_of_numpy() {
    let file = |header: &str, data: Vec<u8>| {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(data);
        file
    };
    let expected = [[0f32, 1.0, 2.0], [3.0, 4.0, 5.0]];
    let check = |header: &str, data: Vec<u8>| {
        let found = loaded("", &file(header, data), false);
        assert_eq!(found.squeeze(0).unwrap().to_vec2::<f32>().unwrap(), expected, "{header}");
    };
    let f64s = |values: [f64; 6]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    check("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", f64s([0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
    // 0, 1, 2, 3, 4, 5 in 16 bits.
    let halves = [0u16, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500];
    check(
        "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }",
        halves.iter().flat_map(|half| half.to_le_bytes()).collect(),
    );
    let big: Vec<u8> = counted(6).iter().flat_map(|value| value.to_be_bytes()).collect();
    check("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", big);
}

#[track_caller]
fn check_error(params: &str, file: &[u8], for_network: bool, expected: &str) {
    let error = run(params, file, for_network).err().expect("refused");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_is_not_latents_is_refused() {
    check_error(
        "",
        &npz::npy(&[1, 6, 12], &counted(72)),
        true,
        "`it`: `w` must have 6 layers of 16 for this generator, found 6 of 12",
    );
    check_error(
        "",
        &npz::npy(&[1, 1, 6, 16], &counted(96)),
        false,
        "`it`: `array` must be [N,layers,w], [layers,w] or [N,w], found [1, 1, 6, 16]",
    );
    check_error(
        "",
        &npz::npy(&[0, 6, 16], &[]),
        false,
        "`it`: `array` must be [N,layers,w], [layers,w] or [N,w], found [0, 6, 16]",
    );
    check_error(
        r#", "rows": "styles""#,
        &npz::npy(&[2, 16], &counted(32)),
        false,
        "`it`: `array` has one style per latent, and the number of layers is not known; hint: connect the GENERATOR \
         that the latents are for",
    );
    check_error(
        "",
        &npz::npy(&[4097, 1, 1], &counted(4097)),
        false,
        "this makes 4097 latents, the limit is 4096",
    );
    let integers = tensors(&[("w", Dtype::I64, &[1, 1, 1], vec![0; 8])]);
    check_error("", &integers, false, "`it`: `w` must have floating point numbers, found I64");
    let file = tensors(&[("a", Dtype::F32, &[1], bytes(&[0.0])), ("b", Dtype::F32, &[1], bytes(&[0.0]))]);
    check_error(
        "",
        &file,
        false,
        "`it` is a safetensors file with `a` F32 [1], `b` F32 [1]: it is not clear which of them are latents; hint: set \
         `array` to the name of one",
    );
    check_error(
        r#", "array": "w""#,
        &file,
        false,
        "`it` is a safetensors file with `a` F32 [1], `b` F32 [1], none of them called `w`",
    );
    // The file is at fault as much as the name.
    let error = run(r#", "array": "w""#, &file, false).err().expect("refused");
    assert_eq!((error.input(), error.status()), ("array", abi::E_INPUT));
}

/// A file cut anywhere is refused, never a panic.
#[test]
fn truncated_files_are_refused() {
    for file in [npz::npz("w", &[1, 2, 3], &counted(6)).unwrap(), npz::npy(&[1, 2, 3], &counted(6))] {
        for end in 0..file.len() {
            assert!(run("", &file[..end], false).is_err(), "{end} of {}", file.len());
        }
    }
}

#[test]
fn a_network_is_told_by_its_name() {
    let error = run("", &small::file(0), false).err().expect("refused").to_string();
    let expected = "`it`: this is a StyleGAN2 generator: LoadStyleGAN's `weights` takes it; needed are latents, arrays of w or z";
    assert_eq!(error, expected);
    // An array of it can be had all the same.
    let average = loaded(r#", "array": "mapping.w_avg", "rows": "z""#, &small::file(0), false);
    assert_eq!(average.dims(), [1, small::WIDTH]);
}

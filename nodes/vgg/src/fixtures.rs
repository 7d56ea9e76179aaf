//! Made-up weights files, and checks that the tests of all nodes share.

use dreamwire_nets::random::CounterRng;
use dreamwire_sdk::prelude::*;
use dreamwire_sdk::serde_json::{Map, Value as Json, json};
use dreamwire_sdk::testing::{Ran, Value, in_call, run_node};

/// A safetensors file of float32 tensors with these names and shapes. The numbers keep the scale of
/// activations, and depend on a tensor's index in the list, not on its name.
pub(crate) fn file(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut header = Map::new();
    let mut data = Vec::new();
    for (place, (name, shape)) in tensors.iter().enumerate() {
        let start = data.len();
        let fan_in: usize = shape.iter().skip(1).product();
        let (centre, spread) = match name.rsplit('.').next() {
            _ if shape.len() > 1 => (0.0, (6.0 / fan_in as f32).sqrt()),
            Some("weight" | "running_var") => (1.0, 0.2),
            _ => (0.0, 0.1),
        };
        for index in 0..shape.iter().product::<usize>() {
            data.extend((centre + spread * noise(place, index)).to_le_bytes());
        }
        let tensor = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] });
        header.insert(name.clone(), tensor);
    }
    let header = Json::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// In -1..1.
fn noise(place: usize, index: usize) -> f32 {
    let bits = CounterRng::new(0).at(((place as u64) << 32) + index as u64);
    (bits >> 40) as f32 / (1u32 << 23) as f32 - 1.0
}

/// The file with the first numbers of `tensor`, one per element of `bits`, replaced by these bits of a float16 or
/// float32.
pub(crate) fn patched<const N: usize>(file: &[u8], tensor: &str, bits: &[[u8; N]]) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a safetensors file starts with a length");
    let length = u64::from_le_bytes(*length) as usize;
    let header: Json = dreamwire_sdk::serde_json::from_slice(&rest[..length]).expect("the header is JSON");
    let start = header[tensor]["data_offsets"][0].as_u64().expect("the tensor is there") as usize;
    let mut file = file.to_vec();
    file[8 + length + start..][..N * bits.len()].copy_from_slice(bits.as_flattened());
    file
}

/// A random picture `[batch, height, width, 3]` in 0..1.
pub(crate) fn picture(batch: usize, height: usize, width: usize) -> Tensor {
    let count = batch * height * width * 3;
    let values: Vec<f32> = (0..count).map(|index| 0.5 + 0.5 * noise(99, index)).collect();
    Tensor::from_vec(values, (batch, height, width, 3), &Device::Cpu).expect("as many as the shape says")
}

/// Runs a node that outputs one function.
#[track_caller]
pub(crate) fn load<N: Node>(params: &str, files: &[(&str, &[u8])]) -> (Function, Ran) {
    let mut ran = run_node::<N>(params, &[], files).expect(params);
    match ran.outputs.pop() {
        Some(Value::Function(function)) => (function, ran),
        _ => panic!("no function"),
    }
}

/// The function of a node whose weights are built in.
#[track_caller]
pub(crate) fn features<N: Node>(params: &str) -> Function {
    load::<N>(params, &[]).0
}

/// The function's outputs.
#[track_caller]
pub(crate) fn eval(features: &Function, image: &Tensor) -> Vec<Tensor> {
    in_call(|_| features.eval(&[image])).expect("it evaluates")
}

/// All numbers of a float32 tensor.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|flat| flat.to_vec1()).expect("float32")
}

/// Checks that the node is refused, and that the error names the input `blamed`.
#[track_caller]
pub(crate) fn check_error<N: Node>(params: &str, files: &[(&str, &[u8])], blamed: &str, expected: &str) {
    let error = run_node::<N>(params, &[], files).err().expect("refused");
    assert_eq!(error.input(), blamed, "{error}");
    assert!(error.to_string().contains(expected), "{error}");
}

/// Checks that a picture of this size is refused with this message.
#[track_caller]
pub(crate) fn check_too_small(features: &Function, height: usize, width: usize, expected: &str) {
    let image = picture(1, height, width);
    let error = in_call(|_| features.eval(&[&image])).expect_err("refused").to_string();
    assert!(error.contains(expected), "{error}");
}

/// Checks that the gradient of each output's sum of squares is finite and not zero for every image of the
/// batch.
#[track_caller]
pub(crate) fn check_gradient(features: &Function, image: &Tensor) {
    let gradient = in_call(|_| {
        let (y, tape) = features.linearise(&[image], 1)?;
        let gy: Vec<Option<&Tensor>> = y.iter().map(Some).collect();
        Ok(tape.vjp(&gy)?.swap_remove(0))
    });
    let gradient = gradient.expect("differentiable").expect("asked for");
    assert_eq!(gradient.dims(), image.dims());
    for image in gradient.chunk(gradient.dims()[0], 0).expect("a batch") {
        let size: f32 = numbers(&image).iter().map(|g| g.abs()).sum();
        assert!(size > 0.0 && size.is_finite(), "a gradient of size {size}");
    }
}

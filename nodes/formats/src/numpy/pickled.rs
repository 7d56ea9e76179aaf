//! NumPy's arrays and scalars in pickles.

use serde_json::Value as Json;

use crate::bytes::Bytes;
use crate::dtype::DType;
use crate::error::Error;
use crate::pickle::{Id, Tree, Value};
use crate::tensor::{Storage, Tensor, View, dense_strides};
use crate::torch::rebuild::Problem;
use crate::walk::{Call, Found, call};

use super::dtype::{self, Elements};

/// Whether the call makes an array.
pub(crate) fn is_array(call: &Call<'_>) -> bool {
    call.is_numpy("_reconstruct") || call.is_numpy("_frombuffer")
}

/// The array that the call makes. `bytes` reads a value that is bytes.
pub(crate) fn array<'a>(
    tree: &Tree<'_>,
    call: &Call<'_>,
    mut bytes: impl FnMut(Id) -> Result<Option<Bytes<'a>>, Error>,
) -> Result<Found<'a>, Problem> {
    let state = call.object.state.and_then(|state| tree.sequence(state)).unwrap_or_default();
    let (data, kind, shape, column_major) = match (state, call.args) {
        // Version 0 of the state has no number.
        ([_, shape, kind, order, data], _) | ([shape, kind, order, data], _) => {
            (data, kind, shape, *tree.get(*order) == Value::Bool(true))
        }
        ([], [data, kind, shape, order]) if call.name == "_frombuffer" => {
            (data, kind, shape, tree.text(*order) == Some("F"))
        }
        _ => return Err("is an array that is not described as NumPy does".into()),
    };
    let (dtype, big_endian) = match elements(tree, *kind) {
        Some(Elements::Numbers { dtype, big_endian }) => (dtype, big_endian),
        Some(Elements::Other(why)) => return Ok(Found::Skipped(why)),
        None => return Err("is an array of an unknown type".into()),
    };
    let shape: Option<Vec<usize>> =
        tree.sequence(*shape).and_then(|sizes| sizes.iter().map(|size| tree.size(*size)).collect());
    let shape = shape.ok_or("is an array whose shape is not made of sizes")?;
    let strides = dense_strides(&shape, column_major);
    let bytes = bytes(*data)?.ok_or("is an array without data")?;
    let storage = Storage { bytes, dtype: Some(dtype), big_endian };
    Ok(Found::Tensor(Tensor::new(&storage, View { dtype, offset: 0, shape, strides })?))
}

/// Whether the call makes a scalar.
pub(crate) fn is_scalar(call: &Call<'_>) -> bool {
    call.is_numpy("scalar")
}

/// A scalar of NumPy as a tensor without dimensions.
pub(crate) fn scalar_tensor<'a>(
    tree: &Tree<'_>,
    call: &Call<'_>,
    mut bytes: impl FnMut(Id) -> Result<Option<Bytes<'a>>, Error>,
) -> Result<Found<'a>, Problem> {
    let [kind, data] = call.args else { return Ok(Found::Nothing) };
    let Some(Elements::Numbers { dtype, big_endian }) = elements(tree, *kind) else {
        return Ok(Found::Nothing);
    };
    let bytes = bytes(*data)?.ok_or("is a scalar without data")?;
    let storage = Storage { bytes, dtype: Some(dtype), big_endian };
    let view = View { dtype, offset: 0, shape: Vec::new(), strides: Vec::new() };
    Ok(Found::Tensor(Tensor::new(&storage, view)?))
}

/// A scalar of NumPy as a number.
pub(crate) fn scalar(tree: &Tree<'_>, call: &Call<'_>) -> Option<Json> {
    let [kind, data] = call.args else { return None };
    if !is_scalar(call) {
        return None;
    }
    let (Elements::Numbers { dtype, big_endian }, Value::Bytes(data)) =
        (elements(tree, *kind)?, tree.get(*data))
    else {
        return None;
    };
    let mut data = data.to_vec();
    if big_endian {
        data.reverse();
    }
    Some(match (dtype, data.as_slice().try_into(), data.as_slice().try_into()) {
        (DType::I64, Ok(eight), _) => Json::from(i64::from_le_bytes(eight)),
        (DType::U64, Ok(eight), _) => Json::from(u64::from_le_bytes(eight)),
        (DType::F64, Ok(eight), _) => Json::from(f64::from_le_bytes(eight)),
        (DType::F32, _, Ok(four)) => Json::from(f32::from_le_bytes(four)),
        (DType::I32, _, Ok(four)) => Json::from(i32::from_le_bytes(four)),
        (DType::Bool, ..) => Json::from(data == [1]),
        _ => return None,
    })
}

/// The type that a `numpy.dtype` is: its name in the arguments, its byte order in the state.
fn elements(tree: &Tree<'_>, id: Id) -> Option<Elements> {
    let call = call(tree, id)?;
    let (true, [name, ..]) = (call.is("numpy", "dtype"), call.args) else { return None };
    let elements = dtype::parse(tree.text(*name)?)?;
    let order = call.object.state.and_then(|state| tree.sequence(state)?.get(1));
    let is_big = order.is_some_and(|order| tree.text(*order) == Some(">"));
    Some(match elements {
        Elements::Numbers { dtype, big_endian } => {
            Elements::Numbers { dtype, big_endian: big_endian || is_big }
        }
        other => other,
    })
}

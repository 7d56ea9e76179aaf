//! Bytes of a safetensors file to named tensors.
//!
//! Floating types become f32. A pair `K.q8` (int8 `[O, ...]`) and `K.scale` (f32 `[O]`) becomes `K = q8 *
//! scale[O]`.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Metadata, TensorView};
use safetensors::{Dtype, SafeTensorError, SafeTensors};

mod signature;

/// Bytes that do not hold usable tensors.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Another kind of file.
    #[error("this is {what}, not a safetensors file{hint}")]
    OtherFile {
        /// The kind of file.
        what: &'static str,
        /// What to do about it, with a leading `; `, or nothing.
        hint: &'static str,
    },
    /// A safetensors file that is truncated or has trailing bytes.
    #[error("this safetensors file must have {expected} bytes, found {found}")]
    Size {
        /// The length according to the header.
        expected: u64,
        /// The actual length in bytes.
        found: u64,
    },
    /// A header that contradicts itself or the data.
    #[error("this safetensors file of {found} bytes is damaged: {source}")]
    Damaged {
        /// The actual length in bytes.
        found: u64,
        /// The error of the safetensors crate.
        source: SafeTensorError,
    },
    /// A number type that is not supported.
    #[error("tensor `{name}` has type {dtype}, which is not supported")]
    Type {
        /// The tensor.
        name: String,
        /// Its type in the file.
        dtype: Dtype,
    },
    /// An int8 tensor whose scale is missing or has another shape.
    #[error("tensor `{name}` is quantised: its scale `{scale}` must be f32 {expected:?}, found {found}")]
    Scale {
        /// The tensor.
        name: String,
        /// The name its scale should have.
        scale: String,
        /// The shape its scale should have.
        expected: Vec<usize>,
        /// What was found.
        found: String,
    },
    /// An error of candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// Reads all tensors of a safetensors file, onto the CPU.
///
/// Floating types become f32, integer types stay.
///
/// # Errors
///
/// If the bytes are another kind of file (says which), are truncated or damaged, or hold an unsupported type.
pub fn read(bytes: &[u8]) -> Result<HashMap<String, Tensor>, WeightsError> {
    if let Some((what, hint)) = signature::recognise(bytes) {
        return Err(WeightsError::OtherFile { what, hint });
    }
    check_size(bytes)?;
    let found = bytes.len() as u64;
    let file = SafeTensors::deserialize(bytes).map_err(|source| WeightsError::Damaged { found, source })?;
    let views: HashMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let mut tensors = HashMap::new();
    for (name, view) in &views {
        if let Some(base) = name.strip_suffix(".q8") {
            tensors.insert(base.to_owned(), dequantise(name, view, base, &views)?);
        } else if !is_scale(name, &views) {
            tensors.insert(name.clone(), to_tensor(name, view)?);
        }
    }
    Ok(tensors)
}

/// Checks the length that the header declares, because the safetensors crate's error does not state it.
fn check_size(bytes: &[u8]) -> Result<(), WeightsError> {
    let found = bytes.len() as u64;
    let size = |expected| WeightsError::Size { expected, found };
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| size(8))?;
    let header = u64::from_le_bytes(*length);
    // The crate's own limit; beyond it the length itself is wrong, and the crate's error says so.
    if header > 100_000_000 {
        return Ok(());
    }
    let Some(text) = rest.get(..header as usize) else { return Err(size(8 + header)) };
    match serde_json::from_slice::<Metadata>(text) {
        Ok(metadata) if 8 + header + metadata.data_len() as u64 != found => {
            Err(size(8 + header + metadata.data_len() as u64))
        }
        // `deserialize` reports what is wrong with the header.
        _ => Ok(()),
    }
}

fn is_scale(name: &str, views: &HashMap<String, TensorView<'_>>) -> bool {
    name.strip_suffix(".scale").is_some_and(|base| views.contains_key(&format!("{base}.q8")))
}

fn to_tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor, WeightsError> {
    let dtype = match view.dtype() {
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::U8 => DType::U8,
        Dtype::U32 => DType::U32,
        Dtype::I64 => DType::I64,
        dtype => return Err(WeightsError::Type { name: name.to_owned(), dtype }),
    };
    let tensor = Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu)?;
    Ok(if dtype.is_float() { tensor.to_dtype(DType::F32)? } else { tensor })
}

fn dequantise(
    name: &str,
    view: &TensorView<'_>,
    base: &str,
    views: &HashMap<String, TensorView<'_>>,
) -> Result<Tensor, WeightsError> {
    if view.dtype() != Dtype::I8 {
        return Err(WeightsError::Type { name: name.to_owned(), dtype: view.dtype() });
    }
    let rows = view.shape().first().copied().unwrap_or(1);
    let scale_name = format!("{base}.scale");
    let scale = views.get(&scale_name).filter(|scale| scale.dtype() == Dtype::F32 && scale.shape() == [rows]);
    let Some(scale) = scale else {
        return Err(WeightsError::Scale {
            name: name.to_owned(),
            expected: vec![rows],
            found: match views.get(&scale_name) {
                Some(scale) => format!("{} {:?}", scale.dtype(), scale.shape()),
                None => "nothing".to_owned(),
            },
            scale: scale_name,
        });
    };
    let mut values = Vec::with_capacity(view.data().len());
    let row_len = view.data().len() / rows.max(1);
    for (row, scale) in view.data().chunks_exact(row_len.max(1)).zip(scale.data().chunks_exact(4)) {
        let scale = f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]);
        values.extend(row.iter().map(|q8| f32::from(*q8 as i8) * scale));
    }
    Ok(Tensor::from_vec(values, view.shape(), &Device::Cpu)?)
}

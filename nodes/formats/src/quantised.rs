//! Pairs of tensors that stand for one: `K.q8`, int8 `[O, ...]`, and `K.scale`, f32 `[O]`, are `K = q8 * scale`.

use indexmap::IndexMap;

use crate::archive::Archive;
use crate::bytes::Bytes;
use crate::dtype::DType;
use crate::error::Error;
use crate::limits::Budget;
use crate::tensor::{Storage, Tensor, View, dense_strides};

/// What the names of int8 tensors and of their scales end with.
const NUMBERS: &str = ".q8";
const SCALES: &str = ".scale";

/// Replaces every pair by the tensor that it stands for, at the place of the int8 numbers.
///
/// # Errors
///
/// If the scales of a tensor are missing, or do not fit it.
pub(crate) fn pair_up(archive: &mut Archive<'_>, budget: &Budget) -> Result<(), Error> {
    let tensors = &archive.tensors;
    if !tensors.keys().any(|name| name.ends_with(NUMBERS)) {
        return Ok(());
    }
    let is_scale = |name: &str| {
        name.strip_suffix(SCALES).is_some_and(|base| tensors.contains_key(&format!("{base}{NUMBERS}")))
    };
    let mut paired = IndexMap::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let Some(base) = name.strip_suffix(NUMBERS) else {
            if !is_scale(name) {
                paired.insert(name.clone(), tensor.clone());
            }
            continue;
        };
        let missing = || Error::tensor(name, format!("is quantised, and there is no `{base}{SCALES}`"));
        let scales = tensors.get(&format!("{base}{SCALES}")).ok_or_else(missing)?;
        let numbers = tensor.count() as u64;
        budget.unpack(numbers.saturating_mul(DType::F32.size() as u64))?;
        let scaled = scaled(tensor, scales).map_err(|problem| Error::tensor(name, problem))?;
        if tensors.contains_key(base) {
            return Err(Error::tensor(base, "is in the file twice, once of them quantised"));
        }
        paired.insert(base.to_owned(), scaled);
    }
    archive.tensors = paired;
    Ok(())
}

/// Each row of int8 numbers times its scale.
fn scaled(numbers: &Tensor<'_>, scales: &Tensor<'_>) -> Result<Tensor<'static>, String> {
    if numbers.dtype() != DType::I8 {
        return Err(format!("is quantised, and must be I8, found {numbers:?}"));
    }
    let shape = numbers.shape().to_vec();
    let rows = shape.first().copied().unwrap_or(1);
    if scales.dtype() != DType::F32 || scales.shape() != [rows] {
        return Err(format!("is quantised: its scale must be F32 [{rows}], found {scales:?}"));
    }
    let numbers = numbers.data();
    // Without numbers there are no rows.
    let row = (numbers.len() / rows.max(1)).max(1);
    let mut floats = vec![[0; 4]; numbers.len()];
    let rows = floats.chunks_exact_mut(row).zip(numbers.chunks_exact(row)).zip(scales.to_f32());
    for ((floats, numbers), scale) in rows {
        for (float, number) in floats.iter_mut().zip(numbers) {
            *float = (f32::from(number.cast_signed()) * scale).to_le_bytes();
        }
    }
    let bytes = Bytes::unpacked(floats.into_flattened());
    let storage = Storage { bytes, dtype: Some(DType::F32), big_endian: false };
    let strides = dense_strides(&shape, false);
    Tensor::new(&storage, View { dtype: DType::F32, offset: 0, shape, strides })
}

#[cfg(test)]
mod tests {
    use crate::{DType, Limits, read};

    /// A safetensors file of four int8 numbers, then floats.
    fn file(entries: &str, floats: &[f32]) -> Vec<u8> {
        let mut data = [1i8, -2, 127, -128].map(|number| number.to_le_bytes()).concat();
        data.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
        let header = format!("{{{entries}}}");
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
    }

    const NUMBERS: &str = r#""k.q8":{"dtype":"I8","shape":[2,2,1],"data_offsets":[0,4]}"#;

    #[test]
    fn rows_are_scaled() {
        let scales = r#""k.scale":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}"#;
        let file = file(&format!("{NUMBERS},{scales}"), &[0.5, 2.0]);
        let archive = read(&file, &Limits::default()).expect("it is read");
        let [(name, tensor)] = archive.tensors.iter().collect::<Vec<_>>()[..] else { panic!("one tensor") };
        assert_eq!((name.as_str(), tensor.dtype(), tensor.shape()), ("k", DType::F32, &[2, 2, 1][..]));
        let expected = [0.5f32, -1.0, 254.0, -256.0];
        assert_eq!(tensor.to_f32(), expected);
        assert_eq!(tensor.data().into_owned(), expected.map(f32::to_le_bytes).concat());
        assert_eq!(tensor.byte_len(), 16);
    }

    #[test]
    fn scales_that_do_not_fit_are_refused() {
        let check = |entries: &str, floats: &[f32], expected: &str| {
            let error = read(&file(entries, floats), &Limits::default()).expect_err("refused");
            assert_eq!(error.to_string(), expected);
        };
        check(NUMBERS, &[], "tensor `k.q8` is quantised, and there is no `k.scale`");
        let one = r#""k.scale":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#;
        let said = "tensor `k.q8` is quantised: its scale must be F32 [2], found F32 [1]";
        check(&format!("{NUMBERS},{one}"), &[0.5], said);
        let floats = r#""k.q8":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
        let said = "tensor `k.q8` is quantised, and must be I8, found F32 [1]";
        check(&format!("{floats},{one}"), &[0.5], said);
        let both = r#""k":{"dtype":"F32","shape":[],"data_offsets":[12,16]}"#;
        let scales = r#""k.scale":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}"#;
        let said = "tensor `k` is in the file twice, once of them quantised";
        check(&format!("{NUMBERS},{scales},{both}"), &[0.5, 2.0, 1.0], said);
    }
}

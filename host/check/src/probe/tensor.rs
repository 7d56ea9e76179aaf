//! Tensors passed to a plugin and returned by it.

use super::host::State;
use dreamwire_socket::{Dtype, Owned, TensorView, Watched};
use std::sync::atomic::Ordering;

/// Float32 numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    /// Sizes; their product is the length of `data`.
    pub(crate) shape: Vec<usize>,
    /// The numbers.
    pub(crate) data: Vec<f32>,
}

impl Array {
    fn sizes(&self) -> Vec<i64> {
        self.shape.iter().map(|&size| size as i64).collect()
    }

    fn words(&self) -> Vec<u32> {
        self.data.iter().map(|value| value.to_bits()).collect()
    }
}

/// A tensor that a plugin returned: copied, and its deleter called once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Samples {
    /// The element type.
    pub(crate) dtype: Dtype,
    /// Sizes.
    pub(crate) shape: Vec<i64>,
    /// The elements, native endian.
    pub(crate) bytes: Vec<u8>,
    /// It came with a deleter.
    pub(crate) has_deleter: bool,
}

impl Samples {
    /// The numbers of a float32 tensor.
    pub(crate) fn floats(&self) -> Option<Vec<f32>> {
        let number = |b: &[u8]| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]);
        (self.dtype == Dtype::F32).then(|| self.bytes.chunks_exact(4).map(number).collect())
    }
}

/// Copies a tensor that a plugin returned, and deletes it.
pub(super) fn receive(owned: Owned) -> Result<Samples, String> {
    let has_deleter = owned.has_deleter();
    let (dtype, shape, bytes) = owned.into_bytes().map_err(|fault| fault.message)?;
    Ok(Samples { dtype, shape, bytes: bytes.to_vec(), has_deleter })
}

/// Copies numbers that a plugin has lent.
pub(super) fn copy(view: &TensorView<'_>) -> Result<Array, String> {
    let data = view.elements::<f32>();
    let data = data.ok_or_else(|| format!("expected float32, found {}", view.dtype().name()))?;
    Ok(Array { shape: view.shape().iter().map(|&size| size as usize).collect(), data })
}

/// Numbers for one call, which are freed after it.
pub(super) fn lend_once(array: &Array) -> Option<Owned> {
    dreamwire_socket::lend(Dtype::F32, array.sizes(), array.data.clone()).ok()
}

/// A borrowed input: never freed, so that a wrong deletion is only counted.
pub(super) struct Loan {
    pub(super) tensor: &'static Watched,
    before: Vec<u32>,
}

impl Loan {
    pub(super) fn of(array: &Array, state: &'static State) -> Self {
        Self::new(Dtype::F32, array.sizes(), array.words(), state)
    }

    /// Bytes of zeros, where numbers are expected.
    pub(super) fn bytes_of_shape(shape: &[usize], state: &'static State) -> Self {
        let count: usize = shape.iter().product();
        let shape = shape.iter().map(|&size| size as i64).collect();
        Self::new(Dtype::U8, shape, vec![0; count.div_ceil(4)], state)
    }

    fn new(dtype: Dtype, shape: Vec<i64>, words: Vec<u32>, state: &'static State) -> Self {
        let ended = |_: &Watched, _| {
            state.inputs_ended.fetch_add(1, Ordering::SeqCst);
        };
        Self { tensor: Watched::new(dtype, shape, words.clone(), ended), before: words }
    }

    /// Whether it was written to.
    pub(super) fn is_changed(&self) -> bool {
        self.tensor.words() != self.before
    }

    /// Overwrites it with NaN, so that a read after the call gives another result.
    pub(super) fn poison(&mut self) {
        self.tensor.fill(f32::NAN.to_bits());
        self.before.fill(f32::NAN.to_bits());
    }
}

/// Moves a tensor to the plugin, which must delete it once.
pub(super) fn give(array: &Array, state: &'static State) -> Option<Owned> {
    hand_over(Dtype::F32, array.sizes(), array.words(), state)
}

/// Moves bytes `u8[n]` to the plugin, which must delete them once.
pub(super) fn give_bytes(bytes: &[u8], state: &'static State) -> Option<Owned> {
    let words = bytes.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_ne_bytes(word)
    });
    hand_over(Dtype::U8, vec![bytes.len() as i64], words.collect(), state)
}

fn hand_over(dtype: Dtype, shape: Vec<i64>, words: Vec<u32>, state: &'static State) -> Option<Owned> {
    state.tensors.fetch_add(1, Ordering::SeqCst);
    let ended = |tensor: &Watched, nth| {
        if nth > 1 {
            state.twice.fetch_add(1, Ordering::SeqCst);
            return;
        }
        state.tensors.fetch_sub(1, Ordering::SeqCst);
        tensor.free();
    };
    Watched::new(dtype, shape, words, ended).into_owned()
}

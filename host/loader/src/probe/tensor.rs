//! Tensors that go to a plugin and come from it.

use super::session::State;
use dreamwire_abi as abi;
use dreamwire_engine::Dtype;
use std::sync::atomic::{AtomicU32, Ordering};

/// Float32 numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// sizes; their product is the length of `data`
    pub shape: Vec<usize>,
    /// the numbers
    pub data: Vec<f32>,
}

/// A tensor that a plugin gave: copied, and its deleter called once.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// `f32`, `u8`, ...
    pub dtype: &'static str,
    /// sizes
    pub shape: Vec<i64>,
    /// the elements, native endian
    pub bytes: Vec<u8>,
    /// it came with a deleter
    pub has_deleter: bool,
}

impl Samples {
    /// The numbers of a float32 tensor.
    pub fn floats(&self) -> Option<Vec<f32>> {
        let number = |b: &[u8]| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]);
        (self.dtype == "f32").then(|| self.bytes.chunks_exact(4).map(number).collect())
    }
}

/// # Safety
/// `owned` is null or a managed tensor that is now the host's.
pub(super) unsafe fn receive(owned: abi::Owned) -> Result<Samples, String> {
    // SAFETY: the caller's promise; every major of DLPack has the deleter at the same place.
    let (has_deleter, tensor) = unsafe {
        let has_deleter = !owned.is_null() && (*owned).deleter.is_some();
        (has_deleter, crate::tensor::take(owned)?)
    };
    let dtype = match tensor.dtype() {
        Dtype::U8 => "u8",
        Dtype::U32 => "u32",
        Dtype::I64 => "i64",
        Dtype::F32 => "f32",
        Dtype::F64 => "f64",
    };
    Ok(Samples { dtype, shape: tensor.shape().to_vec(), bytes: tensor.bytes().to_vec(), has_deleter })
}

/// # Safety
/// `view` is null or alive for the call.
pub(super) unsafe fn copy(view: abi::View) -> Result<Array, String> {
    // SAFETY: the caller's promise.
    let tensor = unsafe { crate::tensor::copy(view) }?;
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("float32 was expected, found {:?}", tensor.dtype()));
    }
    let data = tensor.bytes().chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
    Ok(Array { shape: tensor.shape().iter().map(|&d| d as usize).collect(), data: data.collect() })
}

/// A tensor of the checker's in DLPack's form. Boxed: `managed` points to the box.
pub(super) struct Held {
    managed: abi::DLManagedTensorVersioned,
    shape: Vec<i64>,
    strides: Vec<i64>,
    // Words, so that elements of every type that is used here are aligned.
    words: Vec<u32>,
    ended: AtomicU32,
    state: &'static State,
}

impl Held {
    fn new(shape: Vec<i64>, words: Vec<u32>, dtype: abi::DLDataType, state: &'static State) -> Box<Self> {
        let mut strides = vec![1i64; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis].max(1);
        }
        let dl_tensor = abi::DLTensor {
            data: std::ptr::null_mut(),
            device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
            ndim: shape.len() as i32,
            dtype,
            shape: std::ptr::null_mut(),
            strides: std::ptr::null_mut(),
            byte_offset: 0,
        };
        let managed = abi::DLManagedTensorVersioned {
            version: abi::DLPackVersion { major: 1, minor: 0 },
            manager_ctx: std::ptr::null_mut(),
            deleter: None,
            flags: abi::DL_FLAG_READ_ONLY,
            dl_tensor,
        };
        let mut held = Box::new(Self { managed, shape, strides, words, ended: AtomicU32::new(0), state });
        // The buffers of vectors do not move when the box does.
        held.managed.dl_tensor.data = held.words.as_mut_ptr().cast();
        held.managed.dl_tensor.shape = held.shape.as_mut_ptr();
        held.managed.dl_tensor.strides = held.strides.as_mut_ptr();
        held
    }

    /// Float32 numbers.
    pub(super) fn of(array: &Array, state: &'static State) -> Box<Self> {
        let shape = array.shape.iter().map(|&d| d as i64).collect();
        Self::new(shape, array.data.iter().map(|v| v.to_bits()).collect(), abi::F32, state)
    }

    /// Zeros of bytes, where numbers would be right.
    pub(super) fn bytes_of_shape(shape: &[usize], state: &'static State) -> Box<Self> {
        let count: usize = shape.iter().product();
        let shape = shape.iter().map(|&d| d as i64).collect();
        Self::new(shape, vec![0; count.div_ceil(4)], U8, state)
    }

    /// The view, alive as long as this is.
    pub(super) fn view(&self) -> abi::View {
        &raw const self.managed.dl_tensor
    }
}

const U8: abi::DLDataType = abi::DLDataType { code: abi::DL_UINT, bits: 8, lanes: 1 };

/// A borrowed input: never freed, so that who ends or keeps it is only counted.
pub(super) struct Loan {
    held: *mut Held,
    before: Vec<u32>,
}

impl Loan {
    pub(super) fn new(held: Box<Held>) -> Self {
        let before = held.words.clone();
        let held = Box::into_raw(held);
        // SAFETY: just made, and nobody else has it yet.
        unsafe {
            (*held).managed.manager_ctx = held.cast();
            (*held).managed.deleter = Some(end_borrowed);
        }
        Self { held, before }
    }

    pub(super) fn raw(&self) -> abi::Owned {
        // SAFETY: never freed; only the address is taken.
        unsafe { &raw mut (*self.held).managed }
    }

    /// Whether somebody wrote into it.
    pub(super) fn is_changed(&self) -> bool {
        // SAFETY: never freed; the call that had it is over.
        let words = unsafe { &(*self.held).words };
        *words != self.before
    }

    /// Writes NaN all over it: whoever reads it after the call gets something else than before.
    pub(super) fn poison(&mut self) {
        // SAFETY: never freed; the call that had it is over, so nobody may read it.
        let words = unsafe { &mut (*self.held).words };
        words.fill(f32::NAN.to_bits());
        self.before.fill(f32::NAN.to_bits());
    }
}

unsafe extern "C" fn end_borrowed(owned: *mut abi::DLManagedTensorVersioned) {
    // SAFETY: `manager_ctx` is a `Held` that is never freed.
    unsafe { (*(*owned).manager_ctx.cast::<Held>()).state.inputs_ended.fetch_add(1, Ordering::SeqCst) };
}

/// Moves a tensor to the plugin, which is to end it once.
pub(super) fn give(array: &Array, state: &'static State) -> abi::Owned {
    hand_over(Held::of(array, state))
}

/// Moves bytes `u8[n]` to the plugin, which is to end them once.
pub(super) fn give_bytes(bytes: &[u8], state: &'static State) -> abi::Owned {
    let words = bytes.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_ne_bytes(word)
    });
    hand_over(Held::new(vec![bytes.len() as i64], words.collect(), U8, state))
}

fn hand_over(held: Box<Held>) -> abi::Owned {
    held.state.tensors.fetch_add(1, Ordering::SeqCst);
    let held = Box::into_raw(held);
    // SAFETY: just made, and nobody else has it yet.
    unsafe {
        (*held).managed.manager_ctx = held.cast();
        (*held).managed.deleter = Some(end_moved);
        &raw mut (*held).managed
    }
}

unsafe extern "C" fn end_moved(owned: *mut abi::DLManagedTensorVersioned) {
    // SAFETY: `manager_ctx` is a `Held`; the struct is never freed, and its numbers only by the first who ends it.
    unsafe {
        let held = (*owned).manager_ctx.cast::<Held>();
        let state = (*held).state;
        if (*held).ended.fetch_add(1, Ordering::SeqCst) > 0 {
            state.twice.fetch_add(1, Ordering::SeqCst);
            return;
        }
        state.tensors.fetch_sub(1, Ordering::SeqCst);
        drop(std::mem::take(&mut (*held).words));
    }
}

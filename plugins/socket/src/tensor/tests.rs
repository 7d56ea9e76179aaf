use super::*;
use crate::Fault;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Memory that counts how often it is freed.
struct Counted(Vec<f32>, Arc<AtomicU32>);

// SAFETY: the vector is never touched after it was made.
unsafe impl Memory for Counted {
    fn bytes(&self) -> &[u8] {
        Memory::bytes(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn floats(values: &[f32], shape: &[i64]) -> (Owned, Arc<AtomicU32>) {
    let freed = Arc::new(AtomicU32::new(0));
    (lend(Dtype::F32, shape.to_vec(), Counted(values.to_vec(), Arc::clone(&freed))).unwrap(), freed)
}

/// A `[2,3]` tensor of 0..6, with its description edited.
fn edited(edit: impl FnOnce(&mut abi::DLManagedTensorVersioned)) -> Owned {
    let (owned, _) = floats(&[0., 1., 2., 3., 4., 5.], &[2, 3]);
    // SAFETY: ours alone.
    edit(unsafe { &mut *owned.raw() });
    owned
}

fn transpose(managed: &mut abi::DLManagedTensorVersioned) {
    // SAFETY: shape and strides are two long.
    unsafe {
        std::slice::from_raw_parts_mut(managed.dl_tensor.shape, 2).reverse();
        std::slice::from_raw_parts_mut(managed.dl_tensor.strides, 2).reverse();
    }
}

#[test]
fn a_dense_loan_is_read_where_it_lies_and_freed_once() {
    let (owned, freed) = floats(&[1., 2., 3., 4., 5., 6.], &[2, 3]);
    let view = owned.view().unwrap();
    assert_eq!((view.dtype(), view.shape(), view.count()), (Dtype::F32, &[2, 3][..], 6));
    assert_eq!(view.elements::<f32>().unwrap(), [1., 2., 3., 4., 5., 6.]);
    assert_eq!(view.elements::<u8>(), None);
    let place = view.bytes().unwrap().as_ptr();
    let (dtype, shape, bytes) = owned.into_bytes().unwrap();
    assert_eq!((dtype, &shape[..], bytes.len(), bytes.as_ptr()), (Dtype::F32, &[2, 3][..], 24, place));
    assert_eq!(freed.load(Ordering::SeqCst), 0);
    drop(bytes);
    assert_eq!(freed.load(Ordering::SeqCst), 1);
}

#[test]
fn a_loan_that_was_given_away_is_freed_by_who_got_it() {
    let (owned, freed) = floats(&[1.], &[]);
    let raw = owned.into_raw();
    assert_eq!(freed.load(Ordering::SeqCst), 0);
    // SAFETY: given away just now, and taken back.
    let back = unsafe { Owned::from_raw(raw) }.unwrap();
    assert_eq!(back.view().unwrap().elements::<f32>().unwrap(), [1.]);
    // SAFETY: lent with this type, and alive.
    let memory = unsafe { memory_behind::<Counted>(back.raw()) };
    assert_eq!(memory.0, [1.]);
    drop(back);
    assert_eq!(freed.load(Ordering::SeqCst), 1);
    // SAFETY: null is none.
    assert!(unsafe { Owned::from_raw(std::ptr::null_mut()) }.is_none());
}

#[test]
fn strided_tensors_are_gathered_and_freed() {
    let owned = edited(transpose);
    assert!(owned.view().unwrap().bytes().is_none());
    assert_eq!(owned.view().unwrap().elements::<f32>().unwrap(), [0., 3., 1., 4., 2., 5.]);
    let (_, shape, bytes) = owned.into_bytes().unwrap();
    let expected: Vec<u8> = [0f32, 3., 1., 4., 2., 5.].iter().flat_map(|v| v.to_ne_bytes()).collect();
    assert_eq!((&shape[..], &bytes[..]), (&[3, 2][..], &expected[..]));
    // From the end to the start, and every element twice.
    let backwards = edited(|managed| {
        // SAFETY: one stride and one size of two.
        unsafe { (*managed.dl_tensor.strides.add(1), *managed.dl_tensor.strides) = (-1, 0) };
        managed.dl_tensor.byte_offset = 8;
    });
    assert_eq!(backwards.view().unwrap().elements::<f32>().unwrap(), [2., 1., 0., 2., 1., 0.]);
}

#[test]
fn no_element_needs_no_data() {
    let (owned, _) = floats(&[], &[0, 3]);
    assert_eq!(owned.view().unwrap().bytes(), Some(&[][..]));
    // SAFETY: ours alone.
    unsafe { (*owned.raw()).dl_tensor.data = std::ptr::null_mut() };
    assert_eq!(owned.view().unwrap().elements::<f32>().unwrap(), []);
    assert_eq!(owned.into_bytes().unwrap().2.len(), 0);
}

/// Faults: B11, B13.
#[test]
fn lies_are_refused_and_the_tensor_is_freed() {
    let check = |status: abi::Status, words: &str, edit: &dyn Fn(&mut abi::DLTensor)| {
        let (owned, freed) = floats(&[0., 1., 2., 3., 4., 5.], &[2, 3]);
        // SAFETY: ours alone.
        edit(unsafe { &mut (*owned.raw()).dl_tensor });
        let fault = owned.into_bytes().err().unwrap();
        assert!(fault.status == status && fault.message.contains(words), "{fault:?}");
        assert_eq!(freed.load(Ordering::SeqCst), 1, "{words}");
    };
    check(abi::E_FAILED, "no data", &|t| t.data = std::ptr::null_mut());
    check(abi::E_FAILED, "not aligned", &|t| t.byte_offset = 2);
    check(abi::E_SHAPE, "rank 99", &|t| t.ndim = 99);
    check(abi::E_SHAPE, "rank -1", &|t| t.ndim = -1);
    check(abi::E_SHAPE, "no usable shape", &|t| t.strides = std::ptr::null_mut());
    check(abi::E_DTYPE, "element type (2, 16, 1)", &|t| t.dtype.bits = 16);
    check(abi::E_DEVICE, "device type 2", &|t| t.device.device_type = 2);
    // SAFETY: writes one of the two sizes or strides.
    check(abi::E_SHAPE, "invalid shape [-3, 3]", &|t| unsafe { *t.shape = -3 });
    // SAFETY: as above.
    check(abi::E_SHAPE, "invalid shape", &|t| unsafe { *t.shape = i64::MAX });
    // SAFETY: as above.
    check(abi::E_SHAPE, "more than 1 TiB", &|t| unsafe { *t.shape = 1 << 40 });
    // SAFETY: as above.
    check(abi::E_SHAPE, "invalid strides", &|t| unsafe { *t.strides = 1 << 40 });
    // SAFETY: as above.
    check(abi::E_SHAPE, "invalid strides", &|t| unsafe { *t.strides = i64::MIN });
    let other = edited(|managed| managed.version.major = 2);
    assert!(other.view().err().unwrap().message.contains("DLPack 2"));
    // SAFETY: null is refused.
    assert!(unsafe { TensorView::read(std::ptr::null()) }.is_err());
}

#[test]
fn a_loan_must_fit_its_shape() {
    let fault = |shape: &[i64]| lend(Dtype::F32, shape.to_vec(), vec![0f32; 6]).err();
    assert_eq!(fault(&[2, 3]), None);
    assert_eq!(fault(&[7]), Some(Fault::failed("24 bytes are not a f32 tensor of shape [7]")));
    assert!(fault(&[-6]).is_some() && fault(&[i64::MAX, i64::MAX]).is_some());
}

#[test]
fn views_are_in_the_order_of_the_inputs() {
    let tensors = [Some(floats(&[1.], &[1]).0), None, Some(floats(&[2.], &[1]).0)];
    let views = Views::new(&tensors);
    assert_eq!((views.len(), views.given(), views.is_empty()), (3, 1, false));
    assert_eq!(views.get(0).unwrap().unwrap().elements::<f32>().unwrap(), [1.]);
    assert!(views.get(1).is_none() && views.get(3).is_none());
    assert_eq!(views.padded(5).iter().filter(|view| view.is_null()).count(), 3);
    assert_eq!(views.padded(2).len(), 3);
}

/// Faults: B13.
#[test]
fn a_watched_tensor_counts_its_deletions() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let watched = Watched::new(Dtype::F32, vec![2], vec![1f32.to_bits(), 2f32.to_bits()], move |it, nth| {
        tell.lock().unwrap().push(nth);
        if nth == 1 {
            it.free();
        }
    });
    let owned = watched.into_owned().unwrap();
    assert_eq!(owned.view().unwrap().elements::<f32>().unwrap(), [1., 2.]);
    watched.fill(7f32.to_bits());
    assert_eq!(owned.view().unwrap().elements::<f32>().unwrap(), [7., 7.]);
    assert_eq!(watched.words(), [7f32.to_bits(); 2]);
    drop(owned);
    // A second deletion, which breaks the contract.
    drop(watched.into_owned());
    assert_eq!(*told.lock().unwrap(), [1, 2]);
    assert!(watched.words().is_empty());
}

#[test]
fn bytes_come_from_anywhere() {
    static PART: &[u8] = &[1, 2];
    let (fixed, made) = (Bytes::from(PART), Bytes::from(vec![3]));
    assert_eq!((&fixed[..], &made[..], fixed.as_ptr()), (&[1, 2][..], &[3][..], PART.as_ptr()));
    for (dtype, shape) in [(Dtype::U8, 3), (Dtype::U32, 2), (Dtype::F64, 1)] {
        let memory: Vec<f32> = vec![1.0; 2];
        let bytes = Memory::bytes(&memory)[..shape * dtype.size()].to_vec();
        let copied = match dtype {
            Dtype::U8 => lend(dtype, vec![shape as i64], bytes.clone()).unwrap().view().unwrap().to_bytes(),
            // Aligned memory of the right size, whatever it holds.
            _ => lend(dtype, vec![shape as i64], Aligned(vec![0; 1])).unwrap().view().unwrap().to_bytes(),
        };
        assert_eq!(copied.len(), shape * dtype.size());
    }
}

/// Eight bytes, aligned for every type.
struct Aligned(Vec<u64>);

// SAFETY: the vector is never touched after it was made.
unsafe impl Memory for Aligned {
    fn bytes(&self) -> &[u8] {
        // SAFETY: initialised; bytes need no alignment.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), 8 * self.0.len()) }
    }
}

//! The plugin ABI, major 1: `include/dreamwire.h` as `repr(C)` types, and the types of values on wires.
//!
//! The header is the contract; this crate is its Rust form, field for field (`tests/layout.rs` compares every
//! size and offset with a C compiler's). Both sides depend on it: the loader, which calls plugins, and the
//! SDK, which is called. Names drop the `dw_` prefix: `dw_call` is [`Call`].
//!
//! # Rules every reader follows
//! - A growing struct starts with `size`, the writer's `size_of`. A field is read only if it lies inside that size
//!   and is not `None`; [`field!`] does both. [`Str`], [`Value`], [`Fn`], [`Tape`] and [`Node`] are frozen for ever.
//! - Arrays of growing structs are arrays of pointers.
//! - Out parameters are null or [`NONE`] on entry, and stay so on any status but [`OK`] (`run` may set them on
//!   [`CANCELLED`]: the best result so far).
//! - Memory is freed by its creator, through the deleter or `release` that comes with it.
//! - No panic leaves an `extern "C"` function.
//!
//! The header documents thread tag, ownership and failure of every function pointer.
#![no_std]

mod call;
mod device;
mod dlpack;
mod entry;
mod function;
mod status;
mod value;
mod wire;

pub use call::{Call, Extension, Failure, HEAD, Head, PROVENANCE, ROWS, Rows};
pub use device::{DEVICES, DeviceInfo, Devices};
pub use dlpack::{
    DL_BFLOAT, DL_CPU, DL_CUDA, DL_FLAG_READ_ONLY, DL_FLOAT, DL_INT, DL_METAL, DL_UINT, DLDataType, DLDevice,
    DLManagedTensorVersioned, DLPackVersion, DLTensor, F32,
};
pub use entry::{
    ENTRY_SYMBOL, Entry, Host, KIND_OUTPUT, KIND_PURE, KIND_STATEFUL, Kind, Node, NodeVt, PORT_MANY,
    PORT_OPTIONAL, PORT_ROWS, Port,
};
pub use function::{
    FN_DETERMINISTIC, FN_REENTRANT, FN_SCALAR, FN_TAPE_ONCE, Fn, FnDesc, FnVt, MEMORY, Memory, PEAK, Peak,
    TILES, TILES_MEAN, TILES_SUM, Tape, TapeVt, TensorSpec, Tiles,
};
pub use status::*;
pub use value::{
    BOOL, F64, FUNCTION, I64, LIST, List, NONE, Owned, STRING, Str, TENSOR, Value, ValueUnion, View,
};
pub use wire::{Form, WIRE_TYPES, WireType, wire_type};

/// Major version: also in the name of the exported symbol. Another major is another contract.
pub const ABI_MAJOR: u32 = 1;
/// Minor version: it only ever adds.
pub const ABI_MINOR: u32 = 1;

/// Reads an optional function of a growing struct behind a pointer: `None` if the writer's struct ends before it, or
/// if it is null. Only for fields of the size of a pointer.
///
/// ```
/// # use dreamwire_abi::{field, Call};
/// # fn f(call: &Call) {
/// // SAFETY: `call` points to a live `Call` whose `size` says how much of it was written.
/// if let Some(progress) = unsafe { field!(call as *const Call, Call, progress) } { /* ... */ }
/// # }
/// ```
#[macro_export]
macro_rules! field {
    ($ptr:expr, $ty:ty, $name:ident) => {{
        let ptr: *const $ty = $ptr;
        let end = ::core::mem::offset_of!($ty, $name) + ::core::mem::size_of::<usize>();
        if ((&raw const (*ptr).size).read() as usize) < end { None } else { (&raw const (*ptr).$name).read() }
    }};
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    // The frozen structs: changing one of these numbers breaks every plugin there is.
    assert!(size_of::<Str>() == 16);
    assert!(size_of::<Value>() == 24);
    assert!(size_of::<List>() == 16);
    assert!(size_of::<Fn>() == 8);
    assert!(size_of::<Tape>() == 8);
    assert!(size_of::<Node>() == 8);
    assert!(size_of::<DLTensor>() == 48);
    assert!(size_of::<DLManagedTensorVersioned>() == 80);
};

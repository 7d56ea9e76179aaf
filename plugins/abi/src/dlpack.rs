//! DLPack 1.x: the layout that tensors cross in. See <https://dmlc.github.io/dlpack/latest/c_api.html>.

use core::ffi::c_void;

/// A device: `device_type` is one of [`DL_CPU`], [`DL_CUDA`], [`DL_METAL`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDevice {
    /// 1 CPU, 2 CUDA, 8 Metal.
    pub device_type: i32,
    /// Ordinal among the devices of that type.
    pub device_id: i32,
}

/// Host memory.
pub const DL_CPU: i32 = 1;
/// CUDA device memory.
pub const DL_CUDA: i32 = 2;
/// Metal buffers.
pub const DL_METAL: i32 = 8;

/// An element type.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDataType {
    /// [`DL_INT`], [`DL_UINT`], [`DL_FLOAT`] or [`DL_BFLOAT`].
    pub code: u8,
    /// Bits per element.
    pub bits: u8,
    /// SIMD lanes; 1 everywhere here.
    pub lanes: u16,
}

/// Signed integer.
pub const DL_INT: u8 = 0;
/// Unsigned integer.
pub const DL_UINT: u8 = 1;
/// IEEE float.
pub const DL_FLOAT: u8 = 2;
/// Bfloat16.
pub const DL_BFLOAT: u8 = 4;
/// The type of every tensor on a wire.
pub const F32: DLDataType = DLDataType { code: DL_FLOAT, bits: 32, lanes: 1 };

/// A strided view of memory owned by somebody else.
#[repr(C)]
#[derive(Debug)]
pub struct DLTensor {
    /// Start of the allocation; `byte_offset` is added.
    pub data: *mut c_void,
    /// Where `data` lives.
    pub device: DLDevice,
    /// Rank.
    pub ndim: i32,
    /// Element type.
    pub dtype: DLDataType,
    /// `ndim` sizes.
    pub shape: *mut i64,
    /// `ndim` strides in elements; never null in this ABI.
    pub strides: *mut i64,
    /// Bytes from `data` to the first element.
    pub byte_offset: u64,
}

/// Version of the struct that follows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLPackVersion {
    /// Layout.
    pub major: u32,
    /// Additions; ignored by readers.
    pub minor: u32,
}

/// A tensor with its owner: the receiver calls `deleter` exactly once.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensorVersioned {
    /// 1.x.
    pub version: DLPackVersion,
    /// The maker's own.
    pub manager_ctx: *mut c_void,
    /// Frees everything, this struct included.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    /// [`DL_FLAG_READ_ONLY`].
    pub flags: u64,
    /// The view.
    pub dl_tensor: DLTensor,
}

/// The memory must not be written.
pub const DL_FLAG_READ_ONLY: u64 = 1;

//! The devices that a plugin computes on.

use crate::{Call, DLDevice, Status, Str};

/// The extension of an entry: the devices that the plugin was built for, [`Devices`]. A plugin without it computes on
/// the CPU only.
pub const DEVICES: &core::ffi::CStr = c"dw.devices/1";

/// What [`DEVICES`] offers. Static, as descriptors are.
#[repr(C)]
pub struct Devices {
    /// The writer's `size_of`.
    pub size: u32,
    /// How many types.
    pub n_types: u32,
    /// `n_types` types of devices that this build can compute on beside the CPU: [`crate::DL_CUDA`], ...
    pub types: *const i32,
    /// (thread-safe, also before init) Whether a device works now; the CPU does. It may open a driver, which takes
    /// seconds. [`crate::OK`]: it does, and `info` says more. [`crate::E_UNSUPPORTED`]: this build cannot use devices of
    /// that type. [`crate::E_DEVICE`]: this one does not work, and why. [`crate::E_NOMEM`]: its memory is used up.
    pub probe: Option<unsafe extern "C" fn(*const Call, device: DLDevice, info: *mut DeviceInfo) -> Status>,
}

/// A device that works. The host makes it and sets `size`; the plugin sets the fields that lie inside.
#[repr(C)]
pub struct DeviceInfo {
    /// The `size_of` of the host that made it.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// `"NVIDIA H200"`, static; empty if it is not known.
    pub name: Str,
    /// Bytes of its memory; 0 if that is not known.
    pub total: u64,
    /// Bytes of its memory that are free; 0 if that is not known.
    pub free: u64,
}

// SAFETY: a static table, never written; its pointer leads to static numbers.
unsafe impl Sync for Devices {}

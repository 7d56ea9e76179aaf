//! The devices of a plugin, as its host asks for them.

use crate::{CallRef, EntryRef, text};
use dreamwire_abi as abi;
use dreamwire_abi::field;
use std::ptr::NonNull;

/// More types of devices than DLPack has.
const MAX_TYPES: u32 = 64;

/// What a plugin says of the devices that it was built for.
#[derive(Clone, Copy)]
pub struct DevicesRef(NonNull<abi::Devices>);

// SAFETY: immutable static data; `probe` is thread-safe.
unsafe impl Send for DevicesRef {}
// SAFETY: as above.
unsafe impl Sync for DevicesRef {}

/// A device that works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its name for people; empty if it is not known.
    pub name: String,
    /// Bytes of its memory; 0 if that is not known.
    pub total: u64,
    /// Bytes of its memory that are free; 0 if that is not known.
    pub free: u64,
}

impl EntryRef {
    /// What the plugin says of devices. `None` if it has no such extension: then it computes on the CPU only.
    ///
    /// # Errors
    /// The extension is too small or not aligned, or has no list of types or no `probe`.
    pub fn devices(self) -> Result<Option<DevicesRef>, String> {
        // SAFETY: accepted by `EntryRef::new`; the function may be called at any time, and what it gives is static.
        unsafe {
            let Some(get) = field!(self.raw(), abi::Entry, get_extension) else { return Ok(None) };
            let table = NonNull::new(get(abi::DEVICES.as_ptr()).cast::<abi::Devices>().cast_mut());
            table.map(|table| DevicesRef::new(table)).transpose()
        }
    }
}

impl DevicesRef {
    /// # Safety
    /// `table` is what a plugin gave for `dw.devices/1`: static, and starting with its size.
    unsafe fn new(table: NonNull<abi::Devices>) -> Result<Self, String> {
        let wrong = |why: String| Err(format!("its extension `dw.devices/1` {why}"));
        if !table.is_aligned() {
            return wrong("is not aligned".to_owned());
        }
        let raw = table.as_ptr().cast_const();
        // SAFETY: the caller's promise; the rest is read only if it lies inside the size.
        unsafe {
            let (size, least) = ((&raw const (*raw).size).read() as usize, size_of::<abi::Devices>());
            if size < least {
                return wrong(format!("has {size} bytes, the minimum is {least}"));
            }
            let (count, types) = ((*raw).n_types, (*raw).types);
            if count > MAX_TYPES || (count > 0 && types.is_null()) {
                let array = if types.is_null() { "a null array" } else { "an array" };
                return wrong(format!("declares {count} types, in {array}; at most {MAX_TYPES} are allowed"));
            }
            if (*raw).probe.is_none() {
                return wrong("has no `probe`".to_owned());
            }
        }
        Ok(Self(table))
    }

    /// The types of devices that the plugin was built for beside the CPU: `DL_CUDA`, `DL_METAL`.
    pub fn types(self) -> Vec<i32> {
        // SAFETY: static, and checked by `new`.
        unsafe {
            let (count, types) = ((*self.0.as_ptr()).n_types as usize, (*self.0.as_ptr()).types);
            (0..count).map(|index| types.add(index).read()).collect()
        }
    }

    /// Whether a device works now. It may open a driver, which takes seconds.
    ///
    /// # Errors
    /// The status of the ABI; the call has heard why.
    pub fn probe(self, device: abi::DLDevice, call: CallRef<'_>) -> Result<DeviceFacts, abi::Status> {
        // SAFETY: static, and checked by `new`.
        let probe = unsafe { field!(self.0.as_ptr(), abi::Devices, probe) }.ok_or(abi::E_UNSUPPORTED)?;
        let mut info = abi::DeviceInfo {
            size: size_of::<abi::DeviceInfo>() as u32,
            reserved: 0,
            name: abi::Str::EMPTY,
            total: 0,
            free: 0,
        };
        // SAFETY: the call is live, and `info` a valid out parameter; a name is a static text.
        unsafe {
            match probe(call.raw(), device, &raw mut info) {
                abi::OK => {
                    Ok(DeviceFacts { name: text::words(info.name), total: info.total, free: info.free })
                }
                status => Err(status),
            }
        }
    }
}

//! The devices that this plugin was built for: each is opened once, and the host may ask whether it works.
//!
//! candle takes two devices that were opened separately for different ones, and each has modules and handles of its own,
//! so all calls share one.

use crate::guard::{caught, install_panic_hook};
use crate::{Error, Result};
use candle_core::Device;
use dreamwire_abi as abi;
use dreamwire_socket::CallRef;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The devices that candle was built for beside the CPU.
const TYPES: &[i32] = &[
    #[cfg(feature = "cuda")]
    abi::DL_CUDA,
    #[cfg(feature = "metal")]
    abi::DL_METAL,
];

/// The extension `dw.devices/1` of the entry.
pub(crate) static DEVICES: abi::Devices = abi::Devices {
    size: size_of::<abi::Devices>() as u32,
    n_types: TYPES.len() as u32,
    types: TYPES.as_ptr(),
    probe: Some(probe),
};

/// A device that is open.
struct Opened {
    at: abi::DLDevice,
    device: Device,
    name: &'static str,
}

static OPENED: Mutex<Vec<Opened>> = Mutex::new(Vec::new());

fn opened() -> MutexGuard<'static, Vec<Opened>> {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The candle device for a call's device, which is opened when it is first needed.
///
/// # Errors
/// `E_UNSUPPORTED`: this build has no such devices. `E_DEVICE`: it does not work. `E_NOMEM`: its memory is used up.
pub(crate) fn open(at: abi::DLDevice) -> Result<Device> {
    if at.device_type == abi::DL_CPU {
        return Ok(Device::Cpu);
    }
    // Locked while it is opened, so that no other thread opens it too.
    let mut opened = opened();
    if let Some(found) = opened.iter().find(|found| found.at == at) {
        return Ok(found.device.clone());
    }
    // Drivers that are not there make their bindings panic.
    let found = caught(|| {
        let device = open_now(at)?;
        // Leaked: the host may keep it, and there are few devices.
        let name = Box::leak(name(&device).into_boxed_str());
        Ok(Opened { at, device, name })
    });
    let found = found
        .map_err(|error| if error.status() == abi::E_UNSUPPORTED { error } else { broken(at, &error) })?;
    let device = found.device.clone();
    opened.push(found);
    Ok(device)
}

/// Closes the devices as far as nothing uses them.
pub(crate) fn close() {
    opened().clear();
}

fn open_now(at: abi::DLDevice) -> Result<Device> {
    #[cfg(any(feature = "cuda", feature = "metal"))]
    let ordinal = || usize::try_from(at.device_id).map_err(|_| Error::failed("its number is negative"));
    match at.device_type {
        #[cfg(feature = "cuda")]
        abi::DL_CUDA => {
            dreamwire_cuda::load().map_err(Error::failed)?;
            Ok(Device::new_cuda(ordinal()?)?)
        }
        #[cfg(feature = "metal")]
        abi::DL_METAL => Ok(Device::new_metal(ordinal()?)?),
        other => Err(not_built_for(other)),
    }
}

/// The name of a type of devices.
fn class(device_type: i32) -> &'static str {
    match device_type {
        abi::DL_CPU => "the CPU",
        abi::DL_CUDA => "CUDA",
        abi::DL_METAL => "Metal",
        _ => "an unknown device",
    }
}

fn not_built_for(device_type: i32) -> Error {
    let built: Vec<&str> = [abi::DL_CPU].iter().chain(TYPES).map(|ty| class(*ty)).collect();
    let built = if TYPES.is_empty() { "the CPU only".to_owned() } else { built.join(" and ") };
    let wanted = class(device_type);
    let error = Error::unsupported(format!("this plugin was built for {built}, but the run uses {wanted}"));
    error.hint("run on the CPU, or build the plugins with the cargo feature `cuda` or `metal`")
}

/// The error of a device that this build has, and that does not work.
fn broken(at: abi::DLDevice, error: &Error) -> Error {
    let text = &error.said.message;
    let status = if is_out_of_memory(text) { abi::E_NOMEM } else { abi::E_DEVICE };
    Error::new(
        status,
        "",
        format!("{} device {} cannot be used: {}", class(at.device_type), at.device_id, why(text)),
    )
}

/// Whether a driver's error is about the memory of its device: CUDA's driver, cuBLAS and cuDNN, Metal's buffers and commands.
pub(crate) fn is_out_of_memory(text: &str) -> bool {
    const PARTS: [&str; 5] = [
        "OUT_OF_MEMORY",
        "ALLOC_FAILED",
        "out of memory",
        "Failed to create metal resource: Buffer",
        "kIOGPUCommandBufferCallbackErrorOutOfMemory",
    ];
    PARTS.iter().any(|part| text.contains(part))
}

/// The words of drivers and of their bindings, as people would say it.
fn why(text: &str) -> &str {
    let known = [
        ("Unable to dynamically load", "there is no CUDA driver: its library cannot be loaded"),
        ("CUDA_ERROR_STUB_LIBRARY", "there is no CUDA driver, but a stub of its library"),
        ("CUDA_ERROR_NO_DEVICE", "the driver finds no CUDA device"),
        ("CUDA_ERROR_INVALID_DEVICE", "there is no device of that number"),
        ("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "the CUDA library and the driver of the system do not match"),
        (
            "CUDA_ERROR_INSUFFICIENT_DRIVER",
            "the driver is older than the CUDA that this plugin was built with",
        ),
        (
            "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
            "the driver is older than the CUDA that this plugin was built with",
        ),
        (
            "CUDA_ERROR_NO_BINARY_FOR_GPU",
            "this plugin was not built for the compute capability of the device",
        ),
        // What candle does with a number that is too large, or without any device.
        ("swap_remove index", "there is no Metal device of that number"),
    ];
    known.iter().find(|(part, _)| text.contains(part)).map_or(text, |(_, words)| words)
}

/// The device's name for people; empty if candle does not tell.
fn name(device: &Device) -> String {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(cuda) = device {
        return cuda.cuda_stream().context().name().unwrap_or_default();
    }
    let _ = device;
    String::new()
}

/// Bytes of its memory, all and free; 0 if candle does not tell.
fn memory(device: &Device) -> (u64, u64) {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(cuda) = device {
        let (free, total) = cuda.cuda_stream().context().mem_get_info().unwrap_or_default();
        return (total as u64, free as u64);
    }
    let _ = device;
    (0, 0)
}

unsafe extern "C" fn probe(
    call: *const abi::Call,
    at: abi::DLDevice,
    info: *mut abi::DeviceInfo,
) -> abi::Status {
    // SAFETY: the host keeps its call alive until this returns.
    let Some(call) = (unsafe { CallRef::from_raw(call) }) else { return abi::E_ARG };
    let found = caught(|| {
        // `init` may not have been called.
        install_panic_hook();
        let device = open(at)?;
        let name = opened().iter().find(|found| found.at == at).map_or("", |found| found.name);
        Ok((name, memory(&device)))
    });
    match found {
        Ok((name, (total, free))) => {
            // SAFETY: a valid out parameter that says its size; `name` is static.
            unsafe {
                if info.is_null()
                    || ((&raw const (*info).size).read() as usize) < size_of::<abi::DeviceInfo>()
                {
                    return abi::E_ARG;
                }
                ((*info).name, (*info).total, (*info).free) = (abi::Str::new(name), total, free);
            }
            abi::OK
        }
        Err(error) => {
            call.fail(&error.said);
            error.status()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(device_type: i32) -> abi::DLDevice {
        abi::DLDevice { device_type, device_id: 0 }
    }

    #[test]
    fn the_cpu_is_always_there() {
        assert!(open(at(abi::DL_CPU)).unwrap().is_cpu());
    }

    #[test]
    fn a_device_that_this_build_has_not_is_told_as_the_builds_limit() {
        for missing in [abi::DL_CUDA, abi::DL_METAL, 99, -1].into_iter().filter(|ty| !TYPES.contains(ty)) {
            let error = open(at(missing)).unwrap_err();
            assert_eq!(error.status(), abi::E_UNSUPPORTED);
            assert!(error.to_string().starts_with("this plugin was built for the CPU"), "{error}");
        }
    }

    #[test]
    fn what_drivers_say_becomes_words() {
        let check = |text: &str, status, words: &str| {
            let error = broken(at(abi::DL_CUDA), &Error::failed(text));
            assert_eq!(error.status(), status, "{text}");
            assert_eq!(error.to_string(), format!("CUDA device 0 cannot be used: {words}"));
        };
        check(
            "panicked at lib.rs:200: Unable to dynamically load the \"cuda\" shared library - searched for ..",
            abi::E_DEVICE,
            "there is no CUDA driver: its library cannot be loaded",
        );
        let none = "DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")";
        check(none, abi::E_DEVICE, "the driver finds no CUDA device");
        let full = "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")";
        check(full, abi::E_NOMEM, full);
        check("something new", abi::E_DEVICE, "something new");
    }

    /// A panic of a driver's binding becomes the plugin's error, and the next call tries again.
    #[test]
    fn a_panic_while_a_device_is_opened_is_an_error() {
        let found: Result<()> = caught(|| panic!("Unable to dynamically load the \"cuda\" shared library"));
        let error = broken(at(abi::DL_CUDA), &found.unwrap_err());
        assert_eq!(error.status(), abi::E_DEVICE);
        assert!(error.to_string().contains("there is no CUDA driver"), "{error}");
    }
}

//! The devices of calls, as candle has them.

use crate::{Error, Result};
use candle_core::Device;
use dreamwire_abi as abi;

/// The candle device for a call's device.
///
/// # Errors
/// If this build cannot use it (`E_UNSUPPORTED`), or it cannot be opened (`E_DEVICE`).
pub(crate) fn device(device: abi::DLDevice) -> Result<Device> {
    let name = match device.device_type {
        abi::DL_CPU => return Ok(Device::Cpu),
        #[cfg(feature = "cuda")]
        abi::DL_CUDA => return accelerator(device, "CUDA", Device::new_cuda),
        #[cfg(feature = "metal")]
        abi::DL_METAL => return accelerator(device, "Metal", Device::new_metal),
        abi::DL_CUDA => "CUDA",
        abi::DL_METAL => "Metal",
        _ => "an unknown device",
    };
    let built = match (cfg!(feature = "cuda"), cfg!(feature = "metal")) {
        (true, _) => "the CPU and CUDA",
        (false, true) => "the CPU and Metal",
        (false, false) => "the CPU only",
    };
    let error = Error::unsupported(format!("this plugin was built for {built}, but the run uses {name}"));
    Err(error.hint("run on the CPU, or build the plugins with the cargo feature `cuda` or `metal`"))
}

#[cfg(any(feature = "cuda", feature = "metal"))]
fn accelerator(
    device: abi::DLDevice,
    name: &str,
    open: fn(usize) -> candle_core::Result<Device>,
) -> Result<Device> {
    static OPENED: Opened<Device> = Opened::new();
    OPENED.get((device.device_type, device.device_id), || {
        let ordinal = usize::try_from(device.device_id).map_err(|_| {
            Error::new(abi::E_DEVICE, "", format!("there is no {name} device {}", device.device_id))
        })?;
        // Where a driver is missing, cudarc panics.
        let opened = crate::guard::caught(|| open(ordinal).map_err(Error::from));
        opened.map_err(|error| unusable(&format!("{name} device {ordinal}"), &error))
    })
}

/// The error for a device that does not open.
#[cfg(any(feature = "cuda", feature = "metal", test))]
fn unusable(name: &str, error: &Error) -> Error {
    let message = format!("{name} cannot be used: {}", error.said.message);
    Error::new(abi::E_DEVICE, "", message).hint("run on the CPU with `--device cpu`")
}

/// What was opened, by a device's type and ordinal, for as long as the plugin is loaded.
///
/// candle makes a context with its kernels for each device that it opens, and refuses tensors of two of them in one
/// operation, even if both are the same hardware: a network that a node keeps must be on the device of the next call.
#[cfg(any(feature = "cuda", feature = "metal", test))]
struct Opened<D>(std::sync::Mutex<Vec<((i32, i32), D)>>);

#[cfg(any(feature = "cuda", feature = "metal", test))]
impl<D: Clone> Opened<D> {
    const fn new() -> Self {
        Self(std::sync::Mutex::new(Vec::new()))
    }

    /// What was opened for `place`, or else what `open` returns. Calls at the same time wait for one another.
    fn get(&self, place: (i32, i32), open: impl FnOnce() -> Result<D>) -> Result<D> {
        let mut opened = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, found)) = opened.iter().find(|(other, _)| *other == place) {
            return Ok(found.clone());
        }
        let new = open()?;
        opened.push((place, new.clone()));
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_this_build_has_not_is_told_as_the_builds_limit() {
        let cuda = abi::DLDevice { device_type: abi::DL_CUDA, device_id: 0 };
        if cfg!(any(feature = "cuda", feature = "metal")) {
            return;
        }
        let error = device(cuda).unwrap_err();
        assert_eq!(error.status(), abi::E_UNSUPPORTED);
        assert!(error.to_string().starts_with("this plugin was built for the CPU only"), "{error}");
    }

    #[test]
    fn a_device_is_opened_once() {
        let opened = Opened::new();
        let mut count = 0;
        let mut get = |place| {
            opened.get(place, || {
                count += 1;
                Ok(count)
            })
        };
        let found = [(2, 0), (2, 1), (2, 0), (8, 0), (2, 1)].map(|place| get(place).unwrap());
        assert_eq!(found, [1, 2, 1, 3, 2]);
    }

    /// A driver may be there at the next call.
    #[test]
    fn one_that_does_not_open_is_tried_again() {
        let opened = Opened::new();
        let error = opened.get((2, 0), || Err(Error::failed("no driver"))).unwrap_err();
        let error = unusable("CUDA device 0", &error);
        assert_eq!(error.status(), abi::E_DEVICE);
        let expected = "CUDA device 0 cannot be used: no driver; hint: run on the CPU with `--device cpu`";
        assert_eq!(error.to_string(), expected);
        assert_eq!(opened.get((2, 0), || Ok(7)).unwrap(), 7);
    }
}

//! How much memory this process can still get, on the host and on a device, and whether something fits. The host counts
//! alike, with code of its own: a plugin stands alone (`machine` of `dreamwire-session`).

use crate::{Error, Result};
use candle_core::Device;
use std::fs::read_to_string;
use std::path::Path;

/// The memory in bytes that is available: of the machine, the control group and the address space, whichever has the
/// least left. `None` where the system does not tell.
pub fn available() -> Option<u64> {
    [machine(), group(), address_space()].into_iter().flatten().min()
}

/// The memory in bytes that is available for tensors on `device`: of the CPU that of [`available`], of CUDA what its driver
/// says is free. Metal shares the host's memory, so its is that of [`available`] too. `None` if nobody tells.
pub fn available_on(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu | Device::Metal(_) => available(),
        Device::Cuda(device) => free(device),
    }
}

#[cfg(feature = "cuda")]
fn free(device: &candle_core::CudaDevice) -> Option<u64> {
    let (free, _) = device.cuda_stream().context().mem_get_info().ok()?;
    Some(free as u64)
}

#[cfg(not(feature = "cuda"))]
fn free(_: &candle_core::CudaDevice) -> Option<u64> {
    None
}

/// What plugins keep of the memory that they have freed, at most: the SDK's allocator, and the kernels' buffers.
const SPARES: u64 = 768 << 20;

/// What a process has of whose allocations `live` bytes are in use at once: plugins keep what they free, see the SDK's
/// overview, so that a step that allocates often has up to as much again.
pub fn with_spares(live: u64) -> u64 {
    live.saturating_add(spares(live))
}

/// The part of [`with_spares`] that is not in use: each plugin has its own.
pub fn spares(live: u64) -> u64 {
    live.min(SPARES)
}

/// Refuses what needs more memory on `device` than is available there, with status `E_LIMIT`. `what` is the subject of the
/// message; the hint is for the caller to add, because it knows the param that lowers the need.
///
/// # Errors
/// Says how much is needed, and how much there is.
pub fn check(what: &str, needed: u64, device: &Device) -> Result<()> {
    check_against(what, needed, available_on(device))
}

/// As [`check`], with what is available.
///
/// # Errors
/// As [`check`].
pub fn check_against(what: &str, needed: u64, available: Option<u64>) -> Result<()> {
    match available {
        Some(available) if needed > available => Err(Error::limit(format!(
            "{what} needs {} of memory, {} is available",
            shown(needed),
            shown(available)
        ))),
        _ => Ok(()),
    }
}

/// `512 MiB`, `3.1 GiB`.
pub fn shown(bytes: u64) -> String {
    const GIBIBYTE: f64 = (1u64 << 30) as f64;
    match bytes {
        0..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / GIBIBYTE),
    }
}

/// Free memory, and what the system can free.
fn machine() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    Some(kibibytes(&text, "MemAvailable:")? + kibibytes(&text, "SwapFree:").unwrap_or(0))
}

/// What the limits of the control group (version 2) and of those around it leave: containers and services have them.
fn group() -> Option<u64> {
    const ROOT: &str = "/sys/fs/cgroup";
    let text = read_to_string("/proc/self/cgroup").ok()?;
    let group = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folder = Path::new(ROOT).join(group.trim_start_matches('/'));
    folder.ancestors().take_while(|folder| folder.starts_with(ROOT)).filter_map(left_in).min()
}

/// What the limit of one group leaves; `None` if it has none of its own.
fn left_in(folder: &Path) -> Option<u64> {
    let number = |file: &str| read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    let stat = read_to_string(folder.join("memory.stat")).unwrap_or_default();
    Some(left(number("memory.max")?, number("memory.current")?, &stat))
}

/// Pages of files count as used, but are given back under pressure.
fn left(most: u64, used: u64, stat: &str) -> u64 {
    let files = stat.lines().find_map(|line| line.strip_prefix("file ")?.trim().parse().ok());
    most.saturating_sub(used.saturating_sub(files.unwrap_or(0)))
}

/// What a limit of the address space leaves, such as a worker has.
fn address_space() -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    let most = soft_limit(&limits)?;
    let used = kibibytes(&read_to_string("/proc/self/status").ok()?, "VmSize:")?;
    Some(most.saturating_sub(used))
}

/// The soft limit of the address space; `None` if there is none.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A field of a table such as `/proc/meminfo`, in bytes.
pub fn kibibytes(table: &str, field: &str) -> Option<u64> {
    let value = table.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_system_are_read() {
        let table = "MemTotal:       24 kB\nMemAvailable:    3 kB\nHugePages_Total:       0\n";
        assert_eq!(kibibytes(table, "MemAvailable:"), Some(3072));
        assert_eq!((kibibytes(table, "SwapFree:"), kibibytes(table, "HugePages_Total:")), (None, None));
        let limits = "Max resident set   unlimited   unlimited   bytes\nMax address space  8589934592  unlimited  bytes\n";
        assert_eq!(soft_limit(limits), Some(8 << 30));
        assert_eq!(
            soft_limit("Max address space         unlimited            unlimited            bytes"),
            None
        );
    }

    #[test]
    fn pages_of_files_are_not_used_up() {
        assert_eq!(left(100, 70, "anon 30\nfile 40\n"), 70);
        assert_eq!(left(100, 70, ""), 30);
        assert_eq!(left(100, 170, ""), 0);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let check = |needed| check_against("the dream", needed, Some(3 << 29));
        assert!(check(3 << 29).is_ok());
        let error = check((3 << 29) + 1).unwrap_err();
        assert_eq!(error.status(), crate::abi::E_LIMIT);
        assert_eq!(error.to_string(), "the dream needs 1.5 GiB of memory, 1.5 GiB is available");
        let error = check_against("it", 2 << 30, Some(5 << 20)).unwrap_err();
        assert_eq!(error.to_string(), "it needs 2.0 GiB of memory, 5 MiB is available");
        assert!(check_against("it", u64::MAX, None).is_ok());
    }

    #[test]
    fn spares_are_bounded() {
        assert_eq!([0, 5, 768 << 20, 1 << 30].map(with_spares), [0, 10, 1536 << 20, 1792 << 20]);
        assert_eq!(with_spares(u64::MAX), u64::MAX);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_some() {
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
        assert!(available_on(&Device::Cpu).is_some_and(|bytes| bytes > 1 << 20));
    }
}

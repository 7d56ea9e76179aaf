//! What this machine has: cores, memory and disk space.

use std::path::Path;

/// The number of CPU cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Memory that this process may still use, in bytes: what the system has available, within the limits of its control
/// group and of its address space. `None` if that is not known.
pub fn available_memory() -> Option<u64> {
    [system_memory(), group_memory(), address_space()].into_iter().flatten().min()
}

/// Free bytes for this user on the disk of a path, or of its nearest ancestor that exists.
#[cfg(unix)]
pub fn free_space(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).ok()?;
    let existing = path.ancestors().find(|path| path.exists())?;
    let disk = rustix::fs::statvfs(existing).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Free bytes for this user on the disk of a path.
#[cfg(not(unix))]
pub fn free_space(_: &Path) -> Option<u64> {
    None
}

/// `MemAvailable` of the kernel.
fn system_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    meminfo(&text, "MemAvailable:")
}

fn meminfo(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// What the control group (version 2) leaves: containers and services have one.
fn group_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folder = Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/'));
    let left = |folder: &Path| {
        let number = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
        // `max` is no number: without a limit of its own a group has that of its parent.
        Some(number("memory.max")?.saturating_sub(number("memory.current")?))
    };
    folder.ancestors().take_while(|folder| folder.starts_with("/sys/fs/cgroup")).filter_map(left).min()
}

/// What `ulimit -v` leaves.
#[cfg(unix)]
fn address_space() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    Some(limit.saturating_sub(pages.saturating_mul(rustix::param::page_size() as u64)))
}

#[cfg(not(unix))]
fn address_space() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let table = "MemTotal:       25000000 kB\nMemAvailable:   20000000 kB\n";
        assert_eq!(meminfo(table, "MemAvailable:"), Some(20_480_000_000));
        assert_eq!(meminfo(table, "SwapFree:"), None);
        assert_eq!(meminfo("MemAvailable: much kB", "MemAvailable:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory_and_space() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(free_space(Path::new("no/such/folder/yet")).is_some());
    }
}

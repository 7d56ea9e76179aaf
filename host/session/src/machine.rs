//! What this machine has: cores, memory and disk space.
//!
//! The SDK's `memory` reads the same numbers. There are two because a plugin stands alone: the host cannot import the SDK,
//! which brings candle, and what both can import, the ABI and its socket, is the contract and nothing else. What `doctor`
//! shows must be what a node has, so both count alike.

use std::path::{Path, PathBuf};

/// The number of CPU cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Memory that this process may still use, in bytes: what the system has available, within the limits of its control
/// group and of its address space. `None` if that is not known.
pub fn available_memory() -> Option<u64> {
    [system_memory(), group_memory(), address_space()].into_iter().flatten().min()
}

/// The memory that this process may have in all, in bytes: what the system has, or the limit of its control group. `None`
/// if that is not known.
pub fn total_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let group = groups().filter_map(|folder| number(&folder, "memory.max")).min();
    [meminfo(&text, "MemTotal:"), group].into_iter().flatten().min()
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

/// What is free or can be freed, and the free part of the swap space.
fn system_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    Some(meminfo(&text, "MemAvailable:")?.saturating_add(meminfo(&text, "SwapFree:").unwrap_or(0)))
}

fn meminfo(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// What the control group (version 2) leaves: containers and services have one.
fn group_memory() -> Option<u64> {
    let left = |folder: PathBuf| {
        let stat = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        // `max` is no number: without a limit of its own a group has that of its parent.
        Some(left(number(&folder, "memory.max")?, number(&folder, "memory.current")?, &stat))
    };
    groups().filter_map(left).min()
}

/// The folders of the control group and of those that it is in.
fn groups() -> impl Iterator<Item = PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = text.lines().find_map(|line| line.strip_prefix("0::"));
    let folder = group.map(|group| Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/')));
    let parent = |folder: &PathBuf| folder.parent().map(Path::to_owned);
    std::iter::successors(folder, parent).take_while(|folder| folder.starts_with("/sys/fs/cgroup"))
}

fn number(folder: &Path, name: &str) -> Option<u64> {
    std::fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
}

/// What a limit leaves: pages of files count as used, but are given back under pressure.
fn left(most: u64, used: u64, stat: &str) -> u64 {
    let files = stat.lines().find_map(|line| line.strip_prefix("file ")?.trim().parse::<u64>().ok());
    most.saturating_sub(used.saturating_sub(files.unwrap_or(0)))
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

    #[test]
    fn pages_of_files_are_not_used_up() {
        assert_eq!(left(100, 70, "anon 30\nfile 40\n"), 70);
        assert_eq!(left(100, 70, ""), 30);
        assert_eq!(left(100, 170, ""), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory_and_space() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(total_memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(free_space(Path::new("no/such/folder/yet")).is_some());
    }
}

//! How much memory this process can still get.

use std::fs::read_to_string;

/// The memory in bytes that is available: of the machine, the control group and the address space, whichever has the
/// least left. `None` where the system does not tell.
pub(crate) fn available() -> Option<u64> {
    [machine(), group(), address_space()].into_iter().flatten().min()
}

/// Free memory, and what the system can free.
fn machine() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    Some(kibibytes(&text, "MemAvailable:")? + kibibytes(&text, "SwapFree:").unwrap_or(0))
}

/// What the limit of a container leaves. Pages of files count as used, but are given back under pressure.
fn group() -> Option<u64> {
    let number =
        |file: &str| read_to_string(format!("/sys/fs/cgroup/{file}")).ok()?.trim().parse::<u64>().ok();
    let stat = read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default();
    left(number("memory.max")?, number("memory.current")?, &stat)
}

fn left(most: u64, used: u64, stat: &str) -> Option<u64> {
    let files = stat.lines().find_map(|line| line.strip_prefix("file ")?.trim().parse().ok());
    Some(most.saturating_sub(used.saturating_sub(files.unwrap_or(0))))
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
pub(crate) fn kibibytes(table: &str, field: &str) -> Option<u64> {
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
        assert_eq!(left(100, 70, "anon 30\nfile 40\n"), Some(70));
        assert_eq!(left(100, 70, ""), Some(30));
        assert_eq!(left(100, 170, ""), Some(0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_some() {
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
    }
}

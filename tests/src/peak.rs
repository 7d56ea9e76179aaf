use std::process::{Child, ExitStatus};
use std::time::Duration;

/// Waits for a process; the most memory that it has had, in bytes, looked at every few milliseconds. Its output must fit
/// into pipes.
///
/// # Panics
/// If it cannot be waited for.
pub fn peak(child: &mut Child) -> (ExitStatus, u64) {
    let mut most = 0;
    loop {
        most = resident(child.id()).unwrap_or(0).max(most);
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return (status, most);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn resident(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

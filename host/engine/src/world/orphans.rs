//! Temporary files and folders of processes that were killed.

use super::publish::process_of;
use cap_std::fs::Dir;
use std::time::{Duration, SystemTime};

/// A process of another host, or a new one with the same number, may be writing a file that looks abandoned.
const MINUTE: Duration = Duration::from_secs(60);
/// No write takes that long, whoever makes it.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes the temporary files and folders in a folder whose processes are gone.
pub(super) fn sweep(folder: &Dir) {
    let now = SystemTime::now();
    for entry in folder.entries().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(process_of) else { continue };
        let Ok(metadata) = entry.metadata() else { continue };
        let age = metadata.modified().ok().and_then(|time| now.duration_since(time.into_std()).ok());
        let abandoned = age.is_some_and(|age| age > DAY || (age > MINUTE && is_gone(process)));
        // Another process may be sweeping too, and what stays does no harm.
        if abandoned {
            // Output folders are tried under such a name before a run.
            let _ = if metadata.is_dir() { folder.remove_dir_all(&name) } else { folder.remove_file(&name) };
        }
    }
}

/// Whether there is no process of that number on this machine.
#[cfg(unix)]
fn is_gone(process: u32) -> bool {
    let Some(pid) = process.try_into().ok().and_then(rustix::process::Pid::from_raw) else { return true };
    // Processes of other users exist too, though `/proc` may hide them.
    rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}

#[cfg(not(unix))]
fn is_gone(_: u32) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;

    /// Faults: E4.
    #[test]
    fn what_killed_processes_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let (gone, me) = (child.id(), std::process::id());
        let mut kept = Vec::new();
        let mut file = |name: String, age: Duration, stays: bool| {
            let file = std::fs::File::create(dir.path().join(&name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
            if stays {
                kept.push(name);
            }
        };
        file(format!(".dreamwire-{gone}-0.tmp"), MINUTE * 2, false);
        file(format!(".dreamwire-{gone}-1.tmp"), Duration::ZERO, true);
        file(format!(".dreamwire-{me}-99999.tmp"), MINUTE * 2, true);
        file(format!(".dreamwire-{me}-99998.tmp"), DAY * 2, false);
        file(format!(".dreamwire-{gone}-0.tmp.png"), DAY * 2, true);
        file(format!(".dreamwire-{gone}-01.tmp"), DAY * 2, true);
        file(format!(".dreamwire-{gone}-x.tmp"), DAY * 2, true);
        file(format!("dreamwire-{gone}-0.tmp"), DAY * 2, true);
        let tried = dir.path().join(format!(".dreamwire-{gone}-2.tmp"));
        std::fs::create_dir_all(tried.join("deep/folder")).unwrap();
        std::fs::File::open(&tried).unwrap().set_modified(SystemTime::now() - MINUTE * 2).unwrap();
        sweep(&folder);
        let names =
            std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut left: Vec<String> = names.collect();
        left.sort();
        kept.sort();
        assert_eq!(left, kept);
    }
}

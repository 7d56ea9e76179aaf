use crate::outcome::{Done, Stop, Verdict};
use crate::subject::Subject;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A joined thread may be listed for a moment longer.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let Some(before) = threads() else {
        return Err(Stop::Skipped("this system does not list the threads of a process".to_owned()));
    };
    let started = subject.start()?;
    let mut tally = started.each_kind(|kind| {
        // A kind that refuses may have started threads, too.
        if let Ok(worked) = started.work(kind)? {
            drop(worked.ran);
            worked.node.destroy();
        }
        Ok(Done::Looked(1))
    });
    started.at("deinit");
    started.plugin.stop();
    let began = Instant::now();
    let left = loop {
        let mut left = threads().unwrap_or_default();
        left.retain(|id, _| !before.contains_key(id));
        if left.is_empty() || began.elapsed() > PATIENCE {
            break left;
        }
        sleep(Duration::from_millis(10));
    };
    if !left.is_empty() {
        let names: Vec<String> = left.values().map(|name| format!("`{name}`")).collect();
        tally.fault(format!("{} threads are left after deinit: {}", left.len(), names.join(", ")));
    }
    tally.end("kind")
}

/// Number and name of every thread of this process, if the system lists them.
fn threads() -> Option<BTreeMap<String, String>> {
    let entries = std::fs::read_dir(Path::new("/proc/self/task")).ok()?.flatten();
    let thread = |entry: std::fs::DirEntry| {
        let name = std::fs::read_to_string(entry.path().join("comm")).ok()?;
        Some((entry.file_name().to_string_lossy().into_owned(), name.trim().to_owned()))
    };
    Some(entries.filter_map(thread).collect())
}

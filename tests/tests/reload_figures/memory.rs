//! The memory of a watch and its worker over many reloads.

use super::{Reloading, graph, say, size};

/// A field of what the system says about a process, without its unit.
fn status(process: u32, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The children of a process.
fn children(process: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("it is always there").flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    processes.filter(|&other| status(other, "PPid") == Some(process.into())).collect()
}

/// The memory that a process holds, in MiB.
fn resident(process: u32) -> f64 {
    status(process, "VmRSS").expect("it runs") as f64 / 1024.
}

#[test]
#[ignore = "measures: `just figures`"]
fn memory_over_a_thousand_reloads() {
    let it = Reloading::start();
    let watch = it.watching.process();
    for reload in 1..=1000 {
        // Two graphs in turns, so that the results which are kept in memory do not grow by design.
        let size = size(reload % 2);
        it.folder.write("graph.json", graph(size));
        it.until_shown(size);
        if [10, 100, 500, 1000].contains(&reload) {
            let workers = children(watch);
            let [worker] = workers[..] else { panic!("{workers:?} are its children") };
            let (watch, worker) = (resident(watch), resident(worker));
            say(&format!("after {reload:>4} reloads: watch {watch:>7.1} MiB, its worker {worker:>7.1} MiB"));
        }
    }
}

//! Figures of reloading and of starting: they measure times and memory and print them, and check only results.
//!
//! `just figures` runs them with the release build, one after another. `DREAMWIRE_BINARY` names another program, with its
//! plugins beside it.
#![cfg(target_os = "linux")]

mod memory;
mod programs;
mod saves;

use dreamwire_tests::{Folder, Watching, built, repository};
use serde_json::json;
use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The program to measure.
fn program() -> PathBuf {
    match std::env::var_os("DREAMWIRE_BINARY") {
        Some(path) => repository().join(path),
        None => built().binary.clone(),
    }
}

/// Shows a line even if tests are not asked to show theirs.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Shows the median and the 95th percentile of some times.
fn say_times(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let ms = |part: f64| {
        let index = (part * times.len() as f64).ceil() as usize;
        times[index.clamp(1, times.len()) - 1].as_secs_f64() * 1e3
    };
    let (median, late) = (ms(0.5), ms(0.95));
    say(&format!("{what:<56} median {median:>8.1} ms   p95 {late:>8.1} ms   of {}", times.len()));
}

/// The size of the picture that the graph of a save makes: no two saves have the same.
fn size(save: usize) -> (u32, u32) {
    (4 + (save % 40) as u32, 4 + (save / 40) as u32)
}

/// The text of a graph that makes a picture of this size.
fn graph((width, height): (u32, u32)) -> String {
    let source = json!({ "class_type": "NoiseImage", "inputs": { "width": 32, "height": 32 } });
    // `sed` looks for this line.
    let small = format!(
        r#"{{ "class_type": "Resize", "inputs": {{ "image": ["source", 0], "width": {width}, "height": {height} }} }}"#
    );
    let save = json!({ "class_type": "SaveImage", "inputs": {
        "images": ["small", 0], "filename_prefix": "it", "metadata": false
    } });
    format!("{{\n  \"source\": {source},\n  \"small\": {small},\n  \"save\": {save}\n}}\n")
}

/// A watch of [`graph`].
struct Reloading {
    watching: Watching,
    folder: Folder,
    _cache: Folder,
}

impl Reloading {
    /// Starts it and waits for the first run, of save 0.
    fn start() -> Self {
        let (folder, cache) = (Folder::new(), Folder::new());
        folder.write("graph.json", graph(size(0)));
        // As users have it: with a cache.
        let arguments = [OsStr::new("--cache"), cache.path().as_os_str()];
        let watching = Watching::of(&program(), &folder, arguments);
        let it = Self { watching, folder, _cache: cache };
        it.until_shown(size(0));
        it
    }

    /// The size of the picture that is there.
    fn shown(&self) -> Option<(u32, u32)> {
        image::image_dimensions(self.folder.join("out/it_00001_.png")).ok()
    }

    /// Waits until the watch has nothing left to do and shows a picture of this size.
    #[track_caller]
    fn until_shown(&self, size: (u32, u32)) {
        // A save that is seen half may cost more than one run.
        for _ in 0..10 {
            self.watching.until("waiting");
            if self.shown() == Some(size) {
                return;
            }
        }
        panic!("it shows {:?} instead of {size:?}\n{}", self.shown(), self.watching.talk());
    }

    /// Waits until a picture of this size is there, whatever the watch says. How long that took.
    #[track_caller]
    fn until_there(&self, size: (u32, u32)) -> Duration {
        let began = Instant::now();
        while self.shown() != Some(size) {
            assert!(began.elapsed() < Duration::from_secs(60), "it shows {:?}, not {size:?}", self.shown());
            std::thread::sleep(Duration::from_millis(1));
        }
        began.elapsed()
    }
}

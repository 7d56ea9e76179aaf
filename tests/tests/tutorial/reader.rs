use dreamwire_tests::{Folder, built, repository};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Far more than a run of a small graph needs.
const LIMIT: Duration = Duration::from_secs(60);

/// Somebody who follows the page.
pub(super) struct Reader {
    folder: Folder,
    /// The folder where the last line ended.
    pub(super) here: PathBuf,
    printed: Arc<Mutex<String>>,
    watching: Vec<Child>,
}

impl Reader {
    pub(super) fn new() -> Self {
        let folder = Folder::new();
        let here = folder.join("work");
        std::fs::create_dir(&here).expect("made");
        Self { folder, here, printed: Arc::default(), watching: Vec::new() }
    }

    fn printed(&self) -> MutexGuard<'_, String> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A shell in the folder where the last one ended, which finds the program that was built.
    fn shell(&self, script: &str) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(built().plugins.clone()).chain(std::env::split_paths(&path));
        let mut shell = Command::new("sh");
        shell.args(["-euc", script]).current_dir(&self.here).stdin(Stdio::null());
        shell.env("PATH", std::env::join_paths(places).expect("a path"));
        // Nothing may come from an earlier run.
        shell.env("XDG_CACHE_HOME", self.folder.join("cache")).env_remove("DREAMWIRE_PLUGINS");
        // The crates are there, as the workspace uses them; the page names `target`.
        shell.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", "target").env("NO_COLOR", "1");
        shell
    }

    pub(super) fn enter(&mut self, line: &str) {
        if line.starts_with("dreamwire watch") {
            return self.watch(line);
        }
        let ended = self.folder.join("ended");
        let done = self.shell(&format!("{line}\npwd > '{}'", ended.display())).output().expect("sh starts");
        let text =
            [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(done.status.success(), "`{line}` ended with {}\n{text}", done.status);
        self.printed().push_str(&text);
        self.here = std::fs::read_to_string(ended).expect("sh wrote it").trim().into();
        self.share();
    }

    fn watch(&mut self, line: &str) {
        let mut shell = self.shell(&format!("exec {line}"));
        let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sh starts");
        self.hear(child.stdout.take().expect("a pipe"));
        self.hear(child.stderr.take().expect("a pipe"));
        self.watching.push(child);
    }

    fn hear(&self, pipe: impl Read + Send + 'static) {
        let printed = Arc::clone(&self.printed);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
                printed.push_str(&line);
                printed.push('\n');
            }
        });
    }

    /// Gives a new crate the versions of the workspace, and a `target` that outlives this run of the test.
    fn share(&self) {
        let lock = self.here.join("Cargo.lock");
        if self.here.join("Cargo.toml").exists() && !lock.exists() {
            std::fs::copy(repository().join("Cargo.lock"), lock).expect("copied");
            let shared = built().plugins.with_file_name("tutorial");
            std::fs::create_dir_all(&shared).expect("made");
            std::os::unix::fs::symlink(shared, self.here.join("target")).expect("linked");
        }
    }

    pub(super) fn expect(&self, wanted: &str) {
        let began = Instant::now();
        loop {
            let mut printed = self.printed();
            if let Some(end) = end_of(&printed, wanted) {
                printed.drain(..end);
                return;
            }
            assert!(began.elapsed() < LIMIT, "--- expected\n{wanted}\n--- printed\n{printed}");
            drop(printed);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn edit(&self, diff: &str) {
        let (name, lines) = diff.strip_prefix("--- ").and_then(|rest| rest.split_once('\n')).expect("a file");
        let path = self.here.join(name);
        let mut text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut groups = vec![(String::new(), String::new())];
        for line in lines.lines() {
            if line.starts_with('-') && groups.last().is_some_and(|(_, new)| !new.is_empty()) {
                groups.push((String::new(), String::new()));
            }
            let (old, new) = groups.last_mut().expect("never empty");
            match line.split_at(1) {
                ("-", line) => *old += &format!("{line}\n"),
                ("+", line) => *new += &format!("{line}\n"),
                _ => panic!("neither `-` nor `+`: {line}"),
            }
        }
        for (old, new) in groups {
            assert_eq!(text.matches(&old).count(), 1, "{old} in {name}:\n{text}");
            text = text.replace(&old, &new);
        }
        std::fs::write(path, text).expect("written");
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for child in &mut self.watching {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Where the last of the wanted lines ends, if all were printed in this order.
pub(super) fn end_of(printed: &str, wanted: &str) -> Option<usize> {
    let (mut wanted, mut end) = (wanted.lines().peekable(), 0);
    for line in printed.split_inclusive('\n') {
        end += line.len();
        if wanted.next_if(|pattern| is_like(line, pattern)).is_some() && wanted.peek().is_none() {
            return Some(end);
        }
    }
    None
}

pub(super) fn is_like(line: &str, pattern: &str) -> bool {
    let mut rest = line;
    pattern.split("...").all(|part| {
        let found = rest.split_once(part);
        rest = found.map_or("", |(_, after)| after);
        found.is_some()
    })
}

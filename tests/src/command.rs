use crate::{Folder, built};
use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Far more than any test needs: only a hang reaches this.
const LIMIT: Duration = Duration::from_secs(120);

/// A run of the program, with a clean environment.
pub struct Cmd {
    command: Command,
}

impl Cmd {
    /// The program that was built, in a folder.
    pub fn new(folder: &Folder) -> Self {
        Self::of(&built().binary, folder.path())
    }

    /// A copy of the program, in a folder.
    pub fn of(program: &Path, folder: &Path) -> Self {
        let mut command = Command::new(program);
        clean(&mut command);
        command.current_dir(folder);
        Self { command }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it with pipes for its output.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(mut self) -> Child {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.spawn().unwrap_or_else(|e| panic!("{:?}: {e}", self.command.get_program()))
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// If it does not start, or hangs.
    pub fn run(self) -> Outcome {
        let mut child = self.start();
        let stdout = collect(child.stdout.take().expect("stdout is a pipe"));
        let stderr = collect(child.stderr.take().expect("stderr is a pipe"));
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break Some(status);
            }
            if began.elapsed() > LIMIT {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |reader: std::thread::JoinHandle<String>| reader.join().unwrap_or_default();
        let outcome = Outcome {
            stdout: text(stdout),
            stderr: text(stderr),
            code: status.and_then(|status| status.code()),
        };
        assert!(status.is_some(), "it hangs\n{}", outcome.stderr);
        outcome
    }
}

fn clean(command: &mut Command) {
    command.env_clear();
    // The last ones say where the libraries of CUDA are.
    for name in ["PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("HOME", std::env::temp_dir()).env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1");
    // A test must not find what another one has left.
    command.env("DREAMWIRE_CACHE", "off");
}

fn collect(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// How a run of the program ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// `None` if a signal ended it.
    pub code: Option<i32>,
}

impl Outcome {
    /// Checks the exit code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        let (found, stdout, stderr) = (self.code, &self.stdout, &self.stderr);
        assert!(
            found == Some(code),
            "exit code {code} expected, found {found:?}\n--- stderr\n{stderr}\n--- stdout\n{stdout}"
        );
        self
    }

    /// Checks that standard error contains this text, however lines are wrapped.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(squeezed(&self.stderr).contains(&squeezed(text)), "`{text}` expected in:\n{}", self.stderr);
        self
    }

    /// Checks that standard error does not contain this text.
    #[track_caller]
    pub fn says_not(&self, text: &str) -> &Self {
        assert!(
            !squeezed(&self.stderr).contains(&squeezed(text)),
            "`{text}` not expected in:\n{}",
            self.stderr
        );
        self
    }
}

/// Without spaces and frames: the text without its layout.
fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '│' | '|' | '·' | '\u{2500}'..='\u{257f}'))
        .collect()
}

//! Opens libraries in a process of their own first: one that crashes when it is opened takes only that process along.

use super::PluginIndex;
use crate::Refusal;
use crate::opening::Opening;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long opening may take.
const LONGEST: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(2);

/// The words after the program's name that make it call [`PluginIndex::learn`] with the two arguments that follow.
pub const LEARN: [&str; 2] = ["worker", "index"];

impl PluginIndex {
    /// With a program that opens libraries which the index does not know, before this process does. It is called with
    /// [`LEARN`], the folder of the index and the library.
    #[must_use]
    pub fn opened_by(self, program: &Path) -> Self {
        Self { opener: Some(program.to_owned()), ..self }
    }

    /// Opens a library and notes what it says in the index of `folder`.
    ///
    /// # Errors
    /// The library cannot be used.
    pub fn learn(folder: &Path, library: &Path) -> Result<(), String> {
        let index = Self::at(folder).ok_or("the index cannot be used")?;
        Opening::new(None, Some(&index)).open(library).map(|_| ()).map_err(Refusal::text)
    }

    /// Lets another process open a library.
    pub(crate) fn try_elsewhere(&self, library: &Path) -> Result<(), Refusal> {
        let Some(program) = &self.opener else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(LEARN).args([&self.folder, library]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // A program that cannot be started says nothing about the library.
        let Ok(child) = command.spawn() else { return Ok(()) };
        match wait(child) {
            None => Err(format!("opening it did not end within {} s", LONGEST.as_secs()).into()),
            Some(status) => crash(status).map_or(Ok(()), |crash| Err(crash.into())),
        }
    }
}

/// `None` if it had to be killed.
fn wait(mut child: Child) -> Option<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if began.elapsed() > LONGEST {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(TICK);
    }
}

/// What a signal did. Any exit code is fine here: a library that is refused gets its words when it is opened again.
#[cfg(unix)]
fn crash(status: ExitStatus) -> Option<String> {
    let signal = std::os::unix::process::ExitStatusExt::signal(&status)?;
    let name = match signal {
        libc::SIGSEGV => "SIGSEGV".to_owned(),
        libc::SIGABRT => "SIGABRT".to_owned(),
        libc::SIGBUS => "SIGBUS".to_owned(),
        libc::SIGILL => "SIGILL".to_owned(),
        libc::SIGFPE => "SIGFPE".to_owned(),
        _ => format!("signal {signal}"),
    };
    Some(format!("it crashes when it is opened ({name})"))
}

#[cfg(not(unix))]
fn crash(_: ExitStatus) -> Option<String> {
    None
}

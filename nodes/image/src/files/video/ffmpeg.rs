//! ffmpeg and ffprobe as processes: without a shell, killed when the run is cancelled.

use dreamwire_sdk::prelude::*;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two questions whether to go on.
const PAUSE: Duration = Duration::from_millis(10);
/// Frames that wait in front of ffmpeg or behind it.
const WAITING: usize = 2;
/// The most bytes of what it says that are kept.
const MOST_SAID: u64 = 64 << 10;

/// What a container may be that ffmpeg reads here: none that names other files, such as a playlist.
const CONTAINERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,apng,\
                          wav,w64,aiff,mp3,aac,flac,ac3,eac3,opus,nut,dv,mxf,h264,hevc,ivf,caf,au";

/// Options in front of an input: it reads what it is given and nothing else.
pub(super) fn contained() -> [String; 4] {
    ["-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS].map(str::to_owned)
}

/// The program `name` in a folder of `PATH`.
///
/// # Errors
/// It is not installed.
pub(super) fn find(name: &str) -> Result<PathBuf> {
    find_in(name, &std::env::var_os("PATH").unwrap_or_default())
}

fn find_in(name: &str, path: &OsStr) -> Result<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    // A relative folder would be one of the working folder, where anybody may have put a program.
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let mut programs = folders.map(|folder| folder.join(&file)).filter(|program| program.is_file());
    programs.next().ok_or_else(|| {
        Error::failed(format!("{name} is not installed; videos are read and written by ffmpeg")).hint(
            "install ffmpeg, which has ffprobe too (`apt install ffmpeg`, `brew install ffmpeg`, `winget install ffmpeg`), so that \
             both are in a folder of PATH",
        )
    })
}

/// A program that runs. It is killed when this is dropped.
pub(super) struct Running {
    name: &'static str,
    child: Child,
    said: Option<JoinHandle<Vec<u8>>>,
    pipe: Option<JoinHandle<()>>,
}

/// How a program ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// What it said on standard error.
    pub(super) said: String,
}

impl Ended {
    /// The last lines of what it said, as one.
    pub(super) fn reason(&self) -> String {
        let lines: Vec<&str> = self.said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match lines.as_slice() {
            [] => format!("it ended with {} and said nothing", self.status),
            lines => lines[lines.len().saturating_sub(4)..].join("; "),
        }
    }
}

impl Running {
    /// Starts a program in a folder.
    pub(super) fn start(name: &'static str, arguments: &[String], folder: &Path) -> Result<Self> {
        let program = find(name)?;
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(folder).env_remove("FFREPORT").env_remove("AV_LOG_FORCE_COLOR");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| Error::failed(format!("cannot start `{}`: {error}", program.display())))?;
        let said = child.stderr.take().map(|mut said| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = said.by_ref().take(MOST_SAID).read_to_end(&mut text);
                // The rest is read too: a full pipe would stop it.
                let _ = std::io::copy(&mut said, &mut std::io::sink());
                text
            })
        });
        Ok(Self { name, child, said, pipe: None })
    }

    /// Where to send what it reads; it has all when the sender is dropped.
    pub(super) fn input(&mut self) -> SyncSender<Vec<u8>> {
        let (sender, receiver) = sync_channel::<Vec<u8>>(WAITING);
        if let Some(mut pipe) = self.child.stdin.take() {
            self.pipe = Some(std::thread::spawn(move || {
                // Its end tells why it does not read on.
                let _ = receiver.iter().try_for_each(|bytes| pipe.write_all(&bytes));
            }));
        }
        sender
    }

    /// Where what it writes arrives, in parts of `length` bytes. A last part that is shorter is left out.
    pub(super) fn output(&mut self, length: usize) -> Receiver<Vec<u8>> {
        let (sender, receiver) = sync_channel(WAITING);
        self.child.stdin = None;
        if let Some(mut pipe) = self.child.stdout.take() {
            self.pipe = Some(std::thread::spawn(move || {
                let mut part = vec![0; length];
                while pipe.read_exact(&mut part).is_ok() {
                    if sender.send(std::mem::replace(&mut part, vec![0; length])).is_err() {
                        return;
                    }
                }
            }));
        }
        receiver
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If the run is cancelled.
    pub(super) fn finish(mut self, call: &Call) -> Result<Ended> {
        self.child.stdin = None;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => call.progress(0, 0, "")?,
                Err(error) => return Err(Error::failed(format!("cannot wait for {}: {error}", self.name))),
            }
            std::thread::sleep(PAUSE);
        };
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        Ok(Ended { status, said: String::from_utf8_lossy(&said).into_owned() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What has ended cannot be killed, which is no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.pipe.take().map(JoinHandle::join);
        self.said.take().map(JoinHandle::join);
    }
}

/// Sends a part, and asks meanwhile whether to go on. False: it is not read any more.
///
/// # Errors
/// If the run is cancelled.
pub(super) fn send(call: &Call, to: &SyncSender<Vec<u8>>, mut part: Vec<u8>) -> Result<bool> {
    loop {
        match to.try_send(part) {
            Ok(()) => return Ok(true),
            Err(TrySendError::Disconnected(_)) => return Ok(false),
            Err(TrySendError::Full(back)) => part = back,
        }
        call.progress(0, 0, "")?;
        std::thread::sleep(PAUSE);
    }
}

/// The next part; none if there are no more.
///
/// # Errors
/// If the run is cancelled.
pub(super) fn receive(call: &Call, from: &Receiver<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    loop {
        match from.recv_timeout(PAUSE) {
            Ok(part) => return Ok(Some(part)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => call.progress(0, 0, "")?,
        }
    }
}

/// A folder that only this user can read, removed when it is dropped.
pub(super) fn private_folder() -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("dreamwire-video-")
        .tempdir()
        .map_err(|error| Error::failed(format!("cannot make a temporary folder: {error}")))
}

/// Writes a file of such a folder.
pub(super) fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    std::fs::write(folder.join(name), bytes)
        .map_err(|error| Error::failed(format!("cannot write a temporary file: {error}")))
}

/// Whether tests can use it. What is skipped without it is told, whether the tests pass or not.
#[cfg(test)]
pub(super) fn is_there(test: &str) -> bool {
    let there = find("ffmpeg").is_ok() && find("ffprobe").is_ok();
    if !there {
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: ffmpeg is not installed");
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::in_call;

    #[test]
    fn what_is_not_installed_is_told_with_a_hint() {
        let error = find_in("ffmpeg", OsStr::new("")).expect_err("an empty PATH");
        let message = error.to_string();
        assert!(message.starts_with("ffmpeg is not installed; "), "{message}");
        assert!(message.contains("apt install ffmpeg"), "{message}");
        assert_eq!(error.status(), dreamwire_sdk::abi::E_FAILED);
        // Not even one that lies in the working folder.
        assert!(find_in("ffmpeg", OsStr::new(".")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_found_in_a_folder_of_the_path() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ffprobe"), "").expect("a file");
        let found = find_in("ffprobe", folder.path().as_os_str()).expect("it is there");
        assert_eq!(found, folder.path().join("ffprobe"));
    }

    #[test]
    fn playlists_are_no_containers() {
        let [.., containers] = contained();
        for name in ["hls", "concat", "dash", "image2", "lavfi", "sdp", "rtsp"] {
            assert!(containers.split(',').all(|container| container != name), "{name}");
        }
    }

    #[test]
    fn what_it_says_is_the_reason() {
        if !is_there("what_it_says_is_the_reason") {
            return;
        }
        let folder = private_folder().expect("a folder");
        let arguments = ["-v", "error", "-nostdin", "-i", "none.mp4", "-f", "null", "-"].map(str::to_owned);
        let ended = in_call(|call| Running::start("ffmpeg", &arguments, folder.path())?.finish(call))
            .expect("it ends");
        assert!(!ended.status.success() && ended.reason().contains("No such file"), "{}", ended.reason());
    }
}

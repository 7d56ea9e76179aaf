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
    to: Option<SyncSender<Vec<u8>>>,
    from: Option<Receiver<Vec<u8>>>,
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
        Ok(Self { name, child, said, to: None, from: None, pipe: None })
    }

    /// The same, for one that reads what is [sent](Self::send).
    pub(super) fn reading(mut self) -> Self {
        let (to, parts) = sync_channel::<Vec<u8>>(WAITING);
        if let Some(mut pipe) = self.child.stdin.take() {
            self.to = Some(to);
            self.pipe = Some(std::thread::spawn(move || {
                // How it ends tells why it does not read on.
                let _ = parts.iter().try_for_each(|part| pipe.write_all(&part));
            }));
        }
        self
    }

    /// The same, for one that writes what is [received](Self::receive), in parts of `length` bytes. A last part that is shorter
    /// is left out.
    pub(super) fn writing(mut self, length: usize) -> Self {
        let (sender, from) = sync_channel(WAITING);
        if let Some(mut pipe) = self.child.stdout.take() {
            self.from = Some(from);
            self.pipe = Some(std::thread::spawn(move || {
                let mut part = vec![0; length];
                while pipe.read_exact(&mut part).is_ok() {
                    if sender.send(std::mem::replace(&mut part, vec![0; length])).is_err() {
                        return;
                    }
                }
            }));
        }
        self
    }

    /// Sends a part, and asks meanwhile whether to go on. False: it is not read any more.
    ///
    /// # Errors
    /// If the run is cancelled.
    pub(super) fn send(&self, call: &Call, mut part: Vec<u8>) -> Result<bool> {
        let Some(to) = &self.to else { return Ok(false) };
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
    pub(super) fn receive(&self, call: &Call) -> Result<Option<Vec<u8>>> {
        let Some(from) = &self.from else { return Ok(None) };
        loop {
            match from.recv_timeout(PAUSE) {
                Ok(part) => return Ok(Some(part)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => call.progress(0, 0, "")?,
            }
        }
    }

    /// Closes what it reads, and waits for its end.
    ///
    /// # Errors
    /// If the run is cancelled.
    pub(super) fn finish(mut self, call: &Call) -> Result<Ended> {
        self.close();
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

    /// Ends the threads of the pipes: nothing more is sent or received.
    fn close(&mut self) {
        self.child.stdin = None;
        self.to = None;
        self.from = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.close();
        // What has ended cannot be killed, which is no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.pipe.take().map(JoinHandle::join);
        self.said.take().map(JoinHandle::join);
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
    fn one_that_still_runs_is_killed() {
        if !is_there("one_that_still_runs_is_killed") {
            return;
        }
        let folder = private_folder().expect("a folder");
        let raw = "-v error -nostdin -f rawvideo -pixel_format gray -video_size 64x64 -i pipe:0 -f null -";
        let arguments: Vec<String> = raw.split(' ').map(str::to_owned).collect();
        let running = Running::start("ffmpeg", &arguments, folder.path()).expect("it starts").reading();
        let sent = in_call(move |call| Ok((running.send(call, vec![0; 4096])?, running)));
        let (sent, running) = sent.expect("goes on");
        assert!(sent);
        let (sender, receiver) = sync_channel(1);
        std::thread::spawn(move || {
            drop(running);
            sender.send(())
        });
        assert!(receiver.recv_timeout(Duration::from_secs(60)).is_ok(), "it waits for more for ever");
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

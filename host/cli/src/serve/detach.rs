//! A server in the background.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::args::ServeArgs;
use crate::console::Console;
use crate::exit::Exit;

/// Where a server in the background writes its messages, below the output folder.
const LOG: &str = ".dreamwire/log";

/// Starts the same command in a process of its own, waits until it listens, and leaves it. It holds none of our streams,
/// for which callers would wait.
pub(super) fn detach(args: &ServeArgs, console: Console) -> Exit {
    match start(&args.out.join(LOG)) {
        Ok(Started::Listens { address, process }) => {
            console.data(&format!("{address} {process}\n"));
            Exit::OK
        }
        Ok(Started::Ended { exit, words }) => {
            words.lines().for_each(|line| console.talk(line));
            exit
        }
        Err(error) => {
            console.talk(&format!("error: cannot start a server in the background: {error}"));
            Exit::OUTPUT
        }
    }
}

enum Started {
    Listens { address: String, process: u32 },
    Ended { exit: Exit, words: String },
}

fn start(log: &Path) -> std::io::Result<Started> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let words = File::create(log)?;
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--detach");
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments.collect::<Vec<OsString>>());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(words);
    // Ctrl-C in the terminal is not for it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let mut address = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut address)?;
    }
    if address.is_empty() {
        let exit = Exit::like(child.wait()?);
        return Ok(Started::Ended { exit, words: std::fs::read_to_string(log)? });
    }
    Ok(Started::Listens { address: address.trim_end().to_owned(), process: child.id() })
}

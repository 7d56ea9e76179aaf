use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::args::BenchArgs;
use crate::console::Console;
use crate::exit::Exit;

/// `dreamwire bench`: runs the program `dreamwire-bench` beside this one, because the host does not link networks.
pub(crate) fn bench(args: &BenchArgs, console: Console) -> Exit {
    match std::env::current_exe() {
        Ok(own) => {
            let name = format!("dreamwire-bench{}", std::env::consts::EXE_SUFFIX);
            hand_on(&own.with_file_name(name), &args.arguments, console)
        }
        Err(error) => {
            console.talk(&format!("error: cannot find the path of this program: {error}"));
            Exit::BUG
        }
    }
}

/// Runs `program` with the streams of this one and returns its exit code.
fn hand_on(program: &Path, arguments: &[OsString], console: Console) -> Exit {
    match Command::new(program).args(arguments).status() {
        Ok(status) => Exit::like(status),
        Err(error) => {
            let name = program.display();
            console.talk(&format!(
                "error: cannot start `{name}`: {error}\n\nhint: it belongs beside this program; build it with `cargo build --release -p dreamwire-bench`"
            ));
            Exit::PLUGIN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Color;

    #[test]
    fn a_missing_program_is_something_that_is_missing() {
        let console = Console::new(Color::Never, 0);
        assert_eq!(hand_on(Path::new("/nowhere/dreamwire-bench"), &[], console), Exit::PLUGIN);
    }
}

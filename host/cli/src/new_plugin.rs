//! `dreamwire new-plugin`: writes a plugin to start from.

mod args;
mod files;
mod folder;
mod name;
mod sdk;

use std::path::Path;

pub(crate) use args::NewPluginArgs;
use name::Name;
use sdk::Sdk;

use crate::console::{Console, with_hint};
use crate::exit::Exit;

/// Why the command line is refused, and what to do instead.
#[derive(Debug)]
struct Refused {
    message: String,
    hint: String,
}

/// `dreamwire new-plugin`.
pub(crate) fn new_plugin(args: &NewPluginArgs, console: Console) -> Exit {
    match begin(args, console) {
        Ok(exit) => exit,
        Err(Refused { message, hint }) => {
            console.talk(&with_hint(&format!("error: {message}"), Some(&hint)));
            Exit::USAGE
        }
    }
}

fn begin(args: &NewPluginArgs, console: Console) -> Result<Exit, Refused> {
    let name = Name::parse(&args.name)?;
    let shown = name.as_str();
    let place = Path::new(shown);
    // Also a link that leads nowhere is something that must not be replaced.
    if place.symlink_metadata().is_ok() {
        return Err(Refused {
            message: format!("`{shown}` exists already"),
            hint: "choose another name, or another folder to work in".to_owned(),
        });
    }
    let (files, commands) = if args.c {
        (files::c(&name), files::c_commands())
    } else {
        let sdk = sdk::find(args.sdk.as_deref())?;
        if sdk == Sdk::Unknown {
            console.talk(&sdk_unknown(shown));
        }
        (files::rust(&name, &sdk), files::rust_commands(&name))
    };
    if let Err(error) = folder::write(place, &files) {
        let message = format!("error: cannot write the folder `{shown}`: {error}");
        console.talk(&with_hint(&message, Some("run it in a folder that you may write to")));
        return Ok(Exit::OUTPUT);
    }
    let kind = name.kind();
    console.talk(&format!("wrote `{shown}`, a plugin with the kind `{kind}`; next:\n\n    cd {shown}"));
    commands.iter().for_each(|command| console.talk(&format!("    {command}")));
    Ok(Exit::OK)
}

fn sdk_unknown(folder: &str) -> String {
    with_hint(
        "warning: the sources that this program was built from are gone, so the plugin does not know where \
         the SDK is",
        Some(&format!("edit the line `dreamwire-sdk` in `{folder}/Cargo.toml`; next time, give --sdk DIR")),
    )
}

use dreamwire_formats::{Layout, export as translated, write_safetensors};

use super::args::{ExportArgs, Program};
use super::file::File;
use super::import::description;
use super::place::beside;
use super::{Census, part};
use crate::console::Console;
use crate::exit::Exit;
use crate::output::{Output, Refused};

/// `weights export`.
pub(super) fn export(args: &ExportArgs, console: Console) -> Result<(), Refused> {
    let given = &args.output;
    let (layout, label) = match args.to {
        Program::Rosinality => (Layout::Rosinality, "rosinality"),
        Program::Nvidia => (Layout::Nvidia, "nvidia"),
    };
    let place = given.out.clone().unwrap_or_else(|| beside(&args.file, label));
    let output = Output::at(place, &args.file, given.force)?;
    let file = File::read(&args.file)?;
    let archive = file.archive()?;
    let network = part::choose(&file, &archive, given.part.as_deref())?.ok_or_else(|| Refused {
        message: format!("no network is known in `{}`", file.name()),
        hint: Some("`dreamwire weights list` lists its tensors".to_owned()),
        exit: Exit::INPUT,
    })?;
    let tensors =
        translated(&network, layout).map_err(|error| Refused { hint: None, ..file.refused(&error) })?;
    let named = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    let text = description(&file, Some(&network));
    output.write(|out| write_safetensors(out, named, ("dreamwire", text.as_str())))?;
    let (path, title) = (output.path().display(), part::title(&network));
    let census = Census::of(tensors.values());
    console.talk(&format!("wrote `{path}`: {title}, {census}, with the names of {}", layout.name()));
    Ok(())
}

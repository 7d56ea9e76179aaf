use dreamwire_formats::{Layout, export as translated};

use super::args::{ExportArgs, Program};
use super::file::File;
use super::import::description;
use super::output::{Output, beside};
use super::{Census, Refused, part};
use crate::console::Console;
use crate::exit::Exit;

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
    output.write(named, &description(&file, Some(&network)))?;
    let (path, title) = (output.path().display(), part::title(&network));
    let census = Census::of(tensors.values());
    console.talk(&format!("wrote `{path}`: {title}, {census}, with the names of {}", layout.name()));
    Ok(())
}

use dreamwire_formats::{Network, write_safetensors};
use serde_json::json;

use super::args::ImportArgs;
use super::file::File;
use super::place::beside;
use super::{Census, part};
use crate::console::Console;
use crate::output::{Output, Refused};

/// `weights import`: the network that is used, or all tensors of a file in which none is known.
pub(super) fn import(args: &ImportArgs, console: Console) -> Result<(), Refused> {
    let given = &args.output;
    let at = |place| Output::at(place, &args.file, given.force);
    // What can be refused without reading the file is.
    let output = given.out.clone().map(at).transpose()?;
    let file = File::read(&args.file)?;
    let archive = file.archive()?;
    let network = part::choose(&file, &archive, given.part.as_deref())?;
    let label = network.as_ref().map_or("", |network| &network.part);
    let output = output.map_or_else(|| at(beside(&args.file, label)), Ok)?;
    let tensors = network.as_ref().map_or(&archive.tensors, |network| &network.tensors);
    let named = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    let text = description(&file, network.as_ref());
    output.write(|out| write_safetensors(out, named, ("dreamwire", text.as_str())))?;
    let title = match &network {
        Some(network) => part::title(network),
        None => "all tensors by their own names, for no network is known in it".to_owned(),
    };
    let census = Census::of(tensors.values());
    console.talk(&format!("wrote `{}`: {title}, {census}", output.path().display()));
    if let (Some(network), None) = (&network, &given.part) {
        let others = part::rivals(network, &archive.networks());
        if !others.is_empty() {
            let (name, others) = (file.name(), others.join(", "));
            console.talk(&format!(
                "`{name}` has others, and no average over the training: --part takes {others}"
            ));
        }
    }
    Ok(())
}

/// What a file that is written says about its network, and where it comes from. [`Network::metadata`] is the part that is
/// read again.
pub(super) fn description(file: &File<'_>, network: Option<&Network<'_>>) -> String {
    let mut description = match network {
        Some(network) => json!({
            "family": network.family.name(),
            "layout": network.layout.name(),
            "part": network.part,
            "settings": network.settings,
        }),
        None => json!({}),
    };
    description["source"] = json!({ "file": file.name(), "blake3": file.blake3() });
    description.to_string()
}

use dreamwire_formats::{Archive, Network};
use serde_json::{Value, json};

use super::args::InfoArgs;
use super::file::File;
use super::{Census, part};
use crate::cache::in_units;
use crate::console::{Console, clean, clean_line};
use crate::output::Refused;

/// What is shown of the settings of networks, by the names of NVIDIA's arguments; `--json` has all.
const SETTINGS: [(&str, &str); 11] = [
    ("variant", "variant"),
    ("img_resolution", "resolution"),
    ("img_channels", "channels"),
    ("architecture", "architecture"),
    ("z_dim", "width of z"),
    ("w_dim", "width of w"),
    ("num_ws", "layers of w"),
    ("c_dim", "classes"),
    ("use_noise", "noise"),
    ("use_radial_filters", "radial filters"),
    ("conv_clamp", "clamp"),
];

/// `weights info`.
pub(super) fn info(args: &InfoArgs, console: Console) -> Result<(), Refused> {
    let file = File::read(&args.file)?;
    let archive = file.archive()?;
    let networks = archive.networks();
    if args.json {
        console.data(&format!("{:#}\n", as_json(&file, &archive, &networks)));
    } else {
        console.data(&clean(&as_text(&file, &archive, &networks)));
    }
    Ok(())
}

fn as_json(file: &File<'_>, archive: &Archive<'_>, networks: &[Network<'_>]) -> Value {
    let census = Census::of(archive.tensors.values());
    json!({
        "file": file.name(),
        "bytes": file.bytes.len(),
        "blake3": file.blake3(),
        "format": archive.format.name(),
        "tensors": census.tensors,
        "numbers": census.numbers,
        "dtypes": census.by_type,
        "networks": networks.iter().map(|network| part::as_json(network, networks)).collect::<Vec<_>>(),
    })
}

fn as_text(file: &File<'_>, archive: &Archive<'_>, networks: &[Network<'_>]) -> String {
    let size = file.bytes.len() as u64;
    let mut text = format!(
        "file      {}\nformat    {}\nsize      {} ({size} bytes)\nblake3    {}\ncontent   {}\n",
        clean_line(&file.name()),
        archive.format.name(),
        in_units(size),
        file.blake3(),
        Census::of(archive.tensors.values()),
    );
    for network in networks {
        text += &paragraph(network, networks);
    }
    if networks.is_empty() {
        text += "\nno network that is known; `dreamwire weights list` lists the tensors\n";
    }
    text
}

/// What is known of one network.
fn paragraph(network: &Network<'_>, all: &[Network<'_>]) -> String {
    let kinds = network.family.used_by().unwrap_or("no kind yet");
    // Of several that a kind could take, it takes one.
    let used_by = match part::stands_for(network, all) {
        true => kinds.to_owned(),
        false => format!("{kinds}, after `dreamwire weights import FILE --part {}`", network.part),
    };
    let mut text = format!("\n{}\n", part::title(network));
    let mut line = |name: &str, value: &str| text += &format!("  {name:<14}  {}\n", clean_line(value));
    line("used by", &used_by);
    line("names of", network.layout.name());
    line("content", &Census::of(network.tensors.values()).to_string());
    for (key, name) in SETTINGS {
        if let Some(value) = network.setting(key) {
            line(name, &shown(value));
        }
    }
    let missing = network.missing();
    if let Some(first) = missing.first() {
        line("lacks", &format!("{first}, {} in all", missing.len()));
    }
    text
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

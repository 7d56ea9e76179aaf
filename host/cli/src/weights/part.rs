use dreamwire_formats::{Archive, Network};
use serde_json::{Value, json};

use super::Census;
use super::file::File;
use crate::console::clean_line;
use crate::exit::Exit;
use crate::output::Refused;

/// The network of a file that is called `part`; without a name the one that is used, nothing if none is known.
///
/// # Errors
///
/// If there is none of that name: says which there are.
pub(super) fn choose<'a>(
    file: &File<'_>,
    archive: &Archive<'a>,
    part: Option<&str>,
) -> Result<Option<Network<'a>>, Refused> {
    let mut networks = archive.networks();
    let Some(part) = part else {
        return Ok((!networks.is_empty()).then(|| networks.swap_remove(0)));
    };
    if let Some(index) = networks.iter().position(|network| network.part == part) {
        return Ok(Some(networks.swap_remove(index)));
    }
    let parts: Vec<String> =
        networks.iter().map(|network| format!("`{}`", clean_line(&network.part))).collect();
    let hint = match parts.as_slice() {
        [] => "no network is known in it; `dreamwire weights list` lists its tensors".to_owned(),
        [_] => "it has one network; leave out --part".to_owned(),
        parts => format!("its networks are {}", parts.join(", ")),
    };
    let message = format!("`{}` has no network `{}`", file.name(), clean_line(part));
    Err(Refused { message, hint: Some(hint), exit: Exit::USAGE })
}

/// Whether a kind that is given the file takes this network of it: the first of those that the kind could take.
pub(super) fn stands_for(network: &Network<'_>, all: &[Network<'_>]) -> bool {
    let users = network.family.used_by();
    let first = all.iter().find(|other| other.family.used_by() == users);
    users.is_none() || first.is_none_or(|first| first.part == network.part)
}

/// The networks beside this one that could be used in its place, by their parts, if the file does not say which is meant:
/// none beside an average over the training.
pub(super) fn rivals(network: &Network<'_>, all: &[Network<'_>]) -> Vec<String> {
    let users = network.family.used_by();
    if network.is_average() || users.is_none() {
        return Vec::new();
    }
    let others = all.iter().filter(|it| it.family.used_by() == users && it.part != network.part);
    others.map(|it| format!("`{}`", clean_line(&it.part))).collect()
}

/// What is known of a network of a file, for programs.
pub(super) fn as_json(network: &Network<'_>, all: &[Network<'_>]) -> Value {
    let census = Census::of(network.tensors.values());
    json!({
        "part": network.part,
        "name": network.family.name(),
        "layout": network.layout.name(),
        "used_by": network.family.used_by(),
        "used": network.family.used_by().is_some() && stands_for(network, all),
        "settings": network.settings,
        "tensors": census.tensors,
        "parameters": census.numbers,
        "dtypes": census.by_type,
        "missing": network.missing(),
    })
}

/// What a network is, in a sentence: `a StyleGAN2 generator (G_ema)`.
pub(super) fn title(network: &Network<'_>) -> String {
    match network.part.as_str() {
        "" => network.family.name().to_owned(),
        part => format!("{} ({})", network.family.name(), clean_line(part)),
    }
}

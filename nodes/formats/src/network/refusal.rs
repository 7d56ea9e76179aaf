//! What is said about a file without the network that is needed.

use super::{Family, Network};
use crate::archive::Archive;
use crate::error::Error;

/// Names of tensors that are quoted, and letters of each.
const QUOTED: usize = 3;
const LETTERS: usize = 60;

/// What the file is and what it is good for, and what is needed.
pub(super) fn refusal(archive: &Archive<'_>, networks: &[Network<'_>], wanted: &[Family]) -> Error {
    let found = match networks.first() {
        Some(best) => described(best.family),
        None => unknown(archive),
    };
    let mut names: Vec<&str> = Vec::new();
    for name in wanted.iter().map(|family| family.name()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let needed = match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    };
    Error::OtherNetwork { found, needed }
}

fn described(family: Family) -> String {
    let name = family.name();
    match (family, family.used_by()) {
        (_, Some(user)) => format!("{name}: {user} takes it"),
        (Family::Unsupported(network), None) if !network.why.is_empty() => {
            format!("{name}, which is not supported: {}", network.why)
        }
        (Family::Unsupported(_), None) => format!("{name}, which is not supported"),
        (_, None) => format!("{name}, which no node takes"),
    }
}

fn unknown(archive: &Archive<'_>) -> String {
    let quoted = |name: &String| {
        let start: String = name.chars().take(LETTERS).collect();
        let dots = if start.len() < name.len() { "..." } else { "" };
        format!("`{}{dots}`", start.escape_debug())
    };
    let names: Vec<String> = archive.tensors.keys().take(QUOTED).map(quoted).collect();
    let more = if archive.tensors.len() > QUOTED { ", ..." } else { "" };
    let count = archive.tensors.len();
    let tensors = if count == 1 { "tensor" } else { "tensors" };
    format!(
        "{} with {count} {tensors} of no network that is known ({}{more})",
        archive.format.name(),
        names.join(", ")
    )
}

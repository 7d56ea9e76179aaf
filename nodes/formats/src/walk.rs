//! From the values of a pickle to named tensors.
//!
//! Names are the keys on the way, joined by dots: `state_dict.features.0.weight`.

use crate::archive::Archive;
use crate::error::Error;
use crate::limits::Budget;
use crate::pickle::{Id, Tree};
use crate::torch::rebuild::{Keep, Persistent, Rebuild};

mod call;
mod children;
mod describe;
mod mapping;

pub(crate) use call::{Call, call, global};
pub(crate) use mapping::{lookup, mapping};

use children::children;

/// A value that is still to be visited.
struct Visit {
    name: String,
    id: Id,
    depth: usize,
    in_network: bool,
    /// Which key of the outermost dict it lies below.
    part: Option<usize>,
}

/// Adds the tensors below the root of `tree`, and its metadata, to `archive`. Names start with `prefix`.
pub(crate) fn collect<'t, 'a>(
    tree: &Tree<'t>,
    keep: Keep<'_, 't, 'a>,
    outside: &mut dyn Persistent<'a>,
    budget: &Budget,
    prefix: &str,
    archive: &mut Archive<'a>,
) -> Result<(), Error> {
    let mut rebuild = Rebuild::new(tree, keep, outside, budget);
    let mut open =
        vec![Visit { name: prefix.to_owned(), id: tree.root(), depth: 0, in_network: false, part: None }];
    let mut parts: Vec<(String, bool)> = Vec::new();
    while let Some(visit) = open.pop() {
        budget.step()?;
        match rebuild.tensor(&visit.name, visit.id, visit.in_network)? {
            Found::Tensor(tensor) => {
                let name = if visit.name.is_empty() { "tensor".to_owned() } else { visit.name };
                archive.insert(name, tensor, budget)?;
                // What lies below a part has a deeper name than it.
                let part = visit.part.filter(|_| visit.depth > 1).and_then(|part| parts.get_mut(part));
                part.into_iter().for_each(|(_, has_tensors)| *has_tensors = true);
                continue;
            }
            Found::Skipped(why) => {
                archive.skipped.push((visit.name, why));
                continue;
            }
            Found::Nothing => {}
        }
        let (below, is_network) = children(tree, visit.id);
        if !below.is_empty() && visit.depth == budget.limits.depth {
            return Err(Error::Limit { what: "levels of nesting", limit: visit.depth as u64 });
        }
        let separator = if visit.in_network { '/' } else { '.' };
        // The last is pushed first, so that tensors come in the order of the file.
        let is_plain = tree.sequence(visit.id).is_some() || mapping(tree, visit.id).is_some();
        if visit.depth == 0 && prefix.is_empty() && is_plain {
            parts.extend(below.iter().map(|(key, _)| (key.to_string(), false)));
        }
        for (index, (key, id)) in below.into_iter().enumerate().rev() {
            budget.step()?;
            let name = join(&visit.name, separator, &key, budget)?;
            let part = if visit.depth == 0 { Some(index) } else { visit.part };
            open.push(Visit { name, id, depth: visit.depth + 1, in_network: is_network, part });
        }
    }
    archive.parts.extend(parts.into_iter().filter(|(_, has_tensors)| *has_tensors).map(|(part, _)| part));
    if let Some(metadata) = describe::describe(tree) {
        archive.add_metadata(metadata);
    }
    Ok(())
}

/// What a value turned out to be.
pub(crate) enum Found<'a> {
    /// A tensor.
    Tensor(crate::Tensor<'a>),
    /// An array of something else than numbers.
    Skipped(&'static str),
    /// Something else.
    Nothing,
}

fn join(prefix: &str, separator: char, key: &str, budget: &Budget) -> Result<String, Error> {
    if prefix.len() + key.len() >= budget.limits.name {
        return Err(Error::Limit { what: "bytes in a name", limit: budget.limits.name as u64 });
    }
    Ok(if prefix.is_empty() { key.to_owned() } else { format!("{prefix}{separator}{key}") })
}

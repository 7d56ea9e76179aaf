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
    let mut open = vec![Visit { name: prefix.to_owned(), id: tree.root(), depth: 0, in_network: false }];
    while let Some(visit) = open.pop() {
        budget.step()?;
        match rebuild.tensor(&visit.name, visit.id)? {
            Found::Tensor(tensor) => {
                let name = if visit.name.is_empty() { "tensor".to_owned() } else { visit.name };
                archive.insert(name, tensor, budget)?;
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
        for (key, id) in below.into_iter().rev() {
            budget.step()?;
            let name = join(&visit.name, separator, &key, budget)?;
            open.push(Visit { name, id, depth: visit.depth + 1, in_network: is_network });
        }
    }
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

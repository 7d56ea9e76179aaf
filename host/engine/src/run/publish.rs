use super::steps::{Known, Trouble};
use super::{Run, with_texts};
use crate::cache::{Cache, Entry, Saved};
use crate::{Event, Failure, FailureKind, NewFile, Origin, Published};
use dreamwire_graph::CheckedNode;
use std::collections::HashSet;

/// Publishes the files of a cached result; those that exist are not written again. The step has published `before` files.
pub(super) fn publish_again(
    cache: &mut Cache,
    run: &Run<'_>,
    node: &CheckedNode,
    known: &Known,
    before: usize,
) -> Result<Vec<Published>, Trouble> {
    match known {
        Known::Whole(entry) => Ok(publish_saved(run, node, entry, before)?),
        Known::Parts(parts) => {
            let mut published = Vec::new();
            for index in 0..parts.len() {
                if parts.files_of(index) > 0 {
                    let entry = parts.fetch(cache, index)?;
                    published.extend(publish_saved(run, node, &entry, before + published.len())?);
                }
            }
            Ok(published)
        }
    }
}

fn publish_saved(
    run: &Run<'_>,
    node: &CheckedNode,
    entry: &Entry,
    before: usize,
) -> Result<Vec<Published>, Failure> {
    let inputs = if entry.saved.is_empty() { HashSet::new() } else { run.files.inputs() };
    let publish = |(index, file): (usize, &Saved)| {
        let origin = Origin { node: node.id.clone(), index: before + index };
        let (template, bytes) = (&file.template, &with_texts(run, &origin, &file.bytes));
        let new = NewFile { origin, template, bytes, inputs: &inputs, cached: true };
        let published = run.world.publish(&new).map_err(|error| Failure {
            hint: error.hint,
            ..Failure::new(FailureKind::Publish, error.message)
        })?;
        if published.written {
            (run.emit)(Event::Published { node: node.id.clone(), file: published.clone() });
        }
        Ok(published)
    };
    entry.saved.iter().enumerate().map(publish).collect()
}

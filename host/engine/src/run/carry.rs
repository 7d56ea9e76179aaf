//! What files carry beside the graph that their node wrote into them.

use super::Run;
use crate::metadata::{self, RECORD};
use crate::{Event, Level, Origin, Record};
use std::borrow::Cow;

/// The file of a node that ran, with the record of what it was made of. It is cached with it, as the graph is: both say
/// how it was computed, by the names of that run.
pub(crate) fn with_record<'a>(run: &Run<'_>, origin: &Origin, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    if !run.options.metadata || !metadata::carries_a_graph(bytes) {
        return Cow::Borrowed(bytes);
    }
    let Some(record) = Record::of(run, &origin.node, origin.index) else { return Cow::Borrowed(bytes) };
    let record = record.of_picture(bytes).to_json();
    add(run, origin, bytes, &[(RECORD, &record)])
}

/// A file of a node that ran or is cached, with the texts of this run, if it carries a graph.
pub(crate) fn with_texts<'a>(run: &Run<'_>, origin: &Origin, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    if !run.options.metadata || run.texts.is_empty() || !metadata::carries_a_graph(bytes) {
        return Cow::Borrowed(bytes);
    }
    let texts = run.texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let texts: Vec<_> = texts.filter(|(name, _)| *name != RECORD).collect();
    add(run, origin, bytes, &texts)
}

fn add<'a>(run: &Run<'_>, origin: &Origin, bytes: &'a [u8], texts: &[(&str, &str)]) -> Cow<'a, [u8]> {
    let added = metadata::add(bytes, texts);
    // Once for all pictures of a batch.
    if origin.index == 0 && !added.left_out.is_empty() {
        let names: Vec<String> = added.left_out.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("the picture has no room for {}: it is left out", names.join(", "));
        (run.emit)(Event::Log { node: origin.node.clone(), level: Level::Warn, message });
    }
    added.picture
}

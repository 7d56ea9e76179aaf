//! The graph of a row.

use dreamwire_graph::{Format, Graph, Kinds};

use super::{Row, Rows, texts};

impl Rows {
    /// The graph with the settings of a row, its names and what its curves are then. What rows give each other is not in it.
    ///
    /// # Errors
    /// A value does not fit its param, which the trial of all values has not found: an earlier one is wrong without it.
    pub(super) fn graph(&self, base: &Graph, row: &Row, kinds: &Kinds) -> Result<Graph, String> {
        let mut graph = base.clone();
        for (target, text) in &row.sets {
            graph.set(&format!("{target}={text}"), kinds)?;
        }
        graph.at_frame(row.frame, kinds);
        let is_set = |node: &str, param: &str| {
            row.sets.iter().any(|(target, _)| {
                target.strip_prefix(node).is_some_and(|rest| rest.strip_prefix('.') == Some(param))
            })
        };
        let files: Vec<_> = texts(base, kinds, Format::File).collect();
        for (node, param, text) in files {
            if !is_set(&base.nodes[node].id, &param) && row.names.has_any(&text) {
                graph.put_text(node, &param, row.names.fill(&text));
            }
        }
        for (node, param, text) in &row.held {
            graph.put_text(*node, param, text.clone());
        }
        let after = base.after_all_rows();
        for (node, param, text) in texts(base, kinds, Format::Output).collect::<Vec<_>>() {
            if !after.contains(&base.nodes[node].id) {
                graph.put_text(node, &param, self.output_name(&text, row));
            }
        }
        Ok(graph)
    }
}

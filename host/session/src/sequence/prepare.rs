//! The graph of a row, and the names of its files.

use std::collections::BTreeMap;

use dreamwire_graph::{Class, Format, Graph, Kinds};

use super::axis::AxisKind;
use super::{Refused, Row, Rows, texts};

impl Row {
    /// The text that the row gives to a param.
    fn text_of(&self, node: &str, param: &str) -> Option<&str> {
        let is_it =
            |target: &str| target.strip_prefix(node).and_then(|rest| rest.strip_prefix('.')) == Some(param);
        self.sets.iter().find(|(target, _)| is_it(target)).map(|(_, text)| text.as_str())
    }
}

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
        let files: Vec<_> = texts(base, kinds, Format::File).collect();
        for (node, param, text) in files {
            if row.text_of(&base.nodes[node].id, &param).is_none() && row.names.has_any(&text) {
                graph.put_text(node, &param, row.names.fill(&text));
            }
        }
        for (node, param, text) in &row.held {
            graph.put_text(*node, param, text.clone());
        }
        let after = base.after_all_rows();
        for (node, param, text) in texts(base, kinds, Format::Output).collect::<Vec<_>>() {
            let id = &base.nodes[node].id;
            if !after.contains(id) {
                graph.put_text(node, &param, self.output_name(id, &param, &text, row));
            }
        }
        Ok(graph)
    }

    /// What is added to the names of outputs that do not tell rows apart.
    fn suffix(&self) -> String {
        let mut suffix = String::new();
        let digits = self.total.to_string().len().max(2);
        let has = |kind| self.axes.iter().filter(|axis| axis.kind == kind).count();
        if has(AxisKind::Files) > 0 {
            suffix += "/{dir}/{stem}";
        }
        // Two folders need more than the name in one of them, unless they go in pairs.
        let others = has(AxisKind::Values) + has(AxisKind::Seeds);
        if others > 0 || (has(AxisKind::Files) > 1 && !self.zip) {
            suffix += &format!("_{{row:{digits:02}}}").replace(":0", ":");
        }
        if has(AxisKind::Frames) > 0 && (others == 0 || self.zip) {
            suffix += "_{frame:4}";
        }
        suffix
    }

    /// The text of an output's name in a row: what the row gives it, or `pattern`.
    fn output_name(&self, node: &str, param: &str, pattern: &str, row: &Row) -> String {
        let given = row.text_of(node, param);
        let tells_apart = |pattern| row.names.has_any(pattern) || mentions(pattern, &row.sets);
        let pattern = given.unwrap_or(pattern);
        let pattern = match given.is_some() || tells_apart(pattern) {
            true => pattern.to_owned(),
            false => format!("{pattern}{}", self.suffix()),
        };
        let mut name = row.names.fill(&pattern);
        if pattern.contains("{dir}") {
            while name.contains("//") {
                name = name.replace("//", "/");
            }
            name = name.trim_start_matches('/').to_owned();
        }
        name
    }

    /// Rows must not replace each other's files.
    pub(super) fn refuse_shared_names(&self, graph: &Graph, kinds: &Kinds) -> Result<(), Refused> {
        let after = graph.after_all_rows();
        for (node, param, pattern) in texts(graph, kinds, Format::Output) {
            if after.contains(&graph.nodes[node].id) {
                continue;
            }
            let mut names: BTreeMap<String, usize> = BTreeMap::new();
            for row in self.iter().filter(|row| !row.is_preroll) {
                let mut name = self.output_name(&graph.nodes[node].id, &param, &pattern, &row);
                for (target, text) in &row.sets {
                    name = name.replace(&format!("%{target}%"), text);
                }
                if let Some(other) = names.insert(name.clone(), row.number) {
                    let id = &graph.nodes[node].id;
                    let message = format!(
                        "rows {other} and {} of node `{id}` have the same name: `{name}`",
                        row.number
                    );
                    let hint =
                        "add what tells them apart, such as {row}, {stem}, {dir}, {frame:04} or {node.param}";
                    return Err(Refused::problem(Class::Graph, message, hint));
                }
            }
        }
        Ok(())
    }
}

/// Whether a name has the value of a param that differs: `%dream.rate%`.
fn mentions(pattern: &str, sets: &[(String, String)]) -> bool {
    sets.iter().any(|(target, _)| pattern.contains(&format!("%{target}%")))
}

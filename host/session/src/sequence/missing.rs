//! Input files of frames that are not there.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dreamwire_graph::{Class, Format, Graph, Kinds};

use super::{Missing, Refused, Rows, texts};

impl Rows {
    /// Looks for the input files whose names differ from row to row.
    pub(super) fn find_missing(
        &mut self,
        missing: Missing,
        graph: &Graph,
        kinds: &Kinds,
        roots: &[PathBuf],
    ) -> Result<(), Refused> {
        let Some(first) = self.iter().next() else { return Ok(()) };
        let patterns: Vec<(usize, String, String)> =
            texts(graph, kinds, Format::File).filter(|(_, _, text)| first.names.has_any(text)).collect();
        let is_there = |path: &str| roots.iter().any(|root| root.join(path).is_file());
        let mut absent = Vec::new();
        let mut kept = Vec::with_capacity(self.selected.len());
        for (node, param, pattern) in &patterns {
            let mut last: Option<String> = None;
            let mut waiting = Vec::new();
            for row in self.iter().collect::<Vec<_>>() {
                let path = row.names.fill(pattern);
                if is_there(&path) {
                    for number in waiting.drain(..) {
                        self.held.entry(number).or_default().push((*node, param.clone(), path.clone()));
                    }
                    last = Some(path);
                } else if missing == Missing::Hold {
                    match &last {
                        Some(path) => {
                            self.held.entry(row.number).or_default().push((
                                *node,
                                param.clone(),
                                path.clone(),
                            ));
                        }
                        None => waiting.push(row.number),
                    }
                } else {
                    absent.push((row.number, path));
                }
            }
            if last.is_none() && !self.selected.is_empty() {
                let message = format!("no file matches `{pattern}`");
                return Err(Refused::problem(
                    Class::Input,
                    message,
                    "is the folder right, and the range of frames?",
                ));
            }
        }
        if absent.is_empty() {
            return Ok(());
        }
        if missing == Missing::Error {
            let names: Vec<String> = absent.iter().take(10).map(|(_, path)| format!("`{path}`")).collect();
            let more =
                if absent.len() > 10 { format!(" and {} more", absent.len() - 10) } else { String::new() };
            let message = format!("{} missing: {}{more}", files(absent.len()), names.join(", "));
            let hint =
                "leave out their rows with --missing skip, or take the file before with --missing hold";
            return Err(Refused::problem(Class::Input, message, hint));
        }
        let numbers: BTreeSet<usize> = absent.into_iter().map(|(number, _)| number).collect();
        for &(number, is_preroll) in &self.selected {
            if numbers.contains(&number) {
                self.left_out.push(number);
            } else {
                kept.push((number, is_preroll));
            }
        }
        self.selected = kept;
        Ok(())
    }
}

fn files(count: usize) -> String {
    if count == 1 { "one file is".to_owned() } else { format!("{count} files are") }
}

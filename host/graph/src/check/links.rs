use super::Checker;
use crate::checked::Link;
use crate::diagnostics::{missing_node, missing_output, type_mismatch};
use crate::graph::{Input, LinkRef, Node, OutputRef};
use crate::kinds::Port;
use crate::params::Param;

impl<'a> Checker<'a> {
    /// Follows a link into a port. `None` if it leads nowhere, or to a node of an unknown kind.
    pub(super) fn port_link(
        &mut self,
        node: &Node,
        input: &Input,
        link: &LinkRef,
        port: &Port,
    ) -> Option<Link> {
        let from = self.follow(link)?;
        let kind = self.found[from.node].clone()?;
        let output = &kind.outputs[from.output];
        if port.accepts(&output.types) {
            return Some(from);
        }
        let source = &self.graph.nodes[from.node];
        let hint = self.mend(&kind, output, source, node, &port.types);
        let wants = port.type_text();
        self.problems.push(type_mismatch::new(node, input, &wants, source, output, hint));
        None
    }

    /// Follows a link into a param, which takes scalars.
    pub(super) fn param_link(
        &mut self,
        node: &Node,
        input: &Input,
        link: &LinkRef,
        param: &Param,
    ) -> Option<Link> {
        let from = self.follow(link)?;
        let kind = self.found[from.node].clone()?;
        let output = &kind.outputs[from.output];
        if output.types.iter().any(|ty| param.accepts(ty)) {
            return Some(from);
        }
        let source = &self.graph.nodes[from.node];
        let (wants, hint) = match param.wire_type() {
            Some(ty) => {
                let wanted = [ty.to_owned()];
                let hint = self.mend(&kind, output, source, node, &wanted);
                (ty.to_owned(), hint.or_else(|| self.instead(&kind, source, &wanted)))
            }
            None => ("a literal".to_owned(), None),
        };
        self.problems.push(type_mismatch::new(node, input, &wants, source, output, hint));
        None
    }

    fn follow(&mut self, link: &LinkRef) -> Option<Link> {
        let Some(&node) = self.ids.get(link.node.as_str()) else {
            let names = if self.enough() { Vec::new() } else { self.names() };
            self.problems.push(missing_node::new(link, &names));
            return None;
        };
        let kind = self.found[node].clone()?;
        let output = match &link.output {
            OutputRef::Index(index) => {
                usize::try_from(*index).ok().filter(|index| *index < kind.outputs.len())
            }
            OutputRef::Name(name) => kind.outputs.iter().position(|port| port.name == *name),
        };
        if output.is_none() {
            self.problems.push(missing_output::new(link, &kind));
        }
        output.map(|output| Link { node, output })
    }

    fn names(&self) -> Vec<&'a str> {
        self.graph.nodes.iter().map(|node| node.id.as_str()).collect()
    }

    /// An output of the graph that could be linked to a port: of the last node before `node` that has one, or of the
    /// first one after it.
    pub(super) fn giver(&self, node: &Node, port: &Port) -> Option<(&'a str, String)> {
        let here = self.ids.get(node.id.as_str()).copied().unwrap_or(0);
        let before = (0..here).rev();
        let after = here + 1..self.graph.nodes.len();
        before.chain(after).find_map(|index| {
            let kind = self.found[index].as_ref()?;
            let output = kind.outputs.iter().find(|output| port.accepts(&output.types))?;
            Some((self.graph.nodes[index].id.as_str(), output.name.clone()))
        })
    }
}

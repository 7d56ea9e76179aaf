//! How to mend a link of the wrong type, by what the kinds take and give.

use super::Checker;
use crate::graph::Node;
use crate::kinds::{KindInfo, Port};
use crate::suggest::either;

/// So many kinds at most are named.
const MOST: usize = 3;

impl Checker<'_> {
    /// Another output of the same node, or a kind to put between.
    pub(super) fn mend(
        &self,
        kind: &KindInfo,
        output: &Port,
        source: &Node,
        node: &Node,
        wanted: &[String],
    ) -> Option<String> {
        if let Some(other) = kind.outputs.iter().find(|port| port.accepts(wanted)) {
            let (id, name) = (&source.id, &other.name);
            return Some(format!("`{id}` has an output of that type: [\"{id}\", \"{name}\"]"));
        }
        let found = &output.types;
        let takers =
            self.kinds.iter().filter(|kind| takes(kind, found, wanted) && gives(kind, found, wanted));
        let takers: Vec<&KindInfo> = takers.map(|kind| &**kind).collect();
        let converters = converters(&takers, found, wanted);
        let names = match (converters.as_slice(), takers.as_slice()) {
            ([], [only]) => vec![only.id.as_str()],
            ([], _) => return None,
            (some, _) => some.to_vec(),
        };
        let names = (names.len() <= MOST).then(|| either(&names))?;
        Some(format!("put a {names} node between `{}` and `{}`", source.id, node.id))
    }

    /// For a node that only gives a value: kinds that do that with another type.
    pub(super) fn instead(&self, kind: &KindInfo, source: &Node, wanted: &[String]) -> Option<String> {
        let is_value = |kind: &KindInfo| kind.inputs.is_empty() && kind.outputs.len() == 1;
        let others = self.kinds.iter().filter(|kind| is_value(kind) && kind.outputs[0].accepts(wanted));
        let others: Vec<&str> = others.map(|kind| kind.id.as_str()).take(MOST + 1).collect();
        let is_few = is_value(kind) && (1..=MOST).contains(&others.len());
        let gives = wanted.join(" or ");
        is_few.then(|| format!("make `{}` a {}, which gives {gives}", source.id, either(&others)))
    }
}

/// Whether an input of the kind accepts such a value, and not what is wanted as well.
fn takes(kind: &KindInfo, found: &[String], wanted: &[String]) -> bool {
    kind.inputs.iter().any(|port| port.accepts(found) && !port.accepts(wanted))
}

/// Whether the kind always gives what is wanted, and not perhaps what it was given.
fn gives(kind: &KindInfo, found: &[String], wanted: &[String]) -> bool {
    kind.outputs.iter().any(|port| !port.optional && port.accepts(wanted) && !port.accepts(found))
}

/// The kinds that need nothing else and give nothing else; one with the name of a converter alone (`MaskToImage`).
fn converters<'k>(takers: &[&'k KindInfo], found: &[String], wanted: &[String]) -> Vec<&'k str> {
    let is_simple = |kind: &KindInfo| {
        let mut needed = kind.inputs.iter().filter(|port| !port.optional);
        let first = needed.next();
        first.is_some_and(|port| port.accepts(found)) && needed.next().is_none() && kind.outputs.len() == 1
    };
    let simple: Vec<&str> =
        takers.iter().filter(|kind| is_simple(kind)).map(|kind| kind.id.as_str()).collect();
    let is_named = |id: &str| {
        let mut names = found.iter().flat_map(|from| wanted.iter().map(move |to| format!("{from}To{to}")));
        names.any(|name| name.eq_ignore_ascii_case(id))
    };
    match simple.iter().copied().find(|id| is_named(id)) {
        Some(named) => vec![named],
        None => simple,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// The hint for a link from a node of one kind to an input of another.
    fn hint(from: &str, to: &str, input: &str) -> String {
        let from = format!(r#""a": {{ "class_type": "{from}" }}"#);
        let to = format!(r#""b": {{ "class_type": "{to}", "inputs": {{ "{input}": ["a", 0] }} }}"#);
        one(&format!("{{ {from}, {to} }}"), "graph::type_mismatch").hint
    }

    #[test]
    fn a_converter_goes_between() {
        let between = |kind: &str| format!("put a {kind} node between `a` and `b`");
        assert_eq!(hint("SolidMask", "SaveImage", "images"), between("`MaskToImage`"));
        assert_eq!(hint("Blur", "GradientAscent", "mask"), between("`ImageToMask`"));
        // It needs a MAPPING as well, but nothing else makes the one of the other.
        assert_eq!(hint("LatentNoise", "Synthesis", "w"), between("`MappingNetwork`"));
        // GradientAscent could take the picture itself.
        assert_eq!(hint("MappingNetwork", "Blur", "image"), between("`Synthesis`"));
    }

    #[test]
    fn what_may_give_the_same_type_or_nothing_converts_nothing() {
        assert_eq!(hint("LatentNoise", "SaveImage", "images"), "");
        // GradientAscent gives a latent only if it was given one.
        assert_eq!(hint("Blur", "LatentSelect", "latents"), "");
    }

    #[test]
    fn a_value_of_another_type_takes_its_place() {
        assert_eq!(hint("Float", "GradientAscent", "octaves"), "make `a` a `Integer`, which gives INT");
        assert_eq!(hint("Blur", "GradientAscent", "octaves"), "");
    }
}

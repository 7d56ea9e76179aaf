//! Kinds as node definitions.

use dreamwire_graph::{KindInfo, Kinds, MANY_SLOTS, Port, port_type};
use serde_json::{Map, Value, json};

use super::listing::Listing;
use super::widget::{port_spec, spec};

/// The definitions of all kinds, by name.
pub(crate) fn all(kinds: &Kinds, files: &Listing) -> Map<String, Value> {
    kinds.iter().map(|kind| (kind.id.clone(), definition(kind, files))).collect()
}

/// The definition of a kind. Every param is a widget, in the order of the kind: saved graphs give the values of widgets by
/// their order alone. The required ones come first, so a param with a default is optional where none without one follows
/// it: comfy-cli does not send a graph that leaves out what is required.
pub(crate) fn definition(kind: &KindInfo, files: &Listing) -> Value {
    let (mut required, mut optional) = (Map::new(), Map::new());
    let params = &kind.params.list;
    let last = params.iter().rposition(|param| param.default.is_none());
    let (needed, others) = params.split_at(last.map_or(0, |last| last + 1));
    optional.extend(others.iter().map(|param| (param.name.clone(), spec(param, files))));
    for port in &kind.inputs {
        for (place, name) in slots(port).enumerate() {
            // One link is enough for a port that takes many.
            let place_in = if port.optional || place > 0 { &mut optional } else { &mut required };
            place_in.insert(name, port_spec(port));
        }
    }
    required.extend(needed.iter().map(|param| (param.name.clone(), spec(param, files))));
    let names = |inputs: &Map<String, Value>| inputs.keys().cloned().collect::<Vec<_>>();
    let order = json!({ "required": names(&required), "optional": names(&optional) });
    let outputs = &kind.outputs;
    json!({
        "name": kind.id,
        "display_name": if kind.title.is_empty() { &kind.id } else { &kind.title },
        "description": first_paragraph(&kind.doc),
        "category": kind.category,
        "python_module": format!("custom_nodes.{}", pack(kind)),
        "output_node": kind.output,
        "input": { "required": required, "optional": optional },
        "input_order": order,
        "is_input_list": false,
        "output": outputs.iter().map(port_type).collect::<Vec<_>>(),
        "output_name": outputs.iter().map(|port| port.name.as_str()).collect::<Vec<_>>(),
        "output_is_list": vec![false; outputs.len()],
        "output_tooltips": outputs.iter().map(|port| one_line(&port.doc)).collect::<Vec<_>>(),
        "deprecated": false,
        "experimental": false,
        "api_node": false,
        "search_aliases": aliases(kind),
    })
}

/// The names of a port's sockets.
fn slots(port: &Port) -> impl Iterator<Item = String> {
    let count = if port.many { MANY_SLOTS } else { 1 };
    (0..count).map(|place| if port.many { format!("{}.{place}", port.name) } else { port.name.clone() })
}

/// What the editor calls the plugin of a kind, as the badge of its nodes and in the address of its help page:
/// `dreamwire-image` for `org.dreamwire.image`. A dot would end it.
pub(super) fn pack(kind: &KindInfo) -> String {
    let name = kind.plugin.split_once('.').map_or(kind.plugin.as_str(), |(_, name)| name);
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

/// Whoever knows the name of a kind finds it, whatever its title is.
fn aliases(kind: &KindInfo) -> Vec<String> {
    let mut words = String::new();
    let mut before = ' ';
    for c in kind.id.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        words.push(c);
        before = c;
    }
    let is_title = words.eq_ignore_ascii_case(&kind.title);
    if is_title { Vec::new() } else { vec![words] }
}

fn first_paragraph(doc: &str) -> String {
    one_line(doc.split("\n\n").next().unwrap_or_default())
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::kinds;

    fn of(kind: &str) -> Value {
        definition(kinds().get(kind).unwrap(), &Listing::default())
    }

    #[test]
    fn a_kind_with_ports_and_params() {
        let dream = of("GradientAscent");
        assert_eq!(dream["display_name"], "Gradient ascent (DeepDream)");
        assert_eq!(dream["description"], "Climbs the gradient of an objective.");
        assert_eq!(dream["python_module"], "custom_nodes.dreamwire-test");
        assert_eq!(dream["search_aliases"], json!(["Gradient Ascent"]));
        assert_eq!(
            dream["input_order"],
            json!({ "required": ["image", "objective"], "optional": ["octaves", "rate", "carry", "seed", "mask"] })
        );
        assert_eq!(dream["input"]["required"]["objective"][0], "OBJECTIVE,FEATURES");
        assert_eq!(dream["output"], json!(["IMAGE", "LATENT_W"]));
        assert_eq!(dream["output_is_list"], json!([false, false]));
        assert_eq!(dream["output_node"], json!(false));
    }

    #[test]
    fn a_port_that_takes_many_has_eight_sockets_and_needs_one() {
        let order = &of("SumObjective")["input_order"];
        assert_eq!(order["required"], json!(["objectives.0"]));
        let sockets = (1..8).map(|place| format!("objectives.{place}"));
        let others: Vec<String> = std::iter::once("weights".to_owned()).chain(sockets).collect();
        assert_eq!(order["optional"], json!(others));
    }

    #[test]
    fn params_keep_their_order_even_where_that_makes_them_required() {
        let properties = json!({
            "early": { "type": "number", "default": 1 },
            "name": { "type": "string" },
            "late": { "type": "number", "default": 1 },
        });
        let schema = json!({ "type": "object", "properties": properties });
        let (params, _) = dreamwire_graph::Params::parse(&schema).unwrap();
        let kind = KindInfo { params, ..(**kinds().get("Blur").unwrap()).clone() };
        let order = &definition(&kind, &Listing::default())["input_order"];
        assert_eq!(order, &json!({ "required": ["image", "early", "name"], "optional": ["late"] }));
    }

    #[test]
    fn a_plugin_is_a_pack() {
        let kind =
            |plugin: &str| KindInfo { plugin: plugin.to_owned(), ..(**kinds().get("Blur").unwrap()).clone() };
        assert_eq!(pack(&kind("org.dreamwire.image")), "dreamwire-image");
        assert_eq!(pack(&kind("com.example.my/nodes")), "example-my-nodes");
        assert_eq!(pack(&kind("mine")), "mine");
    }
}

mod describe;
mod json;
mod markdown;

use std::collections::BTreeMap;

use dreamwire_engine::Nodes;
use dreamwire_graph::{KindInfo, file_schema};
use dreamwire_loader::PluginInfo;
use serde_json::Value;

use crate::args::{Global, NodesArgs, cores};
use crate::console::{Console, clean, clean_line, with_hint};
use crate::exit::Exit;
use crate::open;

/// `dreamwire nodes`.
pub(crate) fn nodes(args: &NodesArgs, global: &Global, console: Console) -> Exit {
    let session = match open::session(global, cores(), console) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let kinds = session.loader.kinds();
    if args.schema {
        console.data(&format!("{:#}\n", file_schema(kinds)));
        return Exit::OK;
    }
    let chosen: Vec<&KindInfo> = match &args.kind {
        None => kinds.iter().map(|kind| &**kind).collect(),
        Some(id) => match kinds.get(id) {
            Some(kind) => vec![kind],
            None => {
                let all = || {
                    let looked = session.search.places().join(", ");
                    format!("`dreamwire nodes` lists all kinds; looked in {looked}")
                };
                let message = format!("error: unknown kind `{}`", clean_line(id));
                console.talk(&with_hint(&message, Some(&kinds.hint(id).unwrap_or_else(all))));
                return Exit::PLUGIN;
            }
        },
    };
    if args.json {
        let list: Vec<Value> = chosen.into_iter().map(json::kind).collect();
        console.data(&format!("{:#}\n", Value::Array(list)));
    } else if args.markdown {
        console.data(&markdown::reference(&by_plugin(chosen)));
    } else if args.kind.is_some() {
        chosen.into_iter().for_each(|kind| console.data(&clean(&describe::kind(kind))));
    } else if kinds.is_empty() {
        console.talk(&format!("no plugins; looked in {}", session.search.places().join(", ")));
    } else {
        console.data(&clean(&list(&by_plugin(chosen), &session.loader.plugins())));
    }
    Exit::OK
}

/// Kinds grouped by the id of their plugin, both in order.
fn by_plugin(kinds: Vec<&KindInfo>) -> BTreeMap<&str, Vec<&KindInfo>> {
    let mut groups: BTreeMap<&str, Vec<&KindInfo>> = BTreeMap::new();
    for kind in kinds {
        groups.entry(&kind.plugin).or_default().push(kind);
    }
    groups
}

fn list(groups: &BTreeMap<&str, Vec<&KindInfo>>, plugins: &[PluginInfo]) -> String {
    let mut text = String::new();
    for (id, kinds) in groups {
        let plugin = plugins.iter().find(|plugin| plugin.id == *id);
        let place = plugin.map(|plugin| format!(" {} ({})", plugin.version, plugin.path.display()));
        text += &format!("{id}{}\n", place.unwrap_or_default());
        let width = kinds.iter().map(|kind| kind.id.chars().count()).max().unwrap_or(0);
        for kind in kinds {
            let line = format!("  {:width$}  {}", kind.id, first_sentence(&kind.doc));
            text += line.trim_end();
            text += "\n";
        }
        text += "\n";
    }
    text.pop();
    text
}

/// The first sentence, on one line.
fn first_sentence(doc: &str) -> String {
    let paragraph = doc.split("\n\n").next().unwrap_or_default();
    let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.find(". ") {
        Some(end) => words[..=end].to_owned(),
        None => words,
    }
}

/// An example kind, for the tests of this module.
#[cfg(test)]
fn example() -> KindInfo {
    use dreamwire_graph::{Params, Port};
    let schema = serde_json::json!({ "type": "object", "properties": {
        "octaves": { "type": "integer", "minimum": 1, "maximum": 16, "default": 4, "description": "How many sizes." },
        "carry": { "type": "string", "enum": ["detail", "image"], "default": "detail" },
        "sigma": { "type": "number", "minimum": 0, "x-dw-unit": "px" },
    } });
    let port =
        |name: &str, ty: &str| Port { name: name.to_owned(), types: vec![ty.to_owned()], ..Port::default() };
    KindInfo {
        id: "GradientAscent".to_owned(),
        version: 1,
        plugin: "org.dreamwire.dream".to_owned(),
        file: "libdreamwire_dream.so".to_owned(),
        title: "Gradient ascent".to_owned(),
        category: "dream".to_owned(),
        doc: "Climbs the gradient\nof an objective. And more.\n\nMore of it.".to_owned(),
        inputs: vec![port("image", "IMAGE"), Port { optional: true, ..port("mask", "MASK") }],
        outputs: vec![port("IMAGE", "IMAGE")],
        params: Params::parse(&schema).expect("a schema in the subset").0,
        pure_: true,
        output: false,
        stateful: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_listed_under_their_plugin() {
        let kind = example();
        let text = list(&by_plugin(vec![&kind]), &[]);
        assert_eq!(text, "org.dreamwire.dream\n  GradientAscent  Climbs the gradient of an objective.\n");
    }
}

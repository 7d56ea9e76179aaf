use crate::outcome::{Done, Tally, Verdict};
use crate::probe::Plugin;
use crate::subject::Subject;
use dreamwire_graph::{ParamType, Params};
use dreamwire_socket::KindFacts;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let plugin = subject.open()?;
    let mut tally = Tally::default();
    for kind in plugin.facts().kinds.iter() {
        (subject.at)(&kind.id);
        tally.add(&kind.id, schema(&plugin, kind).map(|()| Done::Looked(1)));
    }
    tally.end("kind")
}

fn schema(plugin: &Plugin, kind: &KindFacts) -> Result<(), String> {
    let index = kind.index;
    let text = plugin.schema(index)?;
    if plugin.schema(index)? != text {
        return Err("`params_schema` returns another text on the second call".to_owned());
    }
    let value =
        serde_json::from_str(&text).map_err(|error| format!("the params schema is not JSON: {error}"))?;
    let (params, doc) = Params::parse(&value)?;
    if doc.trim().is_empty() {
        return Err("the schema has no `description`, which is the kind's doc".to_owned());
    }
    for param in &params.list {
        let name = &param.name;
        if param.doc.trim().is_empty() {
            return Err(format!("param `{name}` has no `description`"));
        }
        // A file or a text may be required; a number, a switch or a choice can have a default.
        if param.default.is_none() && (param.ty != ParamType::String || !param.choices.is_empty()) {
            return Err(format!("param `{name}` has no default; only strings may omit it"));
        }
        if kind.inputs.iter().any(|port| port.name == *name) {
            return Err(format!("param `{name}` has the name of an input port"));
        }
    }
    Ok(())
}

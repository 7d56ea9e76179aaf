//! The kinds of a plugin as the graph knows them. The first fault refuses the plugin.

use dreamwire_abi as abi;
use dreamwire_graph::{KindInfo, Params, Port};
use dreamwire_socket::{EntryRef, Facts, KindFacts, PortFacts};

/// Who a plugin says it is, and its kinds.
pub(crate) fn read(entry: EntryRef, file: &str) -> Result<(Facts, Vec<KindInfo>), String> {
    let facts = entry.facts();
    if let Some(fault) = facts.faults.first() {
        return Err(fault.clone());
    }
    let kinds = facts.kinds.iter().map(|kind| read_kind(entry, kind, &facts.id, file));
    let kinds = kinds.collect::<Result<_, _>>()?;
    Ok((facts, kinds))
}

fn read_kind(entry: EntryRef, kind: &KindFacts, plugin: &str, file: &str) -> Result<KindInfo, String> {
    let id = &kind.id;
    if id.is_empty() {
        return Err(format!("its kind #{} has no id", kind.index));
    }
    let schema = entry.schema(kind.index).map_err(|why| format!("`{id}`: {why}"))?;
    let schema =
        serde_json::from_str(&schema).map_err(|e| format!("the params schema of `{id}` is no JSON: {e}"))?;
    let (params, doc) = Params::parse(&schema).map_err(|e| format!("the params schema of `{id}`: {e}"))?;
    let flag = |bit: u32| kind.flags & bit != 0;
    Ok(KindInfo {
        version: kind.version,
        plugin: plugin.to_owned(),
        file: file.to_owned(),
        title: kind.title.clone(),
        category: kind.category.clone(),
        doc,
        inputs: kind.inputs.iter().map(port).collect(),
        outputs: kind.outputs.iter().map(port).collect(),
        params,
        // What an instance carries from run to run is in no key.
        pure_: flag(abi::KIND_PURE) && !flag(abi::KIND_STATEFUL),
        output: flag(abi::KIND_OUTPUT),
        stateful: flag(abi::KIND_STATEFUL),
        id: id.clone(),
    })
}

fn port(port: &PortFacts) -> Port {
    Port {
        name: port.name.clone(),
        doc: port.doc.clone(),
        types: port.types().filter(|ty| !ty.is_empty()).map(str::to_owned).collect(),
        optional: port.flags & abi::PORT_OPTIONAL != 0,
        many: port.flags & abi::PORT_MANY != 0,
    }
}

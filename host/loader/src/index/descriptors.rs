//! Descriptors as JSON.

use crate::descriptor::Descriptors;
use dreamwire_socket::{Facts, KindFacts, PortFacts};
use serde_json::{Value, json};

/// The descriptors of a plugin without faults, and the size of its library.
pub(super) fn to_json(descriptors: &Descriptors, size: u64) -> Value {
    let Facts { id, version, build, flags, kinds, faults: _ } = &descriptors.facts;
    let kinds = kinds.iter().zip(&descriptors.schemas);
    let kinds: Vec<Value> = kinds.map(|(kind, schema)| kind_to_json(kind, schema)).collect();
    json!({
        "size": size,
        "id": id,
        "version": version,
        "build": build,
        "flags": flags,
        "devices": descriptors.devices,
        "kinds": kinds,
    })
}

fn kind_to_json(kind: &KindFacts, schema: &str) -> Value {
    let KindFacts { index, id, version, title, category, flags, inputs, outputs } = kind;
    let ports = |ports: &[PortFacts]| -> Vec<Value> { ports.iter().map(port_to_json).collect() };
    json!({
        "index": index,
        "id": id,
        "version": version,
        "title": title,
        "category": category,
        "flags": flags,
        "inputs": ports(inputs),
        "outputs": ports(outputs),
        "schema": schema,
    })
}

fn port_to_json(port: &PortFacts) -> Value {
    let PortFacts { name, doc, types, flags } = port;
    json!({ "name": name, "doc": doc, "types": types, "flags": flags })
}

/// The reverse of [`to_json`].
pub(super) fn from_json(json: &Value) -> Option<(Descriptors, u64)> {
    let kinds = json.get("kinds")?.as_array()?;
    let facts = Facts {
        id: text(json, "id")?,
        version: text(json, "version")?,
        build: text(json, "build")?,
        flags: number(json, "flags")?,
        kinds: kinds.iter().map(kind_from_json).collect::<Option<_>>()?,
        faults: Vec::new(),
    };
    let schemas = kinds.iter().map(|kind| text(kind, "schema")).collect::<Option<_>>()?;
    let devices = json.get("devices")?.as_array()?.iter();
    let devices = devices.map(|ty| ty.as_i64()?.try_into().ok()).collect::<Option<_>>()?;
    Some((Descriptors { facts, schemas, devices }, number(json, "size")?))
}

fn kind_from_json(json: &Value) -> Option<KindFacts> {
    let ports = |name: &str| -> Option<Vec<PortFacts>> {
        json.get(name)?.as_array()?.iter().map(port_from_json).collect()
    };
    Some(KindFacts {
        index: number(json, "index")?,
        id: text(json, "id")?,
        version: number(json, "version")?,
        title: text(json, "title")?,
        category: text(json, "category")?,
        flags: number(json, "flags")?,
        inputs: ports("inputs")?,
        outputs: ports("outputs")?,
    })
}

fn port_from_json(json: &Value) -> Option<PortFacts> {
    Some(PortFacts {
        name: text(json, "name")?,
        doc: text(json, "doc")?,
        types: text(json, "types")?,
        flags: number(json, "flags")?,
    })
}

fn text(json: &Value, name: &str) -> Option<String> {
    json.get(name)?.as_str().map(str::to_owned)
}

fn number<N: TryFrom<u64>>(json: &Value, name: &str) -> Option<N> {
    json.get(name)?.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_back() {
        let port = |name: &str, flags| PortFacts {
            name: name.to_owned(),
            doc: "A \"port\".\n".to_owned(),
            types: "OBJECTIVE|FEATURES".to_owned(),
            flags,
        };
        let kind = KindFacts {
            index: 3,
            id: "Kind".to_owned(),
            version: u32::MAX,
            title: "Ünicode".to_owned(),
            category: "a/b".to_owned(),
            flags: 5,
            inputs: vec![port("x", 1), port("y", 2)],
            outputs: vec![port("z", 0)],
        };
        let facts = Facts {
            id: "org.example".to_owned(),
            version: "1".to_owned(),
            build: "C".to_owned(),
            flags: 1 << 31,
            kinds: vec![kind.clone(), KindFacts { index: 4, ..kind }],
            faults: Vec::new(),
        };
        let schemas = vec![r#"{"type": "object"}"#.to_owned(), r#"{"default": 0.1}"#.to_owned()];
        let descriptors = Descriptors { facts, schemas, devices: vec![2, -1] };
        let text = to_json(&descriptors, u64::MAX).to_string();
        let back = from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(back, (descriptors, u64::MAX));
        let mut without = to_json(&back.0, 7);
        without["kinds"][1]["inputs"][0].as_object_mut().unwrap().remove("flags");
        assert_eq!(from_json(&without), None);
    }
}

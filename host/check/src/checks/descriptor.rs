use crate::outcome::{Stop, Verdict};
use crate::subject::Subject;
use dreamwire_abi as abi;
use dreamwire_abi::{WIRE_TYPES, wire_type};
use dreamwire_socket::{Facts, KindFacts, PortFacts};
use std::collections::BTreeSet;

const KIND_FLAGS: u32 = abi::KIND_PURE | abi::KIND_OUTPUT | abi::KIND_STATEFUL;
const PORT_FLAGS: u32 = abi::PORT_OPTIONAL | abi::PORT_MANY | abi::PORT_ROWS;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let facts = subject.open()?.facts();
    let faults = faults(&facts);
    if !faults.is_empty() {
        return Err(Stop::Failed(faults.join("; ")));
    }
    let kinds: Vec<&str> = facts.kinds.iter().map(|kind| kind.id.as_str()).collect();
    Ok(format!("{} {}: {}", facts.id, facts.version, kinds.join(", ")))
}

fn faults(facts: &Facts) -> Vec<String> {
    let mut faults = facts.faults.clone();
    // What cannot be read is empty here: one fault is enough.
    let unread = !faults.is_empty();
    if !unread {
        for (what, text) in [("id", &facts.id), ("version", &facts.version)] {
            if text.is_empty() {
                faults.push(format!("the plugin has no {what}"));
            }
        }
        if facts.kinds.is_empty() {
            faults.push("it has no kinds".to_owned());
        }
    }
    if facts.flags != 0 {
        faults.push(format!("the entry has the unknown flags {:#x}", facts.flags));
    }
    let mut ids = BTreeSet::new();
    for kind in &facts.kinds {
        if !kind.id.is_empty() && !ids.insert(kind.id.as_str()) {
            faults.push(format!("there are two kinds `{}`", kind.id));
        }
        kind_faults(kind, unread, &mut faults);
    }
    faults
}

fn kind_faults(kind: &KindFacts, unread: bool, faults: &mut Vec<String>) {
    let name = if kind.id.is_empty() { format!("kind #{}", kind.index) } else { format!("`{}`", kind.id) };
    if !unread && kind.id.is_empty() {
        faults.push(format!("{name} has no id"));
    }
    if !unread && kind.title.is_empty() {
        faults.push(format!("{name} has no title"));
    }
    if kind.id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        faults.push(format!("the id {name} contains spaces or control characters"));
    }
    if kind.flags & !KIND_FLAGS != 0 {
        faults.push(format!("{name} has the unknown flags {:#x}", kind.flags & !KIND_FLAGS));
    }
    for (what, ports) in [("input", &kind.inputs), ("output", &kind.outputs)] {
        let mut names = BTreeSet::new();
        for (index, port) in ports.iter().enumerate() {
            if !port.name.is_empty() && !names.insert(port.name.as_str()) {
                faults.push(format!("{name} has two {what}s `{}`", port.name));
            }
            if !unread && port.name.is_empty() {
                faults.push(format!("{what} #{index} of {name} has no name"));
            }
            let many = what == "output" && port.flags & abi::PORT_MANY != 0;
            port_faults(port, &format!("{what} `{}` of {name}", port.name), unread, many, faults);
        }
    }
}

fn port_faults(port: &PortFacts, name: &str, unread: bool, many: bool, faults: &mut Vec<String>) {
    if many {
        faults.push(format!("{name} is MANY, which only inputs can be"));
    }
    if port.flags & abi::PORT_ROWS != 0 && port.flags & abi::PORT_MANY != 0 {
        faults.push(format!("{name} is MANY and ROWS, which only single values can be"));
    }
    if port.flags & !PORT_FLAGS != 0 {
        faults.push(format!("{name} has the unknown flags {:#x}", port.flags & !PORT_FLAGS));
    }
    if unread && port.types.is_empty() {
        return;
    }
    if let Some(unknown) = port.types().find(|ty| wire_type(ty).is_none()) {
        let known = WIRE_TYPES.map(|ty| ty.name).join(" ");
        faults.push(format!("{name} has the unknown type `{unknown}`; there are {known}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        let port = |name: &str, types: &str| PortFacts {
            name: name.to_owned(),
            types: types.to_owned(),
            ..PortFacts::default()
        };
        let kind = KindFacts {
            id: "Mix".to_owned(),
            title: "Mix".to_owned(),
            inputs: vec![port("a", "IMAGE"), port("b", "OBJECTIVE | FEATURES")],
            outputs: vec![port("a", "IMAGE")],
            ..KindFacts::default()
        };
        Facts { id: "org.x".to_owned(), version: "1".to_owned(), kinds: vec![kind], ..Facts::default() }
    }

    fn check(spoil: impl FnOnce(&mut Facts), expected: &str) {
        let mut facts = good();
        spoil(&mut facts);
        let faults = faults(&facts);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(expected), "{faults:?}");
    }

    #[test]
    fn each_fault_is_told_once() {
        assert!(faults(&good()).is_empty());
        check(|f| f.id.clear(), "the plugin has no id");
        check(|f| f.kinds.clear(), "it has no kinds");
        check(|f| f.kinds.push(f.kinds[0].clone()), "two kinds `Mix`");
        check(|f| f.kinds[0].id.push(' '), "contains spaces");
        check(|f| f.kinds[0].flags = 9, "unknown flags 0x8");
        check(|f| f.kinds[0].inputs[1].name = "a".to_owned(), "two inputs `a`");
        check(|f| f.kinds[0].inputs[1].types = "IMAGE|PICTURE".to_owned(), "unknown type `PICTURE`");
        check(|f| f.kinds[0].outputs[0].types.clear(), "unknown type ``");
        check(|f| f.kinds[0].outputs[0].flags = abi::PORT_MANY, "only inputs can be");
        check(|f| f.kinds[0].inputs[0].flags = abi::PORT_MANY | abi::PORT_ROWS, "only single values can be");
        check(
            |f| {
                f.kinds[0].inputs[0].name.clear();
                f.faults.push("it is not UTF-8".to_owned());
            },
            "it is not UTF-8",
        );
    }
}

//! The kinds of a plugin as the graph knows them. The first fault refuses the plugin.

use dreamwire_abi as abi;
use dreamwire_graph::{KindInfo, Params, Port};
use dreamwire_socket::{DevicesRef, EntryRef, Facts, KindFacts, PortFacts};

/// What a plugin says of itself and its kinds. Two plugins with equal descriptors are called in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptors {
    pub(crate) facts: Facts,
    /// The params schema of each kind, as text.
    pub(crate) schemas: Vec<String>,
    /// The types of devices that it was built for beside the CPU.
    pub(crate) devices: Vec<i32>,
}

impl Descriptors {
    /// Reads the descriptors of an open library.
    pub(crate) fn read(entry: EntryRef) -> Result<Self, String> {
        let facts = entry.facts();
        if let Some(fault) = facts.faults.first() {
            return Err(fault.clone());
        }
        let schema = |kind: &KindFacts| match &kind.id[..] {
            "" => Err(format!("its kind #{} has no id", kind.index)),
            id => entry.schema(kind.index).map_err(|why| format!("`{id}`: {why}")),
        };
        let schemas = facts.kinds.iter().map(schema).collect::<Result<_, _>>()?;
        // A plugin that says nothing of devices computes on the CPU.
        let devices = entry.devices()?.map_or(Vec::new(), DevicesRef::types);
        Ok(Self { facts, schemas, devices })
    }

    /// The kinds, whose library is `file`.
    pub(crate) fn kinds(&self, file: &str) -> Result<Vec<KindInfo>, String> {
        let kinds = self.facts.kinds.iter().zip(&self.schemas);
        kinds.map(|(kind, schema)| read_kind(kind, schema, &self.facts.id, file)).collect()
    }
}

fn read_kind(kind: &KindFacts, schema: &str, plugin: &str, file: &str) -> Result<KindInfo, String> {
    let id = &kind.id;
    let schema =
        serde_json::from_str(schema).map_err(|e| format!("the params schema of `{id}` is not JSON: {e}"))?;
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
        // Keys do not include the state that an instance carries from run to run.
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
        rows: port.flags & abi::PORT_ROWS != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn schema() -> abi::Str {
        abi::Str::new(r#"{"type": "object", "description": "A kind."}"#)
    }

    unsafe extern "C" fn create(_: abi::Str, _: *const abi::Call, _: *mut *mut abi::Node) -> abi::Status {
        abi::E_UNSUPPORTED
    }

    /// A plugin with one kind of these flags.
    fn plugin(flags: u32, id: &'static str) -> EntryRef {
        let kind = abi::Kind {
            size: size_of::<abi::Kind>() as u32,
            flags,
            id: abi::Str::new(id),
            version: 1,
            n_in: 0,
            n_out: 0,
            reserved: 0,
            inputs: std::ptr::null(),
            outputs: std::ptr::null(),
            title: abi::Str::EMPTY,
            category: abi::Str::EMPTY,
            params_schema: Some(schema),
            check_params: None,
        };
        let kinds: &'static [*const abi::Kind; 1] =
            Box::leak(Box::new([&raw const *Box::leak(Box::new(kind))]));
        let entry = abi::Entry {
            size: size_of::<abi::Entry>() as u32,
            abi_major: abi::ABI_MAJOR,
            abi_minor: 0,
            flags: 0,
            id: abi::Str::new("org.example"),
            version: abi::Str::new("1"),
            build: abi::Str::EMPTY,
            init: None,
            deinit: None,
            n_kinds: 1,
            reserved: 0,
            kinds: kinds.as_ptr(),
            create: Some(create),
            get_extension: None,
        };
        // SAFETY: static from now on, as is what it points to.
        unsafe { EntryRef::new(Box::leak(Box::new(entry))) }.unwrap()
    }

    #[test]
    fn what_carries_state_is_not_pure() {
        for (flags, pure_, stateful) in [
            (abi::KIND_PURE, true, false),
            (abi::KIND_PURE | abi::KIND_STATEFUL, false, true),
            (0, false, false),
        ] {
            let kinds = Descriptors::read(plugin(flags, "Kind")).unwrap().kinds("file").unwrap();
            assert_eq!((kinds[0].pure_, kinds[0].stateful, &kinds[0].doc[..]), (pure_, stateful, "A kind."));
        }
    }

    #[test]
    fn a_kind_without_an_id_refuses_the_plugin() {
        assert_eq!(Descriptors::read(plugin(0, "")).err().as_deref(), Some("its kind #0 has no id"));
    }
}

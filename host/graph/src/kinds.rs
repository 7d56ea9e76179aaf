use std::collections::BTreeMap;
use std::sync::Arc;

use crate::params::Params;

/// Every kind that the loaded plugins offer.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    map: BTreeMap<String, Arc<KindInfo>>,
    /// The folders that were searched for plugins.
    pub searched: Vec<String>,
    /// Kinds that are known to exist and the plugin file that has them (kind, file stem), so that an unknown
    /// kind can be told which plugin would give it.
    pub known: Vec<(String, String)>,
}

/// What a plugin says about a kind.
#[derive(Clone, Debug)]
pub struct KindInfo {
    /// Its name: `class_type` in a file.
    pub id: String,
    /// Raised by the author when results change.
    pub version: u32,
    /// Id of the plugin, such as `org.dreamwire.image`.
    pub plugin: String,
    /// The library file.
    pub file: String,
    /// Name for people.
    pub title: String,
    /// Where menus put it.
    pub category: String,
    /// What it does.
    pub doc: String,
    /// What can be connected to it.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    /// Its settings.
    pub params: Params,
    /// Same inputs and params, same result.
    pub pure_: bool,
    /// Runs for its own sake: saves or shows something.
    pub output: bool,
    /// Keeps something from one run to the next.
    pub stateful: bool,
}

/// An input or output that links connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Its name in files.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The types it takes, or the type it gives.
    pub types: Vec<String>,
    /// An input that may stay unconnected; an output that may hold nothing.
    pub optional: bool,
    /// It takes any number of links: `name.0`, `name.1`, ...
    pub many: bool,
}

impl Kinds {
    /// No kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind; one of the same name is replaced.
    pub fn insert(&mut self, kind: KindInfo) {
        self.map.insert(kind.id.clone(), Arc::new(kind));
    }

    /// The kind of that name.
    pub fn get(&self, id: &str) -> Option<&Arc<KindInfo>> {
        self.map.get(id)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KindInfo>> {
        self.map.values()
    }

    /// How many kinds there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}

impl KindInfo {
    /// Every name that `inputs` of a node of this kind may have, ports first.
    pub(crate) fn input_names(&self) -> impl Iterator<Item = &str> {
        let ports = self.inputs.iter().map(|port| port.name.as_str());
        ports.chain(self.params.list.iter().map(|param| param.name.as_str()))
    }

    /// The inputs as a message lists them: "`images` (IMAGE), `filename_prefix`".
    pub(crate) fn list_inputs(&self) -> String {
        let ports = self.inputs.iter().map(Port::shown);
        let params = self.params.list.iter().map(|param| format!("`{}`", param.name));
        ports.chain(params).collect::<Vec<_>>().join(", ")
    }
}

impl Port {
    /// The types as messages name them: "OBJECTIVE or FEATURES".
    pub(crate) fn type_text(&self) -> String {
        self.types.join(" or ")
    }

    /// "`images` (IMAGE)".
    pub(crate) fn shown(&self) -> String {
        format!("`{}` ({})", self.name, self.type_text())
    }

    /// Whether a value of one of those types fits.
    pub(crate) fn accepts(&self, types: &[String]) -> bool {
        types.iter().any(|ty| self.types.contains(ty))
    }
}

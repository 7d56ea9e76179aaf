use std::collections::BTreeMap;
use std::sync::Arc;

use crate::params::Params;
use crate::suggest::did_you_mean;

/// The kinds of all loaded plugins.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    map: BTreeMap<String, Arc<KindInfo>>,
    /// The folders that were searched for plugins.
    pub searched: Vec<String>,
    /// Kinds known to exist and the plugin file that has them (kind, file stem), so that an unknown kind can
    /// be reported with its plugin.
    pub known: Vec<(String, String)>,
    /// Kinds of other programs that no plugin has (or what their names begin with, if a `*` ends them), and what to use
    /// instead.
    pub elsewhere: Vec<(String, String)>,
}

/// A plugin's description of a kind.
#[derive(Clone, Debug)]
pub struct KindInfo {
    /// Its name: `class_type` in a file.
    pub id: String,
    /// Version; the author increments it when results change.
    pub version: u32,
    /// Id of the plugin, such as `org.dreamwire.image`.
    pub plugin: String,
    /// The library file.
    pub file: String,
    /// Display name.
    pub title: String,
    /// Menu category.
    pub category: String,
    /// What it does.
    pub doc: String,
    /// Input ports.
    pub inputs: Vec<Port>,
    /// Output ports.
    pub outputs: Vec<Port>,
    /// Params.
    pub params: Params,
    /// Whether the same inputs and params give the same result.
    pub pure_: bool,
    /// Whether it is an output node: it saves or shows something.
    pub output: bool,
    /// Whether it has state from one run to the next.
    pub stateful: bool,
}

/// An input or output that links connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Its name in files.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The types it accepts, or the type it gives.
    pub types: Vec<String>,
    /// Whether an input may stay unconnected, or an output be empty.
    pub optional: bool,
    /// Whether it takes any number of links: `name.0`, `name.1`, ...
    pub many: bool,
    /// Whether its first axis counts rows, and row i of an output depends on row i of such inputs alone.
    pub rows: bool,
}

impl Kinds {
    /// No kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind, replacing one of the same name.
    pub fn insert(&mut self, kind: KindInfo) {
        self.map.insert(kind.id.clone(), Arc::new(kind));
    }

    /// The kind of that name.
    pub fn get(&self, id: &str) -> Option<&Arc<KindInfo>> {
        self.map.get(id)
    }

    /// What to say about a kind that no plugin has: what gives it, what to use instead, or how it may be spelt.
    pub fn hint(&self, id: &str) -> Option<String> {
        if let Some((_, plugin)) = self.known.iter().find(|(kind, _)| kind == id) {
            return Some(format!("it comes with the plugin `{plugin}`, which was not found"));
        }
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => id.starts_with(start),
            None => id == pattern,
        };
        let instead = self.elsewhere.iter().find(|(pattern, _)| fits(pattern)).map(|(_, hint)| hint.clone());
        instead.or_else(|| did_you_mean(id, self.map.keys().map(String::as_str)))
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

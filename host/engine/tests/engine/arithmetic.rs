//! A small world to run graphs in: arithmetic kinds, and a log of what ran.

use dreamwire_engine::*;
use dreamwire_graph::{KindInfo, Kinds, Params, Port, Source};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A function that adds a number.
struct Plus(f64);

impl Function for Plus {
    fn ty(&self) -> &str {
        "FEATURES"
    }

    fn bytes(&self) -> u64 {
        8
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Arithmetic kinds: `Read` (a file's length), `Head` (the same, and the count of its first bytes, 16 at most), `Int`,
/// `Text`, `Add` (two tensors and a param; not 13), `Round` (to tens),
/// `Maybe` (empty), `Else` (its input, or 1), `Net` (a function that adds a file's length), `Apply`, `Save`, `SavePicture`
/// (a PNG with the graph).
pub(crate) struct Arithmetic {
    pub(crate) kinds: Kinds,
    pub(crate) fail: AtomicBool,
    /// The build of every kind.
    pub(crate) build: Mutex<String>,
}

fn kind(id: &str, inputs: &[&str], output: Option<&str>, schema: &str) -> KindInfo {
    let port = |name: &str, ty: &str| Port {
        name: name.to_owned(),
        doc: String::new(),
        types: vec![ty.to_owned()],
        optional: false,
        many: false,
        rows: false,
    };
    let (params, doc) = Params::parse(&serde_json::from_str(schema).unwrap()).unwrap();
    KindInfo {
        id: id.to_owned(),
        version: 1,
        plugin: "org.example.arithmetic".to_owned(),
        file: String::new(),
        title: id.to_owned(),
        category: String::new(),
        doc,
        inputs: inputs.iter().map(|name| port(name, "MASK")).collect(),
        outputs: output.into_iter().map(|ty| port(ty, ty)).collect(),
        params,
        pure_: id != "Dice",
        output: id == "Save",
        stateful: false,
    }
}

impl Arithmetic {
    fn new() -> Self {
        let mut kinds = Kinds::new();
        let none = r#"{"type": "object", "properties": {}}"#;
        let by =
            r#"{"type": "object", "properties": {"by": {"type": "integer", "default": 0, "maximum": 99}}}"#;
        let file = r#"{"type": "object", "properties": {"file": {"type": "string", "format": "dw-file"}}, "required": ["file"]}"#;
        let name = r#"{"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}"#;
        let int = r#"{"type": "object", "properties": {"by": {"type": "integer", "default": 0}}}"#;
        kinds.insert(kind("Read", &[], Some("MASK"), file));
        kinds.insert(kind("Head", &[], Some("MASK"), file));
        kinds.insert(kind("ReadAll", &[], Some("MASK"), &file.replace("dw-file", "dw-files")));
        kinds.insert(kind("Int", &[], Some("INT"), int));
        kinds.insert(kind("Text", &[], Some("STRING"), name));
        kinds.insert(kind("NaN", &[], Some("MASK"), none));
        kinds.insert(kind("Dice", &[], Some("MASK"), none));
        kinds.insert(kind("Add", &["a"], Some("MASK"), by));
        kinds.insert(kind("Round", &["a"], Some("MASK"), none));
        kinds.insert(kind("Maybe", &[], Some("MASK"), none));
        let mut otherwise = kind("Else", &["a"], Some("MASK"), none);
        otherwise.inputs[0].optional = true;
        kinds.insert(otherwise);
        kinds.insert(kind("Net", &[], Some("FEATURES"), file));
        let mut apply = kind("Apply", &["a", "net"], Some("MASK"), none);
        apply.inputs[1].types = vec!["FEATURES".to_owned()];
        kinds.insert(apply);
        kinds.insert(kind("Save", &["a"], None, name));
        let prefix = name.replace(r#""string""#, r#""string", "format": "dw-output""#);
        let mut prefixed = kind("SavePrefix", &["a"], None, &prefix);
        prefixed.output = true;
        kinds.insert(prefixed);
        let mut picture = kind("SavePicture", &["a"], None, name);
        picture.output = true;
        kinds.insert(picture);
        Self { kinds, fail: AtomicBool::new(false), build: Mutex::new("build 1".to_owned()) }
    }
}

/// The chunks of a PNG, which nobody decodes.
fn png(graph: Option<&str>, pixels: &Input) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut add = |kind: &[u8], data: &[u8]| {
        file.extend((data.len() as u32).to_be_bytes());
        file.extend([kind, data].concat());
        file.extend(crc32fast::hash(&[kind, data].concat()).to_be_bytes());
    };
    add(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    graph.into_iter().for_each(|graph| add(b"tEXt", format!("prompt\0{graph}").as_bytes()));
    add(b"IDAT", &number(pixels).to_be_bytes());
    add(b"IEND", b"");
    file
}

fn tensor(value: f64) -> Value {
    // Eight bytes of one element of a rank 1 tensor; the engine looks at bytes only.
    let bytes = Arc::new(value.to_ne_bytes().to_vec());
    Value::Tensor(Tensor::new(Dtype::U8, vec![8], bytes).unwrap())
}

fn number(input: &Input) -> f64 {
    let Input::One(Value::Tensor(tensor)) = input else { panic!("no tensor") };
    f64::from_ne_bytes(tensor.bytes().try_into().unwrap())
}

impl Nodes for Arithmetic {
    fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    fn build(&self, _: &str) -> Option<blake3::Hash> {
        Some(blake3::hash(self.build.lock().unwrap().as_bytes()))
    }

    fn run(&self, request: &Request<'_>) -> Result<Vec<Value>, Failure> {
        let params: serde_json::Value = serde_json::from_str(request.params).unwrap();
        if !request.services.progress(0, 1, "") {
            return Err(Failure::new(FailureKind::Cancelled, "stopped"));
        }
        Ok(match request.kind.id.as_str() {
            "Read" => {
                let bytes = request.services.read(params["file"].as_str().unwrap());
                let bytes = bytes.map_err(|_| request.services.take_failure().unwrap())?;
                vec![tensor(bytes.len() as f64)]
            }
            // The bytes of all files, of which one may not be listed.
            "ReadAll" => {
                let failed = |_| request.services.take_failure().unwrap();
                let names = request.services.read(params["file"].as_str().unwrap()).map_err(failed)?;
                let mut bytes = 0;
                for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
                    let name = std::str::from_utf8(name).unwrap();
                    bytes += request.services.read(name).map_err(failed)?.len();
                    if name.ends_with("pointer") {
                        request.services.read("in.txt").map_err(failed)?;
                    }
                }
                vec![tensor(bytes as f64)]
            }
            "Head" => {
                let head = request.services.head(params["file"].as_str().unwrap(), 16);
                let (bytes, length) = head.map_err(|_| request.services.take_failure().unwrap())?;
                vec![tensor(length as f64 + bytes.len() as f64)]
            }
            "Net" => {
                let bytes = request.services.read(params["file"].as_str().unwrap());
                let bytes = bytes.map_err(|_| request.services.take_failure().unwrap())?;
                vec![Value::Function(Arc::new(Plus(bytes.len() as f64)))]
            }
            "Apply" => {
                let Input::One(Value::Function(net)) = &request.inputs[1] else { panic!("no function") };
                let Plus(by) = net.as_any().downcast_ref().unwrap();
                vec![tensor(number(&request.inputs[0]) + by)]
            }
            "Text" => vec![Value::Text(params["name"].as_str().unwrap().into())],
            "Int" => vec![Value::Int(params["by"].as_i64().unwrap())],
            "Dice" => vec![tensor(4.)],
            "NaN" => {
                let bytes = Arc::new(f64::NAN.to_ne_bytes().to_vec());
                vec![Value::Tensor(Tensor::new(Dtype::F64, vec![1], bytes).unwrap())]
            }
            "Maybe" => vec![Value::None],
            "Else" if matches!(request.inputs[0], Input::None) => vec![tensor(1.)],
            // Its own judgement, which no schema states.
            "Add" if params["by"] == 13 => {
                return Err(Failure::new(FailureKind::Argument, "`by` is unlucky").at("by"));
            }
            "Add" if self.fail.load(Ordering::Relaxed) => {
                return Err(Failure::new(FailureKind::Argument, "cannot add").at("by"));
            }
            "Add" => vec![tensor(number(&request.inputs[0]) + params["by"].as_f64().unwrap())],
            "Round" => vec![tensor((number(&request.inputs[0]) / 10.).round() * 10.)],
            "SavePicture" => {
                let picture = png(request.services.provenance(), &request.inputs[0]);
                let template = format!("{}_{{counter:05}}.png", params["name"].as_str().unwrap());
                let published = request.services.publish(&template, &picture);
                published.map_err(|_| request.services.take_failure().unwrap())?;
                Vec::new()
            }
            _ => {
                let text = number(&request.inputs[0]).to_string();
                let template = format!("{}_{{counter:05}}.txt", params["name"].as_str().unwrap());
                let published = request.services.publish(&template, text.as_bytes());
                published.map_err(|_| request.services.take_failure().unwrap())?;
                Vec::new()
            }
        })
    }
}

pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) nodes: Arithmetic,
    pub(crate) world: Disk,
    pub(crate) engine: Engine,
    pub(crate) options: Options,
    /// Explains the next run by this one.
    pub(crate) history: Option<History>,
    /// More texts for pictures.
    pub(crate) texts: BTreeMap<String, String>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("in.txt"), "seven..").unwrap();
        std::fs::write(dir.path().join("weights"), "abc").unwrap();
        let world = Disk::new(vec![dir.path().to_owned()], dir.path().join("out"));
        let options = Options { device: Device::Cpu, threads: 1, allow_nonfinite: false, metadata: true };
        let engine = Engine::new(Cache::new(1 << 20));
        Self { nodes: Arithmetic::new(), world, engine, options, dir, history: None, texts: BTreeMap::new() }
    }

    /// As the next process would begin: only what is on disk is left.
    pub(crate) fn begin_again(&mut self) {
        let disk = DiskCache::new(&self.dir.path().join("cache"), 1 << 30);
        self.engine = Engine::new(Cache::new(1 << 20).on_disk(disk));
        self.world = Disk::new(vec![self.dir.path().to_owned()], self.dir.path().join("out"));
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn plan(&self, text: &str) -> Plan {
        self.plan_with(text, &[])
    }

    /// With settings from the command line.
    fn plan_with(&self, text: &str, sets: &[String]) -> Plan {
        let (mut graph, problems) = dreamwire_graph::parse(&Source::new("g.json", text));
        assert!(problems.is_empty(), "{problems:?}");
        sets.iter().for_each(|set| graph.set(set, &self.nodes.kinds).unwrap());
        let (checked, problems) = dreamwire_graph::check(&graph, &self.nodes.kinds);
        Plan::new(checked.unwrap_or_else(|| panic!("{problems:?}")), text.to_owned())
    }

    pub(crate) fn run(
        &mut self,
        plan: &Plan,
        emit: &(dyn Fn(Event) + Sync),
        cancel: &AtomicBool,
    ) -> Result<Summary, Stopped> {
        let files = &Snapshot::take(plan, &self.world);
        let options = self.options;
        let (quarantine, explain) = (&HashMap::new(), self.history.as_ref());
        let (nodes, world, texts) = (&self.nodes, &self.world, &self.texts);
        let run = Run { plan, files, options, nodes, world, emit, cancel, quarantine, explain, texts };
        self.engine.run(&run)
    }

    /// Runs a graph and gives the log: `ran` nodes plain, cached ones with a reason.
    pub(crate) fn log(&mut self, text: &str) -> String {
        self.log_with(text, &[])
    }

    /// With settings from the command line.
    pub(crate) fn log_with(&mut self, text: &str, sets: &[String]) -> String {
        let plan = self.plan_with(text, sets);
        let log = Mutex::new(Vec::new());
        let emit = |event: Event| match event {
            Event::Started { node, .. } => log.lock().unwrap().push(node),
            Event::Cached { node, why } => log.lock().unwrap().push(format!("{node}={why:?}")),
            Event::Failed { node } => log.lock().unwrap().push(format!("{node}!")),
            Event::Skipped { node, failed } => log.lock().unwrap().push(format!("{node}:{failed}!")),
            Event::Explained { node, reasons } => log.lock().unwrap().push(format!("{node}:{reasons:?}")),
            _ => {}
        };
        let stopped = self.run(&plan, &emit, &AtomicBool::new(false));
        let mut log = log.into_inner().unwrap();
        if let Err(Stopped::Failed(failures)) = stopped {
            log.extend(failures.into_iter().map(|failed| failed.failure.message));
        }
        log.join(" ")
    }
}

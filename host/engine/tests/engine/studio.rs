//! A small world of pictures: kinds whose rows do not depend on each other, and what they were asked for.

use dreamwire_engine::*;
use dreamwire_graph::{KindInfo, Kinds, Params, Port, Source};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Side of a picture: a row of more than half a piece.
const SIDE: usize = 450;

/// Kinds of batches: `Seeds` (latents from `first` on), `Paint` (a picture per latent), `Dot` (one of one pixel),
/// `Enlarge` (that as large as the others), `Invert`, `Blend` (with one picture or as many), `Sheet` (the mean of all), `Small` (pictures of one pixel), `Aim` (a function for a
/// batch of `count`), `Follow` (rows and such a function), `Double` (each picture twice, against its word),
/// `Save` (a file per picture).
pub(crate) struct Studio {
    pub(crate) kinds: Kinds,
    /// Each call with its rows: `paint[2]`.
    calls: Mutex<Vec<String>>,
    /// Rows of pictures in memory, now and at most.
    live: Arc<Rows>,
    /// The seed that `Paint` fails for; 0 for none.
    pub(crate) bad_seed: AtomicUsize,
    /// Cancels the run when a picture of that seed was painted; 0 for none.
    pub(crate) last_seed: AtomicUsize,
    cancel: AtomicBool,
}

#[derive(Default)]
struct Rows {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Bytes that count as rows while they are in memory.
struct Counted {
    bytes: Vec<u8>,
    rows: usize,
    live: Arc<Rows>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.live.now.fetch_sub(self.rows, Ordering::Relaxed);
    }
}

/// A function for a batch of some size, or of any.
struct Aim(Option<usize>);

impl Function for Aim {
    fn ty(&self) -> &str {
        "OBJECTIVE"
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn takes_any_batch(&self) -> bool {
        self.0.is_none()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn rows(name: &str, ty: &str) -> Port {
    Port { rows: true, ..whole(name, ty) }
}

fn whole(name: &str, ty: &str) -> Port {
    Port { name: name.to_owned(), types: vec![ty.to_owned()], ..Port::default() }
}

fn kind(id: &str, inputs: Vec<Port>, outputs: Vec<Port>, params: &str) -> KindInfo {
    let schema = format!(r#"{{"type": "object", "properties": {{{params}}}}}"#);
    let (params, doc) = Params::parse(&serde_json::from_str(&schema).unwrap()).unwrap();
    KindInfo {
        id: id.to_owned(),
        version: 1,
        plugin: "org.example.studio".to_owned(),
        file: String::new(),
        title: id.to_owned(),
        category: String::new(),
        doc,
        inputs,
        outputs,
        params,
        pure_: true,
        output: id == "Save",
        stateful: false,
    }
}

impl Studio {
    fn new() -> Self {
        let mut kinds = Kinds::new();
        let count =
            r#""count": {"type": "integer", "default": 4}, "first": {"type": "integer", "default": 1}"#;
        let shade = r#""shade": {"type": "integer", "default": 0}"#;
        let name = r#""name": {"type": "string", "default": "x", "format": "dw-output"}"#;
        let image = |name: &str| rows(name, "IMAGE");
        kinds.insert(kind("Seeds", vec![], vec![whole("W", "LATENT_W")], count));
        kinds.insert(kind("Paint", vec![rows("w", "LATENT_W")], vec![image("IMAGE")], shade));
        kinds.insert(kind("Dot", vec![rows("w", "LATENT_W")], vec![image("IMAGE")], ""));
        kinds.insert(kind("Enlarge", vec![image("image")], vec![image("IMAGE")], shade));
        kinds.insert(kind("Invert", vec![image("image")], vec![image("IMAGE")], ""));
        kinds.insert(kind("Double", vec![image("image")], vec![image("IMAGE")], ""));
        kinds.insert(kind("Blend", vec![image("a"), image("b")], vec![image("IMAGE")], ""));
        kinds.insert(kind("Sheet", vec![whole("image", "IMAGE")], vec![whole("IMAGE", "IMAGE")], ""));
        kinds.insert(kind("Small", vec![], vec![whole("IMAGE", "IMAGE")], count));
        kinds.insert(kind("Aim", vec![], vec![whole("OBJECTIVE", "OBJECTIVE")], count));
        let follow = vec![image("image"), whole("aim", "OBJECTIVE")];
        kinds.insert(kind("Follow", follow, vec![image("IMAGE")], ""));
        kinds.insert(kind("Save", vec![image("images")], vec![], name));
        let (calls, live) = (Mutex::default(), Arc::default());
        let (bad_seed, last_seed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { kinds, calls, live, bad_seed, last_seed, cancel: AtomicBool::new(false) }
    }

    /// Pictures of `side` by `side` pixels of these values.
    fn pictures(&self, values: &[f32], side: usize) -> Value {
        let rows = if side == SIDE { values.len() } else { 0 };
        let now = self.live.now.fetch_add(rows, Ordering::Relaxed) + rows;
        self.live.most.fetch_max(now, Ordering::Relaxed);
        let bytes = values.iter().flat_map(|v| v.to_ne_bytes().repeat(side * side)).collect();
        let data = Counted { bytes, rows, live: Arc::clone(&self.live) };
        let shape = vec![values.len() as i64, side as i64, side as i64, 1];
        Value::Tensor(Tensor::new(Dtype::F32, shape, Arc::new(data)).unwrap())
    }
}

fn tensor(input: &Input) -> &Tensor {
    let Input::One(Value::Tensor(tensor)) = input else { panic!("no tensor") };
    tensor
}

/// The first value of each row.
fn values(input: &Input) -> Vec<f32> {
    let tensor = tensor(input);
    let row = tensor.bytes().len() / tensor.shape()[0] as usize;
    tensor.bytes().chunks(row).map(|row| f32::from_ne_bytes(row[..4].try_into().unwrap())).collect()
}

impl Nodes for Studio {
    fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    fn build(&self, _: &str) -> Option<Hash> {
        Some(Hash::from_bytes([1; 32]))
    }

    fn run(&self, request: &Request<'_>) -> Result<Vec<Value>, Failure> {
        let params: serde_json::Value = serde_json::from_str(request.params).unwrap();
        let count = |name: &str| params[name].as_u64().unwrap_or(0) as usize;
        let batch = request.inputs.first().map_or(Vec::new(), |input| match input {
            Input::One(Value::Tensor(_)) => values(input),
            _ => Vec::new(),
        });
        self.calls.lock().unwrap().push(format!("{}[{}]", request.node, batch.len()));
        let side = |input: &Input| tensor(input).shape()[1] as usize;
        if !request.services.progress(batch.len() as u64, batch.len() as u64, "") {
            return Err(Failure::new(FailureKind::Cancelled, "stopped"));
        }
        request.services.log(Level::Info, "hello");
        let seeds = || (0..count("count")).map(|i| (count("first") + i) as f32).collect::<Vec<_>>();
        Ok(match request.kind.id.as_str() {
            "Seeds" => {
                let bytes: Vec<u8> = seeds().iter().flat_map(|v| v.to_ne_bytes()).collect();
                let shape = vec![count("count") as i64, 1, 1];
                vec![Value::Tensor(Tensor::new(Dtype::F32, shape, Arc::new(bytes)).unwrap())]
            }
            "Small" => vec![self.pictures(&seeds(), 1)],
            "Paint" => {
                let has = |seed: &AtomicUsize| batch.contains(&(seed.load(Ordering::Relaxed) as f32));
                if has(&self.bad_seed) {
                    return Err(Failure::new(FailureKind::Argument, "an ugly seed").at("w"));
                }
                if has(&self.last_seed) {
                    self.cancel.store(true, Ordering::Relaxed);
                }
                let shade = count("shade") as f32;
                vec![self.pictures(&batch.iter().map(|v| 10. * v + shade).collect::<Vec<_>>(), SIDE)]
            }
            "Dot" => vec![self.pictures(&batch, 1)],
            "Enlarge" => {
                let shade = count("shade") as f32;
                vec![self.pictures(&batch.iter().map(|v| v + shade).collect::<Vec<_>>(), SIDE)]
            }
            "Invert" => {
                vec![self.pictures(&batch.iter().map(|v| -v).collect::<Vec<_>>(), side(&request.inputs[0]))]
            }
            "Double" => vec![self.pictures(&batch.iter().flat_map(|v| [*v, *v]).collect::<Vec<_>>(), SIDE)],
            "Blend" => {
                let other = values(&request.inputs[1]);
                assert!(other.len() == batch.len() || other.len() == 1, "{batch:?} and {other:?}");
                let sum = |(index, v): (usize, &f32)| v + other[index.min(other.len() - 1)];
                vec![self.pictures(&batch.iter().enumerate().map(sum).collect::<Vec<_>>(), SIDE)]
            }
            "Sheet" => vec![self.pictures(&[batch.iter().sum::<f32>()], 1)],
            "Aim" => {
                let size = Some(count("count")).filter(|count| *count > 1);
                vec![Value::Function(Arc::new(Aim(size)))]
            }
            "Follow" => {
                let Input::One(Value::Function(aim)) = &request.inputs[1] else { panic!("no function") };
                let Aim(size) = aim.as_any().downcast_ref().unwrap();
                assert!(size.is_none_or(|size| size == batch.len()), "{} rows", batch.len());
                vec![self.pictures(&batch, SIDE)]
            }
            _ => {
                let first = request.services.first_row().unwrap_or(0) as usize;
                for (index, value) in batch.iter().enumerate() {
                    let name = params["name"].as_str().unwrap().replace('%', &(first + index).to_string());
                    let template = format!("{name}_{{counter:05}}.txt");
                    let published = request.services.publish(&template, value.to_string().as_bytes());
                    published.map_err(|_| request.services.take_failure().unwrap())?;
                }
                Vec::new()
            }
        })
    }
}

pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) studio: Studio,
    world: Disk,
    engine: Engine,
    /// Whether steps say why they run, judged by the last run.
    pub(crate) explains: bool,
    history: History,
}

/// What is left of a run.
pub(crate) struct Ran {
    pub(crate) calls: String,
    pub(crate) events: Vec<String>,
    pub(crate) summary: Result<Summary, Stopped>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Disk::new(vec![dir.path().to_owned()], dir.path().join("out"));
        let engine = Engine::new(Cache::new(1 << 30));
        Self { dir, studio: Studio::new(), world, engine, explains: false, history: History::default() }
    }

    /// With a cache on disk.
    pub(crate) fn on_disk() -> Self {
        let mut bench = Self::new();
        bench.begin_again();
        bench
    }

    /// As the next process would begin.
    pub(crate) fn begin_again(&mut self) {
        let disk = DiskCache::new(&self.dir.path().join("cache"), 1 << 30);
        self.engine = Engine::new(Cache::new(1 << 30).on_disk(disk));
        self.world = Disk::new(vec![self.dir.path().to_owned()], self.dir.path().join("out"));
    }

    pub(crate) fn run(&mut self, text: &str) -> Ran {
        let (graph, problems) = dreamwire_graph::parse(&Source::new("g.json", text));
        assert!(problems.is_empty(), "{problems:?}");
        let (checked, problems) = dreamwire_graph::check(&graph, &self.studio.kinds);
        let plan = Plan::new(checked.unwrap_or_else(|| panic!("{problems:?}")), text.to_owned());
        self.studio.cancel.store(false, Ordering::Relaxed);
        self.studio.calls.lock().unwrap().clear();
        self.studio.live.most.store(0, Ordering::Relaxed);
        let events = Mutex::new(Vec::new());
        let emit = |event: Event| {
            let text = match event {
                Event::Started { node, .. } => format!("{node} started"),
                Event::Finished { node, .. } => format!("{node} finished"),
                Event::Failed { node } => format!("{node} failed"),
                Event::Skipped { node, failed } => format!("{node} skipped for {failed}"),
                Event::Cached { node, why } => format!("{node} {why:?}"),
                Event::Progress { node, done, total, .. } => format!("{node} {done}/{total}"),
                Event::Published { node, file } => format!("{node} {} {}", file.name, file.written),
                Event::Log { node, message, .. } => format!("{node} {message}"),
                Event::Explained { node, reasons } => format!("{node} for {reasons:?}"),
                Event::Rows { node, first, count, batch, .. } => format!("{node} {first}+{count}/{batch}"),
                _ => return,
            };
            events.lock().unwrap().push(text);
        };
        let files = Snapshot::take(&plan, &self.world);
        let run = Run {
            plan: &plan,
            files: &files,
            options: Options { device: Device::Cpu, threads: 1, allow_nonfinite: false, metadata: true },
            nodes: &self.studio,
            world: &self.world,
            emit: &emit,
            cancel: &self.studio.cancel,
            quarantine: &HashMap::new(),
            explain: self.explains.then_some(&self.history),
            texts: &BTreeMap::new(),
        };
        let summary = self.engine.run(&run);
        let history = History::of(&run);
        self.history = history.unwrap();
        let calls = std::mem::take(&mut *self.studio.calls.lock().unwrap()).join(" ");
        Ran { calls, events: events.into_inner().unwrap(), summary }
    }

    pub(crate) fn calls(&mut self, text: &str) -> String {
        let ran = self.run(text);
        assert!(ran.summary.is_ok(), "{:?}", ran.summary);
        ran.calls
    }

    pub(crate) fn most_rows(&self) -> usize {
        self.studio.live.most.load(Ordering::Relaxed)
    }

    /// Names and contents of the files, in order.
    pub(crate) fn files(&self) -> String {
        let Ok(folder) = std::fs::read_dir(self.dir.path().join("out")) else { return String::new() };
        let file = |path: std::path::PathBuf| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            format!("{name}={}", std::fs::read_to_string(&path).unwrap())
        };
        let mut files: Vec<String> = folder.map(|entry| file(entry.unwrap().path())).collect();
        files.sort();
        files.join(" ")
    }
}

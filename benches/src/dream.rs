use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::args::{Common, DreamArgs};
use crate::failure::Failure;
use crate::flops::vgg_gflop;
use crate::measure::{peak_rss_mb, repeat};
use crate::report::Report;

/// The id of the GradientAscent node.
const CLIMBER: &str = "dream";

/// One run of the program.
struct Run {
    /// Wall time of the step GradientAscent in milliseconds.
    step_ms: f64,
    /// Peak memory of the process, in units of 2^20 bytes.
    peak_rss_mb: Option<f64>,
}

/// A complete dream: from the start of the program `dreamwire` to a saved picture, with its plugins and the
/// built-in weights. The picture is noise, with one octave.
pub(crate) fn measure(args: &DreamArgs) -> Result<String, Failure> {
    let program = program()?;
    let folder = tempfile::tempdir().map_err(|error| failed("make a temporary folder", &error))?;
    let graph = folder.path().join("dream.json");
    std::fs::write(&graph, graph_of(args).to_string()).map_err(|error| failed("write a graph", &error))?;
    let mut runs = Vec::new();
    let (times, ()) = repeat(&args.common, || {
        runs.push(run(&program, folder.path(), &graph, &args.common)?);
        Ok::<_, Failure>(())
    })?;
    let timed = &runs[runs.len() - times.len()..];
    let steps: Vec<f64> = timed.iter().map(|run| run.step_ms).collect();
    let peak = timed.iter().filter_map(|run| run.peak_rss_mb).max_by(f64::total_cmp);
    // Every step goes forward and backward. The bound is that of the steps: the rest of the program has no
    // convolutions.
    let work = 2.0 * f64::from(args.steps) * vgg_gflop(args.common.size(), &args.layer);
    let report = Report::new("dream", &args.common, times, work).backward(true);
    report.of_process(peak, steps).text(args.common.json)
}

/// `dreamwire` beside this program.
fn program() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(|error| failed("find this program", &error))?;
    let program = own.with_file_name(format!("dreamwire{}", std::env::consts::EXE_SUFFIX));
    if program.is_file() {
        return Ok(program);
    }
    let found = program.display();
    Err(Failure::Failed(format!(
        "a dream is run by `{found}`, which is not there; build it and its plugins with `cargo build --release`"
    )))
}

fn graph_of(args: &DreamArgs) -> Value {
    let size = args.common.size();
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": {
            "width": size, "height": size, "distribution": "perlin", "std": 0.15, "seed": 1,
        } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": args.layer } },
        CLIMBER: { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", "IMAGE"], "objective": ["vgg", "FEATURES"],
            "octaves": 1, "steps": args.steps, "seed": 1,
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": [CLIMBER, "IMAGE"] } },
    })
}

/// Runs the graph and reads the program's events.
fn run(program: &Path, folder: &Path, graph: &Path, common: &Common) -> Result<Run, Failure> {
    let talk = folder.join("talk.txt");
    let stderr = File::create(&talk).map_err(|error| failed("write a temporary file", &error))?;
    let mut child = Command::new(program)
        .arg("run")
        .arg(graph)
        .args(["--progress", "json", "--threads", &common.threads().to_string()])
        .args(["--device", &common.device.to_string(), "--no-cache", "--out"])
        .arg(folder.join("out"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(|error| failed(&format!("start `{}`", program.display()), &error))?;
    let process = child.id().to_string();
    let (mut step_ms, mut peak) = (None, None);
    let events = child.stdout.take().map(|stdout| BufReader::new(stdout).lines()).into_iter().flatten();
    for event in events.map_while(Result::ok) {
        let event: Value = serde_json::from_str(&event).unwrap_or_default();
        if event["event"] == "finished" && event["node"] == CLIMBER {
            step_ms = event["ms"].as_f64();
        }
        // It only grows, and is gone when the process has ended.
        peak = peak_rss_mb(&process).or(peak);
    }
    let status = child.wait().map_err(|error| failed("wait for dreamwire", &error))?;
    match step_ms {
        Some(step_ms) if status.success() => Ok(Run { step_ms, peak_rss_mb: peak }),
        _ => {
            let talk = std::fs::read_to_string(&talk).unwrap_or_default();
            Err(Failure::Failed(format!(
                "dreamwire did not finish the dream ({status})\n{}",
                talk.trim_end()
            )))
        }
    }
}

fn failed(what: &str, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("cannot {what}: {error}"))
}

//! The devices of this machine, as plugins see them, and the choice of one for a session.

use std::collections::BTreeSet;

use dreamwire_engine::{Device, Failure, FailureKind, Nodes, Plan};
use dreamwire_graph::{Class, Code, Diagnostic, Hint, Setting};
use dreamwire_loader::{DeviceFacts, Loader};

use crate::machine;

/// More devices of one class are not looked for.
const MOST: u32 = 16;

/// A device, and what plugins say of it.
#[derive(Debug)]
pub struct Found {
    /// The device.
    pub device: Device,
    /// Whether it works, what is known of it, and the ids of the plugins that can use it; or why none can.
    pub state: Result<Works, Why>,
}

/// A device that works.
#[derive(Debug)]
pub struct Works {
    /// Name and memory.
    pub facts: DeviceFacts,
    /// The ids of the plugins that can use it.
    pub plugins: Vec<String>,
    /// Plugins that were built for it and cannot use it, and why.
    pub others: Vec<(String, String)>,
}

/// Why a device is not there.
#[derive(Debug)]
pub enum Why {
    /// No plugin was built for its class.
    NotBuilt,
    /// What the first plugin that was built for it says.
    Broken(String),
}

/// Every device that works, and for each class without one why there is none. Opens the drivers.
pub fn devices(loader: &Loader) -> Vec<Found> {
    let mut found = vec![cpu(loader)];
    for ordinal in 0..MOST {
        let next = look(Device::Cuda(ordinal), loader);
        let works = next.state.is_ok();
        // Beyond the last number there is nothing to tell.
        if works || ordinal == 0 {
            found.push(next);
        }
        if !works {
            break;
        }
    }
    found.push(look(Device::Metal, loader));
    found
}

/// The CPU, which every plugin can use.
fn cpu(loader: &Loader) -> Found {
    let facts = DeviceFacts {
        name: format!("{}, {} cores", std::env::consts::ARCH, machine::cores()),
        total: 0,
        free: machine::available_memory().unwrap_or(0),
    };
    let plugins = loader.plugins().into_iter().map(|plugin| plugin.id).collect();
    Found { device: Device::Cpu, state: Ok(Works { facts, plugins, others: Vec::new() }) }
}

fn look(device: Device, loader: &Loader) -> Found {
    let (mut works, mut others) = (Vec::new(), Vec::new());
    for (plugin, answer) in loader.probe(device, |_| true) {
        match answer {
            Ok(facts) => works.push((plugin, facts)),
            Err(failure) => others.push((plugin, failure.message)),
        }
    }
    let facts = works.first().map(|(_, facts): &(String, DeviceFacts)| facts.clone());
    let state = match facts {
        Some(facts) => {
            Ok(Works { facts, plugins: works.into_iter().map(|(plugin, _)| plugin).collect(), others })
        }
        None => Err(others.into_iter().next().map_or(Why::NotBuilt, |(_, why)| Why::Broken(why))),
    };
    Found { device, state }
}

/// The device of a session, and what to say of it, if anything.
#[derive(Debug)]
pub struct Chosen {
    /// The device.
    pub device: Device,
    /// What is known of it, and which plugins compute elsewhere; of the CPU, why it is not another one.
    pub words: Option<String>,
}

/// Where a run of a plan computes, if the device `asked` is to be used, or none in particular. Opens the driver of a device
/// that a plugin was built for.
///
/// # Errors
/// A plugin of the plan was not built for that device, or it does not work.
pub fn chosen(plan: &Plan, asked: Option<Device>, loader: &Loader) -> Result<Chosen, Diagnostic> {
    let Some(device) = asked else { return Ok(choose(plan, loader)) };
    match misfit(plan, device, loader) {
        Some(problem) => Err(problem),
        None => take(device, plan, loader),
    }
}

/// The first device that a plugin of the plan was built for, and that works for all of those. The CPU, if there is none.
fn choose(plan: &Plan, loader: &Loader) -> Chosen {
    let plugins = plugins(plan);
    let mut broken = Vec::new();
    for device in [Device::Cuda(0), Device::Metal] {
        let answers = loader.probe(device, |plugin| plugins.contains(plugin));
        match answers.iter().find_map(|(_, answer)| answer.as_ref().err()) {
            Some(failure) => broken.push(failure.message.clone()),
            None if answers.is_empty() => {}
            None => return taken(device, answers, plan, loader),
        }
    }
    let words = (!broken.is_empty()).then(|| broken.join("; "));
    Chosen { device: Device::Cpu, words }
}

/// That device, if it works for all plugins of the plan that were built for it.
fn take(device: Device, plan: &Plan, loader: &Loader) -> Result<Chosen, Diagnostic> {
    if device == Device::Cpu {
        return Ok(Chosen { device, words: None });
    }
    let plugins = plugins(plan);
    let answers = loader.probe(device, |plugin| plugins.contains(plugin));
    match answers.iter().find_map(|(plugin, answer)| Some((plugin, answer.as_ref().err()?))) {
        Some((plugin, failure)) => Err(unusable(plugin, failure)),
        None => Ok(taken(device, answers, plan, loader)),
    }
}

fn taken(
    device: Device,
    answers: Vec<(String, Result<DeviceFacts, Failure>)>,
    plan: &Plan,
    loader: &Loader,
) -> Chosen {
    let facts = answers.into_iter().find_map(|(_, answer)| answer.ok()).unwrap_or_default();
    let memory = match facts.free {
        0 => String::new(),
        free => format!("{:.1} GiB free", free as f64 / (1u64 << 30) as f64),
    };
    let known: Vec<String> = [facts.name, memory].into_iter().filter(|part| !part.is_empty()).collect();
    let elsewhere: BTreeSet<&str> = others(plan, device, loader).map(|step| step.1).collect();
    let elsewhere: Vec<String> = elsewhere.into_iter().map(|plugin| format!("`{plugin}`")).collect();
    let mut words = known.join(", ");
    if !elsewhere.is_empty() {
        let before = if words.is_empty() { "" } else { "; " };
        words += &format!("{before}on the CPU: {}", elsewhere.join(", "));
    }
    Chosen { device, words: Some(words) }
}

/// The steps whose plugins were not built for a device: index of the node, and plugin.
fn others<'a>(
    plan: &'a Plan,
    device: Device,
    nodes: &'a dyn Nodes,
) -> impl Iterator<Item = (usize, &'a str)> + 'a {
    let steps =
        plan.steps.iter().filter(move |step| nodes.device(&plan.node(step).kind.id, device) != device);
    steps.map(move |step| (step.node, plan.node(step).kind.plugin.as_str()))
}

/// The ids of a plan's plugins.
fn plugins(plan: &Plan) -> BTreeSet<&str> {
    plan.steps.iter().map(|step| plan.node(step).kind.plugin.as_str()).collect()
}

/// The problem with the plugins of a plan that were not built for the device, at the first node of one of them.
pub(crate) fn misfit(plan: &Plan, device: Device, nodes: &dyn Nodes) -> Option<Diagnostic> {
    let all: Vec<(usize, &str)> = others(plan, device, nodes).collect();
    let node = &plan.graph.nodes[all.first()?.0];
    let mut plugins: Vec<&str> = all.into_iter().map(|(_, plugin)| plugin).collect();
    plugins.sort_unstable();
    plugins.dedup();
    let (name, class) = (device.class_name(), device.class());
    let message = match plugins[..] {
        [plugin] => format!("plugin {plugin} was not built for {name}"),
        _ => format!("these plugins were not built for {name}: {}", plugins.join(", ")),
    };
    let hint = match device {
        Device::Metal if !cfg!(target_os = "macos") => {
            "Metal exists on macOS only: use `auto` or `cpu`".to_owned()
        }
        _ => format!("use `auto` or `cpu`, or build the plugins with the cargo feature `{class}`"),
    };
    let label = format!("needs {}", node.kind.plugin);
    let problem = Diagnostic::error(Code::new("device::plugin"), Class::Plugin, message)
        .label(node.id_span, label)
        .about(&node.id, "")
        .hint(Hint::with(hint, Setting::Device));
    Some(problem)
}

/// The problem with a device that does not work: of its memory, or of the installation.
fn unusable(plugin: &str, failure: &Failure) -> Diagnostic {
    let (class, hint) = match failure.kind {
        FailureKind::Limit => (Class::Limit, "end what else uses the device, or choose another device"),
        _ => (Class::Plugin, "choose another device"),
    };
    let message = format!("plugin {plugin}: {}", failure.message);
    Diagnostic::error(Code::new("device::unusable"), class, message).hint(Hint::with(hint, Setting::Device))
}

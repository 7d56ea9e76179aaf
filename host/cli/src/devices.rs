use dreamwire_engine::Device;
use dreamwire_session::device::{self, Found, Why, Works};
use serde_json::{Value, json};

use crate::args::{DevicesArgs, Global, cores};
use crate::cache::in_units;
use crate::console::{Console, clean_line};
use crate::exit::Exit;
use crate::open;

/// `dreamwire devices`: what the plugins can compute on, and why not on more.
pub(crate) fn devices(args: &DevicesArgs, global: &Global, console: Console) -> Exit {
    let session = match open::session(global, cores(), console) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let found = device::devices(&session.loader);
    if args.json {
        let list: Vec<Value> = found.iter().map(as_json).collect();
        console.data(&format!("{:#}\n", Value::Array(list)));
    } else {
        console.data(&table(&found));
    }
    Exit::OK
}

fn as_json(found: &Found) -> Value {
    let (device, class) = (found.device.to_string(), found.device.class());
    match &found.state {
        Ok(Works { facts, plugins, others }) => {
            let number = |bytes: u64| if bytes == 0 { Value::Null } else { bytes.into() };
            let others = others.iter().map(|(plugin, why)| json!({ "plugin": plugin, "why": why }));
            json!({
                "device": device,
                "class": class,
                "works": true,
                "name": facts.name,
                "total_bytes": number(facts.total),
                "free_bytes": number(facts.free),
                "plugins": plugins,
                "unusable_for": others.collect::<Vec<_>>(),
            })
        }
        Err(why) => {
            json!({ "device": device, "class": class, "works": false, "why": reason(found.device, why) })
        }
    }
}

/// Why a device is not there, and what to do about it.
fn reason(device: Device, why: &Why) -> String {
    match (why, device) {
        (Why::Broken(why), _) => why.clone(),
        (Why::NotBuilt, Device::Metal) if !cfg!(target_os = "macos") => "only macOS has it".to_owned(),
        (Why::NotBuilt, device) => {
            let (name, class) = (device.class_name(), device.class());
            format!("no plugin was built for {name}: cargo build --release --features {class}")
        }
    }
}

/// Rows with the columns device, name, memory and plugins, or the reason.
fn table(found: &[Found]) -> String {
    let mut rows = vec![["device", "name", "memory", "plugins"].map(str::to_owned)];
    let mut text = String::new();
    for Found { device, state } in found {
        if let Ok(Works { facts, plugins, .. }) = state {
            let plugins = if plugins.is_empty() { "none".to_owned() } else { plugins.join(", ") };
            rows.push([device.to_string(), facts.name.clone(), memory(facts.total, facts.free), plugins]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [device, name, memory, plugins] in &rows {
        let [first, second, third] = widths;
        let row = format!("{device:first$}  {name:second$}  {memory:third$}  {plugins}");
        text += &format!("{}\n", clean_line(row.trim_end()));
    }
    for Found { device, state } in found {
        match state {
            Ok(works) => {
                for (plugin, why) in &works.others {
                    text +=
                        &format!("{}\n", clean_line(&format!("{device} is of no use to {plugin}: {why}")));
                }
            }
            Err(why) => {
                let line = format!("no {}: {}", device.class(), reason(*device, why));
                text += &format!("{}\n", clean_line(&line));
            }
        }
    }
    text
}

fn memory(total: u64, free: u64) -> String {
    match (total, free) {
        (0, 0) => "not known".to_owned(),
        (0, free) => format!("{} free", in_units(free)),
        (total, 0) => in_units(total),
        (total, free) => format!("{} free of {}", in_units(free), in_units(total)),
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_loader::DeviceFacts;

    use super::*;

    fn works(device: Device, name: &str, plugins: &[&str], others: &[(&str, &str)]) -> Found {
        let facts = DeviceFacts { name: name.to_owned(), total: 8 << 30, free: 6 << 30 };
        let plugins = plugins.iter().map(|plugin| (*plugin).to_owned()).collect();
        let others = others.iter().map(|(id, why)| ((*id).to_owned(), (*why).to_owned())).collect();
        Found { device, state: Ok(Works { facts, plugins, others }) }
    }

    #[test]
    fn the_table_says_who_can_use_what_and_why_not() {
        let found = [
            works(Device::Cpu, "x86_64", &["a", "b"], &[]),
            works(Device::Cuda(0), "Test", &["a"], &[("b", "it is too old")]),
            Found { device: Device::Metal, state: Err(Why::Broken("there is\nnone".to_owned())) },
        ];
        let expected = "device  name    memory                   plugins\n\
                        cpu     x86_64  6.0 GiB free of 8.0 GiB  a, b\n\
                        cuda:0  Test    6.0 GiB free of 8.0 GiB  a\n\
                        cuda:0 is of no use to b: it is too old\n\
                        no metal: there is none\n";
        assert_eq!(table(&found), expected);
    }

    #[test]
    fn a_class_that_nothing_was_built_for_says_how_to_build_it() {
        let value = as_json(&Found { device: Device::Cuda(0), state: Err(Why::NotBuilt) });
        assert_eq!((&value["device"], &value["works"]), (&json!("cuda:0"), &json!(false)));
        let why = value["why"].as_str().unwrap();
        assert_eq!(why, "no plugin was built for CUDA: cargo build --release --features cuda");
    }
}

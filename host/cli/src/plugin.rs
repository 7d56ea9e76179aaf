use dreamwire_loader::PluginInfo;
use serde_json::{Value, json};

use crate::args::{Global, PluginArgs, PluginCommand, cores};
use crate::console::{Console, clean};
use crate::exit::Exit;
use crate::{open, plugin_check};

/// `dreamwire plugin`.
pub(crate) fn plugin(args: &PluginArgs, global: &Global, console: Console) -> Exit {
    match &args.command {
        PluginCommand::List { json } => list(*json, global, console),
        PluginCommand::Check(args) => plugin_check::check(args, global, console),
    }
}

fn list(json: bool, global: &Global, console: Console) -> Exit {
    let session = match open::session(global, cores(), console) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let plugins = session.loader.plugins();
    if json {
        let list: Vec<Value> = plugins.iter().map(as_json).collect();
        console.data(&format!("{:#}\n", Value::Array(list)));
    } else if plugins.is_empty() {
        console.talk(&format!("no plugins; looked in {}", session.search.places().join(", ")));
    } else {
        plugins.iter().for_each(|plugin| console.data(&as_text(plugin)));
    }
    Exit::OK
}

fn as_json(plugin: &PluginInfo) -> Value {
    json!({
        "id": plugin.id,
        "version": plugin.version,
        "build": plugin.build,
        "path": plugin.path.display().to_string(),
        "hash": plugin.hash,
        "kinds": plugin.kinds,
        "devices": plugin.devices,
    })
}

fn as_text(plugin: &PluginInfo) -> String {
    let hash: String = plugin.hash.chars().take(12).collect();
    let lines = format!(
        "{} {}\n  library {}\n  hash    {hash}\n  build   {}\n  devices {}\n  kinds   {}\n",
        plugin.id,
        plugin.version,
        plugin.path.display(),
        plugin.build,
        plugin.devices.join(", "),
        plugin.kinds.join(", "),
    );
    clean(&lines)
}

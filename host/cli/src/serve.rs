//! `dreamwire serve`.

mod detach;

use std::path::{Path, PathBuf};

use dreamwire_server::{Config, ServeError, Server};
use dreamwire_session::{GraphFile, Settings};

use crate::args::{Global, ServeArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::{interrupt, open};

/// Serves until a signal comes, or nothing was asked for long enough.
pub(crate) fn serve(args: &ServeArgs, global: &Global, console: Console) -> Exit {
    if args.detach {
        return detach::detach(args, console);
    }
    begin(args, global, console).unwrap_or_else(|exit| exit)
}

fn begin(args: &ServeArgs, global: &Global, console: Console) -> Result<Exit, Exit> {
    let (options, any_device) = args.compute.options(console)?;
    let settings = Settings {
        graph: GraphFile::default(),
        out: args.out.clone(),
        options,
        any_device,
        cache: global.cache(),
        replaces: false,
        explain: false,
        isolated: true,
        limits: args.compute.limits(),
    };
    if let Some(folder) = args.watch.iter().find(|folder| !folder.is_dir()) {
        console.talk(&format!("error: --watch: there is no folder `{}`", folder.display()));
        return Err(Exit::USAGE);
    }
    let frontend = frontend(args.frontend.as_deref(), console)?;
    open::check_cache(settings.cache.as_ref(), console);
    let session = open::isolated_session(global, options.threads, console)?;
    let program = std::env::current_exe().map_err(|error| {
        console.talk(&format!("error: this program cannot start itself: {error}"));
        Exit::BUG
    })?;
    let config = Config {
        listen: args.listen,
        names: args.name.clone(),
        token: args.token.clone().filter(|token| !token.is_empty()),
        input: args.input.clone(),
        graphs: args.watch.clone(),
        frontend,
        queue_max: args.queue_max as usize,
        sockets_max: args.max_sockets as usize,
        upload_max: args.upload_max,
        idle_timeout: args.idle_timeout,
        settings,
        plugins: global.plugins.clone(),
        program,
    };
    let server = Server::open(config, session).map_err(|error| refuse(&error, console))?;
    match server.left() {
        0 => {}
        1 => console.talk("1 job of the last server goes on"),
        left => console.talk(&format!("{left} jobs of the last server go on")),
    }
    console.data(&format!("http://{}\n", server.address()));
    let stopper = server.stopper();
    interrupt::on_signal(move || stopper.stop());
    server.run().map_err(|error| refuse(&error, console))?;
    // Whether a signal or `--idle-timeout` has ended it: it did what it was to do.
    Ok(Exit::OK)
}

/// The folder of the editor that is to be served.
fn frontend(wanted: Option<&Path>, console: Console) -> Result<Option<PathBuf>, Exit> {
    let Some(wanted) = wanted else { return Ok(None) };
    if wanted.as_os_str() == "auto" {
        let found = dreamwire_server::find_frontend();
        if found.is_none() {
            console.talk("error: --frontend auto: ComfyUI's editor is not installed\n  hint: pip install comfyui-frontend-package");
            return Err(Exit::USAGE);
        }
        return Ok(found);
    }
    if !wanted.join("index.html").is_file() {
        console.talk(&format!("error: --frontend: there is no `index.html` in `{}`", wanted.display()));
        return Err(Exit::USAGE);
    }
    Ok(Some(wanted.to_owned()))
}

fn refuse(error: &ServeError, console: Console) -> Exit {
    let (hint, exit) = match error {
        ServeError::Policy(_) => (Some("see --listen, --token and --name"), Exit::USAGE),
        ServeError::Address(..) => (Some("choose another port with --listen"), Exit::TRY_LATER),
        ServeError::Busy(_) => (Some("end it, or choose another folder with --out"), Exit::TRY_LATER),
        ServeError::Folder(..) => (None, Exit::OUTPUT),
        ServeError::Store(..) => (Some("move the file away to begin with an empty queue"), Exit::OUTPUT),
        ServeError::System(_) => (None, Exit::BUG),
    };
    console.talk(&crate::console::with_hint(&format!("error: {error}"), hint));
    exit
}

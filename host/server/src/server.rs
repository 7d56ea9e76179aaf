use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dreamwire_session::{GraphFile, STACK_BYTES, Session, Settings};
use dreamwire_worker::Child;
use tokio::runtime::Runtime;
use tokio::sync::watch::{Receiver, Sender, channel};

use crate::Config;
use crate::activity::Activity;
use crate::app::{App, Parts};
use crate::catalogue::Catalogue;
use crate::catalogue::machine::DeviceInUse;
use crate::files::body::Limits;
use crate::files::logs::Logs;
use crate::folders::Folders;
use crate::hub::Hub;
use crate::jobs::{Audience, Worker};
use crate::listen;
use crate::plugins::Plugins;
use crate::queue::{Queue, StoreError};
use crate::redact::Redactor;
use crate::reload::Reload;
use crate::security::{Policy, PolicyError};

/// The folder of what the server keeps, below the output folder. Names that begin with a dot are never served.
const OWN: &str = ".dreamwire";
/// How long the running step may take to stop when the server ends.
const LAST_STEP: Duration = Duration::from_secs(3);

/// A server that listens already, and answers when it is run.
pub struct Server {
    config: Config,
    session: Session,
    listener: TcpListener,
    address: SocketAddr,
    policy: Arc<Policy>,
    queue: Arc<Queue>,
    stop: Sender<bool>,
    /// Held as long as the server lives, so that no second one uses the same folder.
    _lock: File,
}

/// Stops a server.
#[derive(Clone)]
pub struct Stopper(Sender<bool>);

impl Stopper {
    /// The server ends: its running job stops, and is taken up by the next one.
    pub fn stop(&self) {
        let _ = self.0.send(true);
    }
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would be open to others, or a token or a name is none.
    #[error("{0}")]
    Policy(#[from] PolicyError),
    /// Something else listens there.
    #[error("cannot listen on `{0}`: {1}")]
    Address(SocketAddr, io::Error),
    /// Another server has this output folder.
    #[error("another server uses the output folder `{0}`")]
    Busy(PathBuf),
    /// A folder cannot be created or used.
    #[error("cannot use the folder `{0}`: {1}")]
    Folder(PathBuf, io::Error),
    /// The queue cannot be kept.
    #[error("cannot use the queue `{0}`: {1}")]
    Store(PathBuf, StoreError),
    /// The system gives no threads.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl Server {
    /// Takes its folders and its address. Nobody is answered yet.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn open(config: Config, session: Session) -> Result<Self, ServeError> {
        // What is known without its port, before anything is created.
        Policy::new(config.listen, config.token.as_deref(), &config.names)?;
        let own = config.settings.out.join(OWN);
        for folder in [&config.input, &own] {
            std::fs::create_dir_all(folder).map_err(|error| ServeError::Folder(folder.clone(), error))?;
        }
        let lock = lock(&own).map_err(|error| match error {
            None => ServeError::Busy(config.settings.out.clone()),
            Some(error) => ServeError::Folder(own.clone(), error),
        })?;
        let unusable = |error| ServeError::Address(config.listen, error);
        let listener = TcpListener::bind(config.listen).map_err(unusable)?;
        listener.set_nonblocking(true).map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        let policy = Policy::new(address, config.token.as_deref(), &config.names)?;
        let path = own.join("queue.sqlite");
        let queue = Queue::open(&path, config.queue_max).map_err(|error| ServeError::Store(path, error))?;
        let (stop, _) = channel(false);
        let (queue, policy) = (Arc::new(queue), Arc::new(policy));
        Ok(Server { config, session, listener, address, policy, queue, stop, _lock: lock })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many jobs the last server left.
    pub fn left(&self) -> usize {
        self.queue.ask(|store| store.unfinished()).unwrap_or(0)
    }

    /// What stops it.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Answers until it is stopped, or was idle for too long.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn run(self) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let hub = Arc::new(Hub::new(self.config.sockets_max));
        let plugins = Arc::new(Plugins::new(Arc::clone(&self.session.loader)));
        let settings = settings(&self.config);
        let (logs, device): (Arc<Logs>, Arc<DeviceInUse>) = (Arc::default(), Arc::default());
        let audience = Audience {
            queue: Arc::clone(&self.queue),
            hub: Arc::clone(&hub),
            logs: Arc::clone(&logs),
            device: Arc::clone(&device),
            redactor: redactor(&self.config),
        };
        let worker = Worker { audience, plugins: Arc::clone(&plugins), settings: settings.clone() };
        let child = Child::new(self.config.program.clone(), &settings, self.config.plugins.clone());
        let jobs = std::thread::Builder::new()
            .name("jobs".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || worker.work(child))?;
        let activity = Arc::new(Activity::new());
        let app = App {
            queue: Arc::clone(&self.queue),
            hub: Arc::clone(&hub),
            plugins: Arc::clone(&plugins),
            activity: Arc::clone(&activity),
            upload_max: self.config.upload_max,
        };
        let folders = folders(&self.config);
        let of_catalogue = Arc::clone(&plugins);
        let catalogue =
            Catalogue::new(move || of_catalogue.get(), folders.clone(), device, self.config.upload_max);
        let parts = Parts {
            catalogue: Arc::new(catalogue),
            folders: Arc::new(folders),
            logs: Arc::clone(&logs),
            limits: Limits { upload: self.config.upload_max, ..Limits::default() },
            policy: Arc::clone(&self.policy),
        };
        let router = app.routes(parts);
        let Server { config, session, listener, queue, stop, _lock, .. } = self;
        let threads = settings.options.threads;
        let reload =
            Reload { session, threads, plugins, hub: Arc::clone(&hub), graphs: config.graphs.clone() };
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(reload.watch(stop.subscribe()));
            if let Some(limit) = config.idle_timeout {
                tokio::spawn(end_when_idle(limit, activity, hub, Arc::clone(&queue), stop.clone()));
            }
            listen::serve(listener, router, stop.subscribe()).await;
            Ok::<(), io::Error>(())
        })?;
        queue.close();
        wait_for(jobs);
        shut_down(runtime);
        Ok(())
    }
}

/// Where a server's files lie.
fn folders(config: &Config) -> Folders {
    Folders {
        input: config.input.clone(),
        output: config.settings.out.clone(),
        user: config.settings.out.join(OWN),
        graphs: config.graphs.clone(),
        frontend: config.frontend.clone(),
    }
}

/// How jobs of the queue run: graphs of strangers, each with files of its own.
fn settings(config: &Config) -> Settings {
    let inputs = std::iter::once(config.input.clone()).chain(config.graphs.clone());
    let graph = GraphFile { path: "-".into(), sets: Vec::new(), inputs: inputs.collect(), foreign: true };
    Settings { graph, replaces: false, explain: false, isolated: true, ..config.settings.clone() }
}

fn redactor(config: &Config) -> Redactor {
    let mut folders: Vec<(&Path, &str)> = vec![(&config.input, "input"), (&config.settings.out, "output")];
    folders.extend(config.graphs.as_deref().map(|folder| (folder, "graphs")));
    folders.extend(config.settings.cache.as_ref().map(|cache| (cache.path(), "cache")));
    folders.extend(config.program.parent().map(|folder| (folder, "program")));
    Redactor::new(folders)
}

/// Locks a folder for this process. `None` if another one has it.
fn lock(folder: &Path) -> Result<File, Option<io::Error>> {
    let file = File::create(folder.join("lock")).map_err(Some)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(None),
        Err(std::fs::TryLockError::Error(error)) => Err(Some(error)),
    }
}

/// Stops the server after so long without anything to do.
async fn end_when_idle(
    limit: Duration,
    activity: Arc<Activity>,
    hub: Arc<Hub>,
    queue: Arc<Queue>,
    stop: Sender<bool>,
) {
    let mut stopped: Receiver<bool> = stop.subscribe();
    loop {
        let idle = activity.idle();
        let wait = limit.saturating_sub(idle).max(Duration::from_millis(50));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let busy = hub.count() > 0 || queue.ask(|store| store.unfinished()).map_or(true, |left| left > 0);
        if busy {
            activity.note();
        } else if activity.idle() >= limit {
            let _ = stop.send(true);
        }
    }
}

/// Waits for the running job to stop; a step that does not is killed with its worker.
fn wait_for(jobs: std::thread::JoinHandle<()>) {
    let deadline = std::time::Instant::now() + LAST_STEP;
    while !jobs.is_finished() && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    if jobs.is_finished() {
        let _ = jobs.join();
    }
}

fn shut_down(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_millis(200));
}

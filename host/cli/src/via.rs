//! `dreamwire run --via`: the graph runs on a server, and its files come here.
//!
//! ```text
//! graph file --parse--> Graph --kinds of /object_info--> named, --set --pictures sent--> POST /prompt
//!                                                                                           |
//!     --out <--/view-- files <--executed-- Course <--frames-- Socket (or history) <---------+
//! ```
//!
//! No plugin is needed here: the server checks the graph. Its errors become diagnostics of the graph file.

mod address;
mod client;
mod course;
mod definitions;
mod files;
mod follow;
mod frame;
mod problems;
mod socket;
mod wires;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dreamwire_engine::{Disk, World};
use dreamwire_graph::{Class, Code, Diagnostic, Graph, Kinds, Source, parse};
use serde_json::json;

pub(crate) use address::{Address, address};
use client::Client;
use course::Course;
use files::Fetched;
use follow::{End, Follow};
use wires::Wires;

use crate::args::{Global, RunArgs};
use crate::console::{Console, with_hint};
use crate::exit::Exit;
use crate::output::Refused;
use crate::progress::Listener;
use crate::{interrupt, open};

/// The variable that has the token, as for `serve`.
const TOKEN: &str = "DREAMWIRE_TOKEN";

/// Runs a graph on a server.
pub(crate) fn run(
    args: &RunArgs,
    address: &Address,
    global: &Global,
    console: Console,
    listener: &Arc<Listener>,
) -> Result<(), Exit> {
    let start = Instant::now();
    // Before the command they are read by a parser that does not know of `--via`.
    if !global.plugins.is_empty() || global.cache.is_some() || global.no_cache {
        listener
            .talk("error: --plugins, --cache and --no-cache mean nothing with --via: the server has its own");
        return Err(Exit::USAGE);
    }
    let file = open::graph(&args.graph, &args.how.inputs, console)?;
    let (source, problems) = file.read();
    if let Some(exit) = listener.problems(&source, &problems) {
        return Err(exit);
    }
    let (graph, problems) = parse(&source);
    if let Some(exit) = listener.problems(&source, &problems) {
        return Err(exit);
    }
    let disk = Disk::new(file.roots(), args.how.out.clone());
    if let Err(error) = disk.probe() {
        let problem = Diagnostic::error(Code::new("world::output"), Class::Output, error.message);
        let problem = error.hint.map_or(problem.clone(), |hint| problem.hint(hint));
        return Err(listener.problems(&source, &[problem]).unwrap_or(Exit::OUTPUT));
    }
    let variable = || std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
    let token = args.token.clone().or_else(variable);
    let client = Arc::new(Client::new(address, token.as_deref()));
    let way = Way { client: &client, disk: &disk, source: &source, listener };
    let ended = way.go(graph, &args.graph.set);
    listener.clear();
    match ended {
        Ok(End::Done(summary)) => {
            listener.done(&summary, start.elapsed());
            Ok(())
        }
        Ok(End::Cancelled) => Err(listener.cancelled()),
        Ok(End::Failed(problems)) => Err(listener.failed(&source, &problems)),
        Err(Refused { message, hint, exit }) => {
            listener.talk(&with_hint(&format!("error: {message}"), hint.as_deref()));
            Err(exit)
        }
    }
}

/// From a graph to the end of its job.
struct Way<'a> {
    client: &'a Arc<Client>,
    disk: &'a Disk,
    source: &'a Source,
    listener: &'a Arc<Listener>,
}

impl Way<'_> {
    fn go(&self, mut graph: Graph, sets: &[String]) -> Result<End, Refused> {
        let kinds = self.kinds()?;
        let mut problems = graph.name_widgets(&kinds);
        // The server tells of kinds that it does not have.
        if graph.nodes.iter().all(|node| kinds.get(&node.kind).is_some()) {
            let mut wrong = sets.iter().filter_map(|set| graph.set(set, &kinds).err());
            if let Some(what) = wrong.next() {
                let message = format!("--set: {what}");
                return Err(Refused { message, hint: None, exit: Exit::USAGE });
            }
        }
        problems.extend(files::send(&mut graph, &kinds, self.disk, self.client)?);
        if problems.iter().any(Diagnostic::is_error) {
            return Ok(End::Failed(problems));
        }
        self.listener.problems(self.source, &problems);
        let (cancel, job) = self.stop_on_signal();
        // Connected before the job is there, so that nothing is missed.
        let name = uuid::Uuid::new_v4().simple().to_string();
        let socket = follow::open(self.client, &name);
        let id = match self.submit(&graph, &kinds, &name)? {
            Ok(id) => id,
            Err(problems) => return Ok(End::Failed(problems)),
        };
        *job.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
        // A signal that came just before found no job to stop.
        if cancel.load(Ordering::Relaxed) {
            self.client.cancel(&id);
        }
        let of_nodes = graph.nodes.iter().map(|node| (node.id.clone(), node.kind.clone())).collect();
        let follow = Follow {
            client: self.client,
            name: &name,
            job: &id,
            graph: &graph,
            disk: self.disk,
            listener: self.listener,
            cancel: &cancel,
            course: Course::new(&id, of_nodes, Wires::new(&graph, &kinds)),
            fetched: Fetched::default(),
        };
        follow.until_end(socket)
    }

    /// The kinds of the server.
    fn kinds(&self) -> Result<Kinds, Refused> {
        let answer = self.client.get("/object_info", &[])?;
        definitions::kinds(&answer.json()).ok_or_else(|| Refused {
            message: format!("{} is no server that speaks ComfyUI's protocol", self.client.address),
            hint: Some("its /object_info lists no kinds; see `dreamwire serve`".to_owned()),
            exit: Exit::USAGE,
        })
    }

    /// A signal stops the job on the server too, at once: the program may end before anything here is done.
    fn stop_on_signal(&self) -> (Arc<AtomicBool>, Arc<Mutex<Option<String>>>) {
        let (cancel, job): (Arc<AtomicBool>, Arc<Mutex<Option<String>>>) = Default::default();
        let (flag, running) = (Arc::clone(&cancel), Arc::clone(&job));
        let (client, told) = (Arc::clone(self.client), Arc::clone(self.listener));
        interrupt::on_signal(move || {
            told.talk("stopping the job on the server; interrupt again to stop at once");
            let id = running.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(id) = id {
                client.cancel(&id);
            }
            flag.store(true, Ordering::Relaxed);
        });
        (cancel, job)
    }

    /// Submits the graph, all of it or nothing, as a run here. Gives the id of the job, or what is wrong with the graph.
    fn submit(
        &self,
        graph: &Graph,
        kinds: &Kinds,
        name: &str,
    ) -> Result<Result<String, Vec<Diagnostic>>, Refused> {
        let request = json!({ "prompt": graph.to_json(kinds), "client_id": name });
        let answer = self.client.post("/prompt", &request)?;
        let body = answer.json();
        let problems = problems::of_answer(graph, &body);
        let id = body["prompt_id"].as_str().filter(|_| answer.status == 200);
        match (id, problems.is_empty()) {
            (Some(id), true) => Ok(Ok(id.to_owned())),
            (id, false) => {
                // The outputs without errors would run.
                id.iter().for_each(|id| self.client.cancel(id));
                Ok(Err(problems))
            }
            (None, true) => Err(Refused {
                message: format!("the server answers {} to the graph: {}", answer.status, answer.said()),
                hint: None,
                exit: Exit::GRAPH,
            }),
        }
    }
}

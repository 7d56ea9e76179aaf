//! Messages between a run and its worker: MessagePack after a length of four bytes.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use blake3::Hash;
use dreamwire_engine::{Event, Failure, Level, Stamps};
use dreamwire_session::{End, Settings};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest message in bytes. A preview is the largest thing that is sent.
const MOST: u32 = 1 << 30;

/// To the worker.
#[derive(Serialize, Deserialize)]
pub(crate) enum Request {
    /// The first message.
    Setup(Box<Setup>),
    /// Run this graph.
    Run(Work),
    /// Stop the run.
    Cancel,
}

/// What does not change between jobs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    /// Plugins that were named, beside those that are found.
    pub(crate) plugins: Vec<PathBuf>,
    /// The cache with the plugin index.
    pub(crate) index: Option<PathBuf>,
}

/// A job.
#[derive(Serialize, Deserialize)]
pub(crate) struct Work {
    /// The graph's name in messages.
    pub(crate) name: String,
    /// The graph.
    pub(crate) text: String,
    /// More texts for pictures, by name.
    pub(crate) texts: BTreeMap<String, String>,
    /// Steps not to try, by identity.
    pub(crate) quarantine: Vec<(Hash, Failure)>,
}

/// From the worker.
#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The run has read its files.
    Read(Stamps),
    Event(Event),
    /// A line that a plugin wrote outside a step.
    Log(Level, String),
    End(End),
}

pub(crate) fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let body = rmp_serde::to_vec(message).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MOST);
    let length = length.ok_or_else(|| io::Error::other("a message is too large"))?;
    // One write, so that another thread's message does not come between.
    to.write_all(&[&length.to_le_bytes()[..], &body].concat())?;
    to.flush()
}

pub(crate) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MOST {
        return Err(io::Error::other("a message is too large"));
    }
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body)?;
    rmp_serde::from_slice(&body).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use dreamwire_engine::{Batches, Dtype, FailureKind, StepFailure, StepReport, Stopped, Summary, Tensor};
    use dreamwire_graph::{Class, Code, Diagnostic, Span};

    use super::*;

    fn there_and_back<T: Serialize + DeserializeOwned>(message: &T) -> T {
        let mut pipe = Vec::new();
        write(&mut pipe, message).unwrap();
        let mut rest = &pipe[..];
        let found = read(&mut rest).unwrap();
        assert!(rest.is_empty());
        found
    }

    #[test]
    fn events_cross() {
        let image = Tensor::new(Dtype::U8, vec![3], Arc::new(vec![1, 2, 3])).unwrap();
        let preview = Reply::Event(Event::Preview { node: "dream".to_owned(), image });
        let Reply::Event(Event::Preview { node, image }) = there_and_back(&preview) else { panic!() };
        assert_eq!((&node[..], image.shape(), image.bytes()), ("dream", &[3][..], &[1, 2, 3][..]));
    }

    #[test]
    fn ends_cross() {
        let report = StepReport {
            node: "a".to_owned(),
            kind: "A".to_owned(),
            ran: Some(Duration::from_millis(5)),
            published: Vec::new(),
        };
        let batches = Batches { rows: 40, cached: 12 };
        let done = Reply::End(End::Done(Summary { steps: vec![report], batches }));
        let Reply::End(End::Done(summary)) = there_and_back(&done) else { panic!() };
        assert_eq!((summary.steps[0].ran, summary.batches), (Some(Duration::from_millis(5)), batches));

        let failure = Failure::new(FailureKind::Shape, "odd").at("image").hint("even");
        let failed = StepFailure { node: 3, failure };
        let stopped = Reply::End(End::Stopped(Stopped::Failed(vec![failed])));
        let Reply::End(End::Stopped(Stopped::Failed(failures))) = there_and_back(&stopped) else { panic!() };
        assert_eq!((failures[0].node, failures[0].failure.kind), (3, FailureKind::Shape));

        let problem = Diagnostic::error(Code::new("graph::test"), Class::Graph, "wrong")
            .label(Span::new(3, 5), "here")
            .about("a", "b");
        let refused = Reply::End(End::Refused(vec![problem.clone()]));
        let Reply::End(End::Refused(problems)) = there_and_back(&refused) else { panic!() };
        assert_eq!(problems, [problem]);
    }

    #[test]
    fn the_texts_of_a_job_cross() {
        let texts = BTreeMap::from([("workflow".to_owned(), "{}".to_owned())]);
        let (name, text) = ("g.json".to_owned(), "{}".to_owned());
        let work = Work { name, text, texts: texts.clone(), quarantine: Vec::new() };
        let Request::Run(found) = there_and_back(&Request::Run(work)) else { panic!() };
        assert_eq!(found.texts, texts);
    }

    #[test]
    fn half_a_message_is_an_error() {
        let mut pipe = Vec::new();
        write(&mut pipe, &Request::Cancel).unwrap();
        for length in 0..pipe.len() {
            assert!(read::<Request>(&mut &pipe[..length]).is_err());
        }
        assert!(read::<Request>(&mut &[255u8; 64][..]).is_err());
    }
}

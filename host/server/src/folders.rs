//! Where things lie: the only place that knows.

use crate::files::contained::{Name, Root};
use dreamwire_engine::world::annotation::{self, Folder};
use std::path::PathBuf;

/// The folders of a server.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// Pictures that graphs read; uploads go here.
    pub(crate) input: PathBuf,
    /// What runs publish.
    pub(crate) output: PathBuf,
    /// The server's own: settings, the user's files, the queue. Never served as a whole.
    pub(crate) user: PathBuf,
    /// Graphs that our own page offers.
    pub(crate) graphs: Option<PathBuf>,
    /// The static files of ComfyUI's editor.
    pub(crate) frontend: Option<PathBuf>,
}

/// A folder of pictures, as requests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Inputs.
    Input,
    /// Outputs.
    Output,
    /// What previews leave.
    Temp,
}

impl Place {
    /// The place that `type` in a request means.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Input, Self::Output, Self::Temp].into_iter().find(|place| place.name() == text)
    }

    /// Its name in requests and answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Temp => "temp",
        }
    }

    /// A file name without a note such as ` [input]`, and the place that the note means.
    pub(crate) fn split(text: &str) -> (&str, Option<Self>) {
        match annotation::split(text) {
            Some((name, Folder::Input)) => (name, Some(Self::Input)),
            Some((name, Folder::Output)) => (name, Some(Self::Output)),
            Some((name, Folder::Temporary)) => (name, Some(Self::Temp)),
            None => (text, None),
        }
    }
}

impl Folders {
    /// The folder of a place.
    pub(crate) fn place(&self, place: Place) -> Root {
        Root::new(match place {
            Place::Input => self.input.clone(),
            Place::Output => self.output.clone(),
            Place::Temp => self.output.join(annotation::PREVIEWS),
        })
    }

    /// The folder of a place that has a file. Inputs lie below the input folder or beside the graphs that name them, where a
    /// run looks too, in this order.
    pub(crate) fn holder(&self, place: Place, name: &Name) -> Root {
        let graphs = self.graphs.as_ref().filter(|_| place == Place::Input);
        let beside = graphs.map(|graphs| Root::new(graphs.clone()));
        let own = self.place(place);
        match beside {
            Some(beside) if own.entry(name).is_err() && beside.entry(name).is_ok() => beside,
            _ => own,
        }
    }

    /// The user's files: workflows and whatever else the editor keeps. A folder of their own, so that no request for
    /// one reaches the settings or the queue.
    pub(crate) fn userdata(&self) -> Root {
        Root::new(self.user.join("userdata"))
    }

    /// The folder with the settings file.
    pub(crate) fn settings(&self) -> Root {
        Root::new(self.user.clone())
    }
}

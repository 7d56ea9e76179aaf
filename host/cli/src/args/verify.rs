//! The options of `verify`.

use std::path::PathBuf;

use clap::Args;
use dreamwire_engine::{Device, Options};
use dreamwire_session::{GraphFile, Limits, Settings};

use super::how::{DeviceArg, device};
use super::{GraphArgs, cores};
use crate::console::Console;
use crate::exit::Exit;
use crate::open;

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The picture, as it was saved.
    #[arg(value_name = "PICTURE")]
    pub(crate) picture: PathBuf,
    /// An additional input folder, such as that of the graph; may be given several times.
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Make the picture again, outside the cache and the output folder, and compare.
    #[arg(long)]
    pub(crate) run: bool,
    /// The device to compute on, as for `run`.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = device)]
    pub(crate) device: DeviceArg,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl VerifyArgs {
    /// The settings of a run that leaves nothing behind but what is in `out`.
    pub(crate) fn settings(
        &self,
        out: PathBuf,
        allow_nonfinite: bool,
        console: Console,
    ) -> Result<Settings, Exit> {
        let asked = self.device.asked();
        let device = asked.unwrap_or(Device::Cpu);
        let options = Options { device, threads: cores(), allow_nonfinite, metadata: true };
        Ok(Settings {
            graph: self.graph(console)?,
            out,
            options,
            any_device: asked.is_none(),
            cache: None,
            replaces: true,
            explain: false,
            isolated: false,
            limits: Limits::default(),
        })
    }

    /// The graph that the picture carries.
    fn graph(&self, console: Console) -> Result<GraphFile, Exit> {
        let graph = GraphArgs { path: self.picture.clone(), set: Vec::new() };
        open::graph(&graph, &self.inputs, console)
    }
}

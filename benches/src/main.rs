//! The program `dreamwire-bench`: how long whole networks take on this machine.
//!
//! It lies beside `dreamwire`, which starts it as `dreamwire bench`, and is a separate program because the
//! host links no network. Weights and pictures are random and always the same, or come from safetensors
//! files, so that another program can use the same ones. `docs/benchmarks.md` explains the results.

mod adain;
mod args;
mod candle_vgg;
mod device;
mod dream;
mod failure;
mod flops;
mod layers;
mod measure;
mod report;
mod stylegan;
mod stylegan1;
mod tensors;
mod vgg;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Common, Network};
use crate::failure::Failure;

/// candle's backward pass and the drop of its graph recurse deeply.
const STACK_BYTES: usize = 32 << 20;

fn main() -> ExitCode {
    match execute(&Cli::parse()) {
        Ok(text) => {
            // Whoever closed the other end has seen enough.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let _ = std::io::stderr().lock().write_all(format!("error: {failure}\n").as_bytes());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// The text for standard output.
fn execute(cli: &Cli) -> Result<String, Failure> {
    match &cli.network {
        Network::Vgg16(args) if args.layers => with_threads(&args.common, || layers::measure(args)),
        Network::Vgg16(args) => with_threads(&args.common, || vgg::measure(args)),
        Network::Stylegan1(args) => with_threads(&args.common, || stylegan1::measure(args)),
        Network::Stylegan2(args) => with_threads(&args.common, || stylegan::measure(args)),
        Network::Stylegan3(args) => with_threads(&args.common, || stylegan::measure_three(args)),
        Network::Adain(args) => with_threads(&args.common, || adain::measure(args)),
        Network::Dream(args) => dream::measure(args),
    }
}

/// Runs `work` in a pool of the requested threads.
fn with_threads<R: Send>(
    common: &Common,
    work: impl FnOnce() -> Result<R, Failure> + Send,
) -> Result<R, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(common.threads()).stack_size(STACK_BYTES).build();
    let pool = pool.map_err(|error| Failure::Failed(format!("cannot start threads: {error}")))?;
    pool.install(work)
}

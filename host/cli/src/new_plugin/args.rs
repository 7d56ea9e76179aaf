use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct NewPluginArgs {
    /// The name of the plugin and of its new folder, such as `my-blur`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Write it in C instead of Rust.
    #[arg(long)]
    pub(crate) c: bool,
    /// The folder of the SDK [default: in the sources that this program was built from].
    #[arg(long, value_name = "DIR", conflicts_with = "c")]
    pub(crate) sdk: Option<PathBuf>,
}

use std::fmt;

use serde::{Deserialize, Serialize};

/// A hint, as data: crates below the command line do not know its flags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// What to do, in one or more lines.
    pub text: String,
    /// The setting of a run to change, if any.
    pub setting: Option<Setting>,
}

/// A setting of a run that a hint refers to. Each front end has its own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setting {
    /// Where results are published.
    OutputFolder,
    /// A further input folder.
    InputFolder,
    /// Whether NaN and infinity in results are allowed.
    AllowNonfinite,
    /// Where to compute.
    Device,
    /// Where plugins are looked for.
    Plugins,
}

impl Hint {
    /// A hint that names the setting to change.
    pub fn with(text: impl Into<String>, setting: Setting) -> Self {
        Hint { text: text.into(), setting: Some(setting) }
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Hint { text, setting: None }
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

use std::fmt;

/// A hint, as data: the crates below the command line do not know its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What to do; may have several lines.
    pub text: String,
    /// The setting of a run to change, if any.
    pub setting: Option<Setting>,
}

/// A setting of a run that a hint refers to. Each front end has its own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Where results are published.
    OutputFolder,
    /// A further folder that inputs may lie in.
    InputFolder,
    /// NaN and infinity in results are let through.
    AllowNonfinite,
    /// Where to compute.
    Device,
    /// Where plugins are.
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

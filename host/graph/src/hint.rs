use std::fmt;

/// What to do about a problem, as data: the crates below the command line do not know what a setting is called
/// there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What to do; may have several lines.
    pub text: String,
    /// The setting of a run that does it, if one does.
    pub setting: Option<Setting>,
}

/// A setting of a run that a hint speaks of. Each front end has its own name for it.
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

//! Trying out whether files can be written, without leaving any.

use super::super::WorldError;
use super::super::dates;
use super::super::name::Template;
use super::super::publish;
use super::Outputs;
use super::root::cannot_write;
use cap_std::fs::Dir;
use std::io;
use std::time::SystemTime;

impl Outputs {
    pub(in super::super) fn probe(&self) -> Result<(), WorldError> {
        let root = self.root.open()?;
        publish::probe(&root).map_err(|e| self.root.cannot_use(&e))
    }

    pub(in super::super) fn probe_prefix(&self, prefix: &str) -> Result<(), WorldError> {
        let prefix = dates::fill(prefix, SystemTime::now());
        let template = format!("{prefix}_{{counter:05}}_");
        let template = Template::parse(&template)?;
        let (folder, _) = template.split();
        let root = self.root.open()?;
        let proven = match existing(&root, folder) {
            Ok((dir, "")) => publish::probe(&dir),
            Ok((dir, missing)) => probe_missing(&dir, missing),
            Err(e) => Err(e),
        };
        proven.map_err(|e| cannot_write(&template.name(1), &e))
    }
}

/// The deepest folder of a path that exists, and the rest of the path.
fn existing<'a>(root: &Dir, folder: &'a str) -> io::Result<(Dir, &'a str)> {
    let mut end = folder.len();
    loop {
        if end == 0 {
            return Ok((root.try_clone()?, folder));
        }
        match root.open_dir(&folder[..end]) {
            Ok(dir) => return Ok((dir, folder[end..].trim_start_matches('/'))),
            // A link to nowhere is there, and no folder can be made in its place.
            Err(e)
                if e.kind() != io::ErrorKind::NotFound || root.symlink_metadata(&folder[..end]).is_ok() =>
            {
                return Err(e);
            }
            Err(_) => end = folder[..end].rfind('/').unwrap_or(0),
        }
    }
}

/// Creates the missing folders under a name of our own: one that is created and removed in its own place could be
/// removed while another process publishes in it.
fn probe_missing(dir: &Dir, missing: &str) -> io::Result<()> {
    let own = publish::temporary_name();
    let path = format!("{own}/{missing}");
    let proven = dir
        .create_dir(&own)
        .and_then(|()| dir.create_dir_all(&path))
        .and_then(|()| publish::probe(&dir.open_dir(&path)?));
    // Only what was just created: nothing but empty folders.
    let mut made = Some(path.as_str());
    while let Some(folder) = made {
        let _ = dir.remove_dir(folder);
        made = folder.rsplit_once('/').map(|(parent, _)| parent);
    }
    proven
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_prefix_is_tried_and_nothing_remains() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let outputs = Outputs::new(out.clone());
        for prefix in ["it", "a/it", "a/b/c/it", "a/", ""] {
            outputs.probe_prefix(prefix).unwrap();
            assert!(names(&out).is_empty(), "{prefix}");
        }
        std::fs::create_dir(out.join("a")).unwrap();
        std::fs::write(out.join("file"), "").unwrap();
        for prefix in ["a/it", "a/b/it"] {
            outputs.probe_prefix(prefix).unwrap();
            assert!(names(&out.join("a")).is_empty(), "{prefix}");
        }
        for (prefix, why) in
            [("../it", "leaves the output folder"), ("file/it", "cannot write `file/it_00001_`: ")]
        {
            let refused = outputs.probe_prefix(prefix).unwrap_err().message;
            assert!(refused.contains(why), "{refused}");
        }
        assert_eq!(names(&out), ["a", "file"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_are_seen() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (out, elsewhere) = (dir.path().join("out"), dir.path().join("elsewhere"));
        let outputs = Outputs::new(out.clone());
        outputs.probe().unwrap();
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::create_dir_all(out.join("real/sub")).unwrap();
        symlink(&elsewhere, out.join("away")).unwrap();
        symlink("nowhere", out.join("broken")).unwrap();
        symlink("../real", out.join("real/round")).unwrap();
        assert!(outputs.probe_prefix("away/it").is_err());
        assert!(outputs.probe_prefix("away/new/it").is_err());
        assert!(outputs.probe_prefix("broken/it").is_err());
        outputs.probe_prefix("real/round/sub/it").unwrap();
        let mode =
            |mode| std::fs::set_permissions(out.join("real"), PermissionsExt::from_mode(mode)).unwrap();
        mode(0o555);
        // Nothing is forbidden to root.
        if std::fs::write(out.join("real/x"), "").is_err() {
            let refused = outputs.probe_prefix("real/it").unwrap_err();
            assert!(
                refused.message.starts_with("cannot write `real/it_00001_`: Permission denied"),
                "{refused}"
            );
            assert!(outputs.probe_prefix("real/new/it").is_err());
            outputs.probe_prefix("real/sub/it").unwrap();
        }
        mode(0o755);
        assert!(names(&elsewhere).is_empty());
    }
}

//! Files that come with a name, from another machine.

use super::{Outputs, file_name};
use crate::world::lock::Lock;
use crate::world::name::Template;
use crate::world::publish::{self, IfTaken};
use crate::world::{Published, WorldError};

/// How many numbers are tried.
const NUMBERS: usize = 9999;

impl Outputs {
    /// Writes a file under this name, or under `name (1).png` and so on if the name has another content. No file is
    /// replaced, and one with the same bytes is not written again.
    pub(in super::super) fn keep(&self, name: &str, bytes: &[u8]) -> Result<Published, WorldError> {
        let template = Template::literal(name)?;
        let (folder_name, _) = template.split();
        let folder = self.root.folder(folder_name, name)?;
        let _lock = Lock::take(&folder);
        for number in 0..=NUMBERS {
            let name = numbered(name, number);
            let own = file_name(&name);
            let write = || publish::write(&folder, own, bytes, IfTaken::Refuse);
            let written = match folder.read(own) {
                Ok(old) if old == bytes => false,
                Ok(_) => continue,
                // A folder of that name, or a link that leads out, is no free name either.
                Err(_) => match write() {
                    Ok(true) => true,
                    Ok(false) => continue,
                    Err(error) => return Err(publish::explain(&folder, &name, bytes.len(), &error)),
                },
            };
            let path = self.root.shown().join(&name);
            return Ok(Published { name, path, hash: blake3::hash(bytes), written });
        }
        Err(WorldError::new(format!("`{name}` and {NUMBERS} names like it are taken")))
    }
}

/// `sub/a (2).png`; 0 is the name itself.
fn numbered(name: &str, number: usize) -> String {
    let file = file_name(name);
    let (folder, extension) = (&name[..name.len() - file.len()], file.rfind('.').filter(|dot| *dot > 0));
    match (number, extension) {
        (0, _) => name.to_owned(),
        (_, Some(dot)) => format!("{folder}{} ({number}){}", &file[..dot], &file[dot..]),
        (_, None) => format!("{folder}{file} ({number})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faults: V3.
    #[test]
    fn a_name_is_kept_and_no_other_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        let outputs = Outputs::new(root.clone());
        let keep = |name: &str, bytes: &[u8]| {
            let published = outputs.keep(name, bytes).unwrap();
            (published.name, published.written)
        };
        // Nothing in a name from elsewhere means anything.
        let odd = "sub/a_%year%_{counter:05}.png";
        assert_eq!(keep(odd, b"1"), (odd.to_owned(), true));
        assert_eq!(keep(odd, b"1"), (odd.to_owned(), false));
        let second = "sub/a_%year%_{counter:05} (1).png";
        assert_eq!(keep(odd, b"2"), (second.to_owned(), true));
        assert_eq!(keep(odd, b"2"), (second.to_owned(), false));
        assert_eq!(std::fs::read(root.join(odd)).unwrap(), b"1");
        std::fs::create_dir(root.join("folder")).unwrap();
        assert_eq!(keep("folder", b"3"), ("folder (1)".to_owned(), true));
        for name in ["../a.png", "/a.png", "a\\b.png", "", "a/", "C:/a.png", "a\n.png", "a//b.png"] {
            assert!(outputs.keep(name, b"x").is_err(), "{name}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing beside the folder");
    }

    /// Faults: V3.
    #[cfg(unix)]
    #[test]
    fn no_link_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        std::fs::create_dir_all(dir.path().join("other")).unwrap();
        std::fs::create_dir(&root).unwrap();
        std::fs::write(dir.path().join("other/a.png"), "1").unwrap();
        std::os::unix::fs::symlink(dir.path().join("other"), root.join("sub")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("other/a.png"), root.join("a.png")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("nothing"), root.join("b.png")).unwrap();
        let outputs = Outputs::new(root.clone());
        assert!(outputs.keep("sub/b.png", b"2").is_err());
        assert_eq!(outputs.keep("a.png", b"2").unwrap().name, "a (1).png");
        assert_eq!(outputs.keep("b.png", b"2").unwrap().name, "b (1).png");
        assert_eq!(std::fs::read(dir.path().join("other/a.png")).unwrap(), b"1");
        assert!(!dir.path().join("nothing").exists() && !dir.path().join("other/b.png").exists());
    }
}

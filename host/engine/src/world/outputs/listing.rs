//! What is known about the files of an output folder.

use super::super::lock::Lock;
use super::super::name::Template;
use cap_std::fs::Dir;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

/// The numbered files of one folder, by template without extension. The lists hold until someone else changes the
/// folder: reading 10,000 names again for every frame would be slow.
#[derive(Default)]
pub(super) struct Listing {
    siblings: HashMap<String, Siblings>,
    /// The folder's modification time of these lists. `None` if a change could go unnoticed.
    changed: Option<SystemTime>,
}

/// Existing files that share a template, whatever their extension.
pub(super) struct Siblings {
    /// Numbers by file size in bytes: only a file of equal or similar size is worth reading.
    by_size: BTreeMap<u64, Vec<u64>>,
    /// The first number that may be free.
    next: u64,
}

impl Listing {
    /// Drops the lists if someone else may have changed the folder. To be called each time it was locked.
    pub(super) fn refresh(&mut self, folder: &Dir) {
        let now = changed(folder);
        if self.changed.is_none() || self.changed != now {
            self.siblings.clear();
            // The time is older than the names that are read later: what changes in between makes lists stale, not wrong.
            self.changed = now.filter(|&time| is_past(time, SystemTime::now()));
        }
    }

    /// The siblings of a template.
    pub(super) fn siblings(&mut self, folder: &Dir, stem: &str, template: &Template<'_>) -> &Siblings {
        let list = || Siblings::list(folder, template);
        self.siblings.entry(stem.to_owned()).or_insert_with(list)
    }

    /// This process has written a file of that size since the last refresh, and nobody else anything, so the lists hold.
    pub(super) fn wrote(&mut self, folder: &Dir, lock: &Lock, stem: &str, number: Option<u64>, size: u64) {
        if let (Some(siblings), Some(number)) = (self.siblings.get_mut(stem), number) {
            siblings.by_size.entry(size).or_default().push(number);
            siblings.next = siblings.next.max(number.saturating_add(1));
        }
        let stamp = lock.stamp();
        let now = changed(folder);
        self.changed = now.filter(|&time| stamp == now || is_past(time, SystemTime::now()));
    }
}

impl Siblings {
    fn list(folder: &Dir, template: &Template<'_>) -> Self {
        let (mut by_size, mut next) = (BTreeMap::<u64, Vec<u64>>::new(), 1);
        for entry in folder.entries().into_iter().flatten().flatten() {
            let Some(counter) = entry.file_name().to_str().and_then(|name| template.counter_of(name)) else {
                continue;
            };
            next = next.max(counter.saturating_add(1));
            if let Ok(metadata) = entry.metadata() {
                by_size.entry(metadata.len()).or_default().push(counter);
            }
        }
        by_size.values_mut().for_each(|counters| counters.sort_unstable());
        Self { by_size, next }
    }

    /// The numbers of files of that size.
    pub(super) fn of_size(&self, size: usize) -> &[u64] {
        self.by_size.get(&(size as u64)).map_or(&[], Vec::as_slice)
    }

    /// The numbers of files whose size differs by at most `most` bytes, those of the nearest size first.
    pub(super) fn near_size(&self, size: usize, most: u64) -> Vec<u64> {
        let size = size as u64;
        let range = self.by_size.range(size.saturating_sub(most)..=size.saturating_add(most));
        let mut near: Vec<_> = range.collect();
        near.sort_by_key(|(other, _)| other.abs_diff(size));
        near.into_iter().flat_map(|(_, numbers)| numbers).copied().collect()
    }

    /// The first number that may be free.
    pub(super) fn next(&self) -> u64 {
        self.next
    }
}

fn changed(folder: &Dir) -> Option<SystemTime> {
    folder.dir_metadata().and_then(|metadata| metadata.modified()).ok().map(|time| time.into_std())
}

/// Whether a later change must have a later time. Modification times come from a clock with coarse ticks, so a change
/// right after the last one may have the same time.
fn is_past(time: SystemTime, now: SystemTime) -> bool {
    const TICK: Duration = Duration::from_millis(50);
    /// Of file systems that count whole or even seconds.
    const SECONDS: Duration = Duration::from_secs(3);
    let whole = time.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|time| time.subsec_nanos() == 0);
    // A time in the future, of a server with another clock, is not past.
    now.duration_since(time).is_ok_and(|age| age > if whole { SECONDS } else { TICK })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;

    #[test]
    fn a_list_is_kept_over_own_files_but_not_over_those_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        let template = Template::parse("a_{counter:05}_.png").unwrap();
        let (mut listing, lock) = (Listing::default(), Lock::take(&folder));
        listing.refresh(&folder);
        assert_eq!(listing.siblings(&folder, "a", &template).next(), 1);
        folder.write("a_00001_.png", "one").unwrap();
        listing.wrote(&folder, &lock, "a", Some(1), 3);
        if cfg!(unix) {
            assert!(listing.changed.is_some(), "the list is kept");
        }
        listing.refresh(&folder);
        let siblings = listing.siblings(&folder, "a", &template);
        assert_eq!((siblings.next(), siblings.of_size(3)), (2, &[1][..]));
        // At once, within the tick of the file system's clock.
        for number in 2..40 {
            folder.write(template.name(number), "two ").unwrap();
            listing.refresh(&folder);
            let siblings = listing.siblings(&folder, "a", &template);
            assert_eq!((siblings.next(), siblings.of_size(4).len()), (number + 1, number as usize - 1));
            let own = template.name(number).replace("png", "exr");
            folder.write(own, "exr").unwrap();
            listing.wrote(&folder, &lock, "a", Some(number), 3);
        }
    }

    #[test]
    fn a_time_is_past_when_the_clock_has_ticked() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1500);
        assert!(!is_past(time, time) && !is_past(time, time + Duration::from_millis(50)));
        assert!(is_past(time, time + Duration::from_millis(51)));
        assert!(!is_past(time + Duration::from_secs(9), time), "in the future");
        let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(2);
        assert!(
            !is_past(whole, whole + Duration::from_secs(2)) && is_past(whole, whole + Duration::from_secs(4))
        );
    }
}

use crate::outcome::Verdict;
use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    Ok(subject.open()?.facts().id)
}

use crate::outcome::Checked;
use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Checked {
    Ok(subject.open()?.id().to_owned())
}

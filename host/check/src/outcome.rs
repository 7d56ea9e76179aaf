/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The plugin keeps this part of the contract: what was checked.
    Passed(String),
    /// It does not: where, and what was found.
    Failed(String),
    /// It was not checked, and why.
    Skipped(String),
    /// It was not checked, because a check that it depends on failed or was blocked itself.
    Blocked(String),
}

impl Outcome {
    /// `ok`, `fail` or `skip`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed(_) => "ok",
            Self::Failed(_) => "fail",
            Self::Skipped(_) | Self::Blocked(_) => "skip",
        }
    }

    /// The message.
    pub fn words(&self) -> &str {
        match self {
            Self::Passed(words) | Self::Failed(words) | Self::Skipped(words) | Self::Blocked(words) => words,
        }
    }
}

/// One check of one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The check.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
}

/// Why a check ends early.
pub(crate) enum Stop {
    Failed(String),
    Skipped(String),
}

/// How a check ends: with a message about what it checked, or early.
pub(crate) type Verdict = Result<String, Stop>;

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Ok(words) => Self::Passed(words),
            Err(Stop::Failed(words)) => Self::Failed(words),
            Err(Stop::Skipped(words)) => Self::Skipped(words),
        }
    }
}

/// The result of a check for one kind.
pub(crate) enum Done {
    /// The number of things that were checked.
    Looked(usize),
    /// It could not be checked, and why.
    LeftOut(String),
}

/// The results for the kinds so far.
#[derive(Default)]
pub(crate) struct Tally {
    looked: usize,
    left_out: Vec<String>,
    faults: Vec<String>,
}

impl Tally {
    /// Adds a kind; an error is its fault.
    pub(crate) fn add(&mut self, kind: &str, done: Result<Done, String>) {
        match done {
            Ok(Done::Looked(count)) => self.looked += count,
            Ok(Done::LeftOut(why)) => self.left_out.push(format!("{kind} ({why})")),
            Err(fault) => self.fault(format!("{kind}: {fault}")),
        }
    }

    pub(crate) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// The verdict. `noun` names what was counted: "kind".
    pub(crate) fn end(self, noun: &str) -> Verdict {
        if !self.faults.is_empty() {
            return Err(Stop::Failed(self.faults.join("; ")));
        }
        let left_out = self.left_out.join(", ");
        match self.looked {
            0 if left_out.is_empty() => Err(Stop::Skipped(format!("there is no {noun}"))),
            0 => Err(Stop::Skipped(format!("left out: {left_out}"))),
            count => {
                let plural = if count == 1 { "" } else { "s" };
                let rest =
                    if left_out.is_empty() { String::new() } else { format!("; left out: {left_out}") };
                Ok(format!("{count} {noun}{plural}{rest}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(done: Vec<Result<Done, String>>) -> Outcome {
        let mut tally = Tally::default();
        done.into_iter().for_each(|done| tally.add("K", done));
        tally.end("kind").into()
    }

    #[test]
    fn one_fault_fails_and_nothing_looked_at_is_no_success() {
        let left_out = || Ok(Done::LeftOut("needs a file".to_owned()));
        let check = |done, expected: Outcome| assert_eq!(outcome(done), expected);
        check(vec![], Outcome::Skipped("there is no kind".to_owned()));
        check(vec![left_out()], Outcome::Skipped("left out: K (needs a file)".to_owned()));
        check(
            vec![Ok(Done::Looked(2)), left_out()],
            Outcome::Passed("2 kinds; left out: K (needs a file)".to_owned()),
        );
        check(
            vec![Ok(Done::Looked(1)), Err("a".to_owned()), Err("b".to_owned())],
            Outcome::Failed("K: a; K: b".to_owned()),
        );
    }
}

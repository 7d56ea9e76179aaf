//! The time in the names of published files: `%year%`, `%date:yyyy-MM-dd%`. In UTC, so that a name does not depend on
//! the machine.

use dreamwire_graph::prefix::{Piece, TIMES, date_parts, pieces};
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

/// Fills in the time. Other tokens stay: they are not the host's.
pub(super) fn fill(name: &str, now: SystemTime) -> Cow<'_, str> {
    if !name.contains('%') {
        return name.into();
    }
    let date = Date::of(now);
    let mut filled = String::new();
    for piece in pieces(name) {
        match piece {
            Piece::Text(text) => filled += text,
            Piece::Token(token) => match (token.strip_prefix("date:"), date.named(token)) {
                (Some(format), _) => date_parts(format).for_each(|part| filled += &date.part(part)),
                (None, Some(text)) => filled += &text,
                (None, None) => filled += &format!("%{token}%"),
            },
        }
    }
    filled.into()
}

/// A time of the Gregorian calendar.
#[derive(Debug, PartialEq, Eq)]
struct Date {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Date {
    fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Days since 0000-03-01: with the leap day at the end of a year, all months begin at fixed days.
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        Self { year, month, day, hour: rest / 3_600, minute: rest / 60 % 60, second: rest % 60 }
    }

    /// `year`, `month`, ... as ComfyUI writes them.
    fn named(&self, token: &str) -> Option<String> {
        let values = [self.year, self.month, self.day, self.hour, self.minute, self.second];
        let (_, value) = TIMES.iter().zip(values).find(|(name, _)| **name == token)?;
        Some(format!("{value:02}"))
    }

    /// A part of a format: `yyyy`, `MM`, `M`, or text between them.
    fn part<'p>(&self, part: &'p str) -> Cow<'p, str> {
        let value = match part {
            "yyyy" => return format!("{:04}", self.year).into(),
            "yy" => return format!("{:02}", self.year % 100).into(),
            "M" | "MM" => self.month,
            "d" | "dd" => self.day,
            "h" | "hh" | "H" | "HH" => self.hour,
            "m" | "mm" => self.minute,
            "s" | "ss" => self.second,
            text => return text.into(),
        };
        format!("{value:0width$}", width = part.len()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, "1970-1-1 0:0:0"),
            (951_782_400, "2000-2-29 0:0:0"),
            (951_868_799, "2000-2-29 23:59:59"),
            (951_868_800, "2000-3-1 0:0:0"),
            (1_767_225_599, "2025-12-31 23:59:59"),
            (4_107_542_400, "2100-3-1 0:0:0"),
        ] {
            assert_eq!(fill("%date:yyyy-M-d H:m:s%", at(seconds)), date);
        }
    }

    #[test]
    fn names_get_the_time_and_keep_the_rest() {
        // 2009-02-03 04:05:06
        let now = at(1_233_633_906);
        for (name, filled) in [
            (
                "%year%-%month%-%day%/%hour%%minute%%second%_{counter:05}_.png",
                "2009-02-03/040506_{counter:05}_.png",
            ),
            ("%date:yyyy-MM-dd%", "2009-02-03"),
            ("%date:yyMMdd-hhmmss%", "090203-040506"),
            ("%date:yyyy/MM%/é%width%", "2009/02/é%width%"),
            ("%date:d.M. é HH%", "3.2. é 04"),
            ("50%-70%", "50%-70%"),
            ("a", "a"),
        ] {
            assert_eq!(fill(name, now), filled);
        }
    }
}

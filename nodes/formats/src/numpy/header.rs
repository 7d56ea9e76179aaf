//! The header of an `.npy` file: a dict as Python writes it.

/// What the header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) descr: String,
    pub(super) column_major: bool,
    pub(super) shape: Vec<usize>,
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
pub(super) fn parse(text: &str) -> Option<Header> {
    let mut parser = Parser { rest: text };
    let (mut descr, mut column_major, mut shape) = (None, None, None);
    parser.expect("{")?;
    while parser.expect("}").is_none() {
        let key = parser.quoted()?;
        parser.expect(":")?;
        match key {
            "descr" => descr = Some(parser.description()?),
            "fortran_order" => column_major = Some(parser.boolean()?),
            "shape" => shape = Some(parser.shape()?),
            _ => return None,
        }
        if parser.expect(",").is_none() {
            parser.expect("}")?;
            break;
        }
    }
    let is_whole = parser.rest.trim_ascii().is_empty();
    is_whole.then_some(Header { descr: descr?, column_major: column_major?, shape: shape? })
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    /// Goes past spaces and `token`, if it comes next.
    fn expect(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_ascii_start().strip_prefix(token)?;
        Some(())
    }

    fn quoted(&mut self) -> Option<&'t str> {
        let quote = if self.expect("'").is_some() { '\'' } else { self.expect("\"").map(|()| '"')? };
        let (text, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        Some(text)
    }

    /// A type; a list of fields is a record.
    fn description(&mut self) -> Option<String> {
        if !self.rest.trim_ascii_start().starts_with(['[', '(']) {
            return self.quoted().map(str::to_owned);
        }
        let end = self.rest.find("'fortran_order'").or_else(|| self.rest.find("'shape'"))?;
        // The comma before the next key belongs to the dict.
        let comma = self.rest.get(..end)?.rfind(',')?;
        self.rest = self.rest.get(comma..)?;
        Some("V".to_owned())
    }

    fn boolean(&mut self) -> Option<bool> {
        if self.expect("True").is_some() { Some(true) } else { self.expect("False").map(|()| false) }
    }

    fn shape(&mut self) -> Option<Vec<usize>> {
        let mut shape = Vec::new();
        self.expect("(")?;
        while self.expect(")").is_none() {
            self.rest = self.rest.trim_ascii_start();
            let end = self.rest.find(|letter: char| !letter.is_ascii_digit())?;
            let (digits, rest) = self.rest.split_at_checked(end)?;
            shape.push(digits.parse().ok()?);
            // Python 2 writes long integers with an L.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if self.expect(",").is_none() {
                self.expect(")")?;
                break;
            }
        }
        Some(shape)
    }
}

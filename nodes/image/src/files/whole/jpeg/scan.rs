use super::bits::{Bits, Table};
use super::{Component, Frame};

/// Why a scan cannot be counted to its end.
pub(super) enum Fail {
    /// The data end too early.
    Exhausted,
    /// A code that the table does not have.
    Damaged,
}

/// One pass over some components.
pub(super) struct Scan<'t> {
    /// Number of the component, and its tables.
    parts: Vec<(usize, Option<&'t Table>, Option<&'t Table>)>,
    /// First and last coefficient.
    first: usize,
    last: usize,
    /// True if the coefficients have come before and get one more bit.
    is_refining: bool,
    /// How many of the lowest bits are still missing after it.
    low: u8,
    /// Units from one restart marker to the next, 0 without them.
    restart: usize,
}

impl<'t> Scan<'t> {
    /// None if it is not understood.
    pub(super) fn read(
        segment: &[u8],
        frame: &Frame,
        dc: &'t [Option<Table>; 4],
        ac: &'t [Option<Table>; 4],
        restart: usize,
    ) -> Option<Self> {
        let (&count, rest) = segment.split_first()?;
        let (named, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let [first, last, bits] = *rest.first_chunk::<3>()?;
        let (first, last) = if frame.is_progressive { (first, last) } else { (0, 63) };
        let (high, low) = if frame.is_progressive { (bits >> 4, bits & 15) } else { (0, 0) };
        let parts = named.chunks_exact(2).map(|pair| {
            let number = frame.components.iter().position(|component| component.id == pair[0])?;
            let table = |tables: &'t [Option<Table>; 4], n: u8| tables.get(usize::from(n))?.as_ref();
            let (dc, ac) = (table(dc, pair[1] >> 4), table(ac, pair[1] & 15));
            let needs_dc = first == 0 && high == 0;
            ((dc.is_some() || !needs_dc) && (ac.is_some() || last == 0)).then_some((number, dc, ac))
        });
        let parts = parts.collect::<Option<Vec<_>>>()?;
        let (first, last) = (usize::from(first), usize::from(last));
        let is_sound = !parts.is_empty()
            && first <= last
            && last < 64
            && (!frame.is_progressive || (first == 0) == (last == 0))
            && (first == 0 || parts.len() == 1);
        is_sound.then_some(Self { parts, first, last, is_refining: high > 0, low, restart })
    }

    /// Counts over the data from `position` on; returns where they end.
    pub(super) fn count(&self, frame: &mut Frame, bytes: &[u8], position: usize) -> Result<usize, Fail> {
        let mut bits = Bits::new(bytes, position);
        let (units_across, units_down) = frame.units();
        let is_alone = self.parts.len() == 1;
        let (width, height) = if is_alone {
            // A component that comes alone has no padding to whole units.
            let component = &frame.components[self.parts[0].0];
            let widest = frame.components.iter().map(|c| c.across).max().unwrap_or(1);
            let highest = frame.components.iter().map(|c| c.down).max().unwrap_or(1);
            (
                (frame.width * component.across).div_ceil(8 * widest),
                (frame.height * component.down).div_ceil(8 * highest),
            )
        } else {
            (units_across, units_down)
        };
        let mut end_of_band = 0;
        for unit in 0..width * height {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                bits.restart()?;
                end_of_band = 0;
            }
            let (x, y) = (unit % width, unit / width);
            for &(number, dc, ac) in &self.parts {
                let component = &mut frame.components[number];
                let (across, down) = if is_alone { (1, 1) } else { (component.across, component.down) };
                for block in 0..across * down {
                    let column = x * across + block % across;
                    let row = y * down + block / across;
                    let stride = units_across * component.across;
                    let mut ignored = 0;
                    let nonzero = component.nonzero.get_mut(row * stride + column).unwrap_or(&mut ignored);
                    self.block(&mut bits, dc, ac, nonzero, &mut end_of_band)?;
                }
            }
        }
        for &(number, ..) in &self.parts {
            let Component { missing, .. } = &mut frame.components[number];
            missing[self.first..=self.last].fill(Some(self.low));
        }
        Ok(bits.at)
    }

    fn block(
        &self,
        bits: &mut Bits<'_>,
        dc: Option<&Table>,
        ac: Option<&Table>,
        nonzero: &mut u64,
        end_of_band: &mut u32,
    ) -> Result<(), Fail> {
        let mut k = self.first;
        if k == 0 {
            match dc {
                _ if self.is_refining => _ = bits.take(1)?,
                Some(table) => {
                    let length = bits.symbol(table)?;
                    bits.take(u32::from(length).min(16))?;
                }
                None => return Err(Fail::Damaged),
            }
            k = 1;
        }
        let Some(table) = ac.filter(|_| self.last > 0) else { return Ok(()) };
        if self.is_refining {
            return self.refine(bits, table, k, nonzero, end_of_band);
        }
        if *end_of_band > 0 {
            *end_of_band -= 1;
            return Ok(());
        }
        while k <= self.last {
            let symbol = bits.symbol(table)?;
            let (run, length) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if length == 0 && run < 15 {
                // In baseline, where the first coefficient comes along, only a run of 0 ends the block.
                *end_of_band = if self.first == 0 { 0 } else { (1 << run) - 1 + bits.take(run)? };
                break;
            }
            k += run as usize;
            if length > 0 {
                bits.take(length)?;
                *nonzero |= 1u64.checked_shl(k as u32).unwrap_or(0);
            }
            k += 1;
        }
        Ok(())
    }

    /// One more bit of the coefficients that are not zero, and new ones.
    fn refine(
        &self,
        bits: &mut Bits<'_>,
        table: &Table,
        mut k: usize,
        nonzero: &mut u64,
        end_of_band: &mut u32,
    ) -> Result<(), Fail> {
        while *end_of_band == 0 && k <= self.last {
            let symbol = bits.symbol(table)?;
            let (mut run, length) = (symbol >> 4, symbol & 15);
            if length == 0 && run < 15 {
                *end_of_band = (1 << run) + bits.take(run.into())?;
                break;
            }
            if length > 0 {
                bits.take(1)?;
            }
            while k <= self.last {
                if *nonzero & 1 << k != 0 {
                    bits.take(1)?;
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                k += 1;
            }
            if length > 0 && k <= self.last {
                *nonzero |= 1 << k;
            }
            k += 1;
        }
        if *end_of_band > 0 {
            for k in k..=self.last {
                if *nonzero & 1 << k != 0 {
                    bits.take(1)?;
                }
            }
            *end_of_band -= 1;
        }
        Ok(())
    }
}

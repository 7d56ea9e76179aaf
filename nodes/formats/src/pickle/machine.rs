//! The machine of pickles: a stack, marks in it, and a memo.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cursor::Cursor;
use super::{Global, Id, Object, Tree, Value, danger, escape, number, opcode};
use crate::error::Error;
use crate::limits::Budget;

/// Reads the pickle that starts at byte `at`. Gives its values, and where it ends.
///
/// # Errors
///
/// If it is damaged, has more opcodes than the budget allows, or wants to run something.
pub(crate) fn load<'a>(bytes: &'a [u8], at: usize, budget: &Budget) -> Result<(Tree<'a>, usize), Error> {
    let mut machine = Machine {
        input: Cursor::new(bytes, at),
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        budget.step()?;
        let opcode = machine.input.opcode()?;
        if opcode == opcode::STOP {
            let root = machine.pop()?;
            return Ok((Tree { values: machine.values, root }, machine.input.at()));
        }
        machine.execute(opcode)?;
    }
}

/// Bytes in the name of a module or class.
const MAX_NAME: usize = 512;

struct Machine<'a> {
    input: Cursor<'a>,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Lengths of the stack where marks were set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn execute(&mut self, opcode: u8) -> Result<(), Error> {
        match opcode {
            opcode::PROTO => self.protocol(),
            // Frames only help a reader of streams.
            opcode::FRAME => self.input.array::<8>().map(drop),
            opcode::MARK => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            opcode::POP | opcode::POP_MARK | opcode::DUP => self.shuffle(opcode),
            opcode::PUT | opcode::BINPUT | opcode::LONG_BINPUT | opcode::MEMOIZE => self.memoize(opcode),
            opcode::GET | opcode::BINGET | opcode::LONG_BINGET => self.recall(opcode),
            opcode::EMPTY_DICT | opcode::DICT | opcode::EMPTY_LIST | opcode::LIST => self.container(opcode),
            opcode::EMPTY_TUPLE | opcode::TUPLE | opcode::TUPLE1 | opcode::TUPLE2 | opcode::TUPLE3 => {
                self.tuple(opcode)
            }
            opcode::EMPTY_SET | opcode::FROZENSET => self.container(opcode),
            opcode::APPEND | opcode::APPENDS | opcode::ADDITEMS => self.append(opcode),
            opcode::SETITEM | opcode::SETITEMS => self.set_items(opcode),
            opcode::GLOBAL | opcode::STACK_GLOBAL => self.global(opcode),
            opcode::REDUCE | opcode::NEWOBJ | opcode::NEWOBJ_EX | opcode::INST | opcode::OBJ => {
                self.call(opcode)
            }
            opcode::BUILD => self.build(),
            opcode::PERSID | opcode::BINPERSID => self.persistent(opcode),
            opcode::EXT1 | opcode::EXT2 | opcode::EXT4 => Err(Error::Unsupported(
                "the pickle uses Python's extension registry, which is not in the file".into(),
            )),
            opcode::NEXT_BUFFER | opcode::READONLY_BUFFER => Err(Error::Unsupported(
                "the pickle has buffers out of band, which are not in the file".into(),
            )),
            _ => {
                let value = self.scalar(opcode)?;
                self.push(value)
            }
        }
    }

    /// The opcodes that push a value of their own.
    fn scalar(&mut self, opcode: u8) -> Result<Value<'a>, Error> {
        let input = &mut self.input;
        let text = |bytes: &'a [u8]| Value::Str(String::from_utf8_lossy(bytes));
        let bytes = |bytes: &'a [u8]| Value::Bytes(Cow::Borrowed(bytes));
        Ok(match opcode {
            opcode::NONE => Value::None,
            opcode::NEWTRUE => Value::Bool(true),
            opcode::NEWFALSE => Value::Bool(false),
            opcode::BININT => Value::Int(i32::from_le_bytes(input.array()?).into()),
            opcode::BININT1 => Value::Int(u8::from_le_bytes(input.array()?).into()),
            opcode::BININT2 => Value::Int(u16::from_le_bytes(input.array()?).into()),
            opcode::LONG1 => number::long(input.counted::<1>()?),
            opcode::LONG4 => number::long(input.signed_counted()?),
            opcode::INT | opcode::LONG => {
                number::decimal(input.line()?).ok_or_else(|| input.error("an integer that is not one"))?
            }
            opcode::FLOAT => Value::Float(
                number::float(input.line()?).ok_or_else(|| input.error("a float that is not one"))?,
            ),
            opcode::BINFLOAT => Value::Float(f64::from_be_bytes(input.array()?)),
            opcode::STRING => {
                let line = escape::quoted(input.line()?);
                Value::Bytes(line.ok_or_else(|| input.error("a string without its quotes"))?.into())
            }
            opcode::UNICODE => {
                let line = escape::raw_unicode(input.line()?);
                Value::Str(line.ok_or_else(|| input.error("a text with a broken escape"))?.into())
            }
            opcode::SHORT_BINUNICODE => text(input.counted::<1>()?),
            opcode::BINUNICODE => text(input.counted::<4>()?),
            opcode::BINUNICODE8 => text(input.counted::<8>()?),
            opcode::SHORT_BINSTRING | opcode::SHORT_BINBYTES => bytes(input.counted::<1>()?),
            opcode::BINSTRING => bytes(input.signed_counted()?),
            opcode::BINBYTES => bytes(input.counted::<4>()?),
            opcode::BINBYTES8 | opcode::BYTEARRAY8 => bytes(input.counted::<8>()?),
            _ => return Err(input.error(format!("{opcode:#04x} is not an opcode"))),
        })
    }

    fn protocol(&mut self) -> Result<(), Error> {
        match self.input.array::<1>()? {
            [0..=5] => Ok(()),
            [newer] => {
                Err(Error::Unsupported(format!("the pickle has protocol {newer}; 5 is the newest known")))
            }
        }
    }

    fn shuffle(&mut self, opcode: u8) -> Result<(), Error> {
        match opcode {
            opcode::DUP => {
                let top = self.top()?;
                self.stack.push(top);
            }
            // A mark lies on top: Python pops that.
            opcode::POP if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            opcode::POP => drop(self.pop()?),
            _ => drop(self.pop_mark(opcode)?),
        }
        Ok(())
    }

    fn memoize(&mut self, opcode: u8) -> Result<(), Error> {
        let key = match opcode {
            opcode::PUT => self.index()?,
            opcode::BINPUT => u8::from_le_bytes(self.input.array()?).into(),
            opcode::LONG_BINPUT => u32::from_le_bytes(self.input.array()?),
            _ => u32::try_from(self.memo.len()).map_err(|_| self.input.error("the memo is full"))?,
        };
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<(), Error> {
        let key = match opcode {
            opcode::GET => self.index()?,
            opcode::BINGET => u8::from_le_bytes(self.input.array()?).into(),
            _ => u32::from_le_bytes(self.input.array()?),
        };
        let known = self.memo.get(&key).copied();
        let id = known.ok_or_else(|| self.input.error(format!("nothing was memorised under {key}")))?;
        self.stack.push(id);
        Ok(())
    }

    /// The decimal index of protocol 0.
    fn index(&mut self) -> Result<u32, Error> {
        match number::decimal(self.input.line()?) {
            Some(Value::Int(index)) => u32::try_from(index).ok(),
            Some(Value::Bool(index)) => Some(index.into()),
            _ => None,
        }
        .ok_or_else(|| self.input.error("an index of the memo that is not one"))
    }

    fn container(&mut self, opcode: u8) -> Result<(), Error> {
        let value = match opcode {
            opcode::EMPTY_DICT => Value::Dict(Vec::new()),
            opcode::EMPTY_LIST => Value::List(Vec::new()),
            opcode::EMPTY_SET => Value::Set(Vec::new()),
            opcode::LIST => Value::List(self.pop_mark(opcode)?),
            opcode::FROZENSET => Value::Set(self.pop_mark(opcode)?),
            _ => Value::Dict(self.pop_pairs(opcode)?),
        };
        self.push(value)
    }

    fn tuple(&mut self, opcode: u8) -> Result<(), Error> {
        let items = match opcode {
            opcode::EMPTY_TUPLE => Vec::new(),
            opcode::TUPLE => self.pop_mark(opcode)?,
            _ => {
                let count = usize::from(opcode - opcode::TUPLE1) + 1;
                let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                items
            }
        };
        self.push(Value::Tuple(items))
    }

    fn append(&mut self, opcode: u8) -> Result<(), Error> {
        let added = if opcode == opcode::APPEND { vec![self.pop()?] } else { self.pop_mark(opcode)? };
        let top = self.top()?;
        match self.values.get_mut(top.0 as usize) {
            Some(Value::List(items) | Value::Set(items)) => items.extend(added),
            Some(Value::Object(object)) => object.items.extend(added),
            _ => return Err(self.misuse(opcode)),
        }
        Ok(())
    }

    fn set_items(&mut self, opcode: u8) -> Result<(), Error> {
        let added = if opcode == opcode::SETITEM {
            let value = self.pop()?;
            vec![(self.pop()?, value)]
        } else {
            self.pop_pairs(opcode)?
        };
        let top = self.top()?;
        match self.values.get_mut(top.0 as usize) {
            Some(Value::Dict(pairs)) => pairs.extend(added),
            Some(Value::Object(object)) => object.pairs.extend(added),
            _ => return Err(self.misuse(opcode)),
        }
        Ok(())
    }

    fn global(&mut self, opcode: u8) -> Result<(), Error> {
        let (module, name) = if opcode == opcode::STACK_GLOBAL {
            let (name, module) = (self.pop()?, self.pop()?);
            match (self.values.get(module.0 as usize), self.values.get(name.0 as usize)) {
                // A memorised name can be used as often as there are opcodes, and each use is a copy.
                (Some(Value::Str(module)), Some(Value::Str(name)))
                    if module.len().max(name.len()) <= MAX_NAME =>
                {
                    (module.clone(), name.clone())
                }
                _ => return Err(self.misuse(opcode)),
            }
        } else {
            let module = String::from_utf8_lossy(self.input.line()?);
            (module, String::from_utf8_lossy(self.input.line()?))
        };
        self.push_global(module, name)
    }

    fn push_global(&mut self, module: Cow<'a, str>, name: Cow<'a, str>) -> Result<(), Error> {
        if danger::is_dangerous(&module, &name) {
            return Err(Error::Code { global: format!("{module}.{name}"), at: self.input.opcode_at() });
        }
        self.push(Value::Global(Box::new(Global { module, name })))
    }

    fn call(&mut self, opcode: u8) -> Result<(), Error> {
        if opcode == opcode::INST {
            let module = String::from_utf8_lossy(self.input.line()?);
            let name = String::from_utf8_lossy(self.input.line()?);
            let args = self.pop_mark(opcode)?;
            self.push_global(module, name)?;
            return self.call_with(args);
        }
        if opcode == opcode::OBJ {
            let mut args = self.pop_mark(opcode)?;
            if args.is_empty() {
                return Err(self.misuse(opcode));
            }
            let class = args.remove(0);
            self.stack.push(class);
            return self.call_with(args);
        }
        let kwargs = if opcode == opcode::NEWOBJ_EX { Some(self.pop()?) } else { None };
        let args = self.pop()?;
        let class = self.pop()?;
        if !matches!(self.values.get(args.0 as usize), Some(Value::Tuple(_))) {
            return Err(self.misuse(opcode));
        }
        self.push_object(class, args, kwargs)
    }

    /// Calls what is on top of the stack.
    fn call_with(&mut self, args: Vec<Id>) -> Result<(), Error> {
        let class = self.pop()?;
        self.push(Value::Tuple(args))?;
        let args = self.pop()?;
        self.push_object(class, args, None)
    }

    fn push_object(&mut self, class: Id, args: Id, kwargs: Option<Id>) -> Result<(), Error> {
        let (state, items, pairs) = (None, Vec::new(), Vec::new());
        self.push(Value::Object(Box::new(Object { class, args, kwargs, state, items, pairs })))
    }

    fn build(&mut self) -> Result<(), Error> {
        let state = self.pop()?;
        let top = self.top()?;
        match self.values.get_mut(top.0 as usize) {
            Some(Value::Object(object)) => object.state = Some(state),
            _ => return Err(self.misuse(opcode::BUILD)),
        }
        Ok(())
    }

    fn persistent(&mut self, opcode: u8) -> Result<(), Error> {
        if opcode == opcode::PERSID {
            let line = String::from_utf8_lossy(self.input.line()?);
            self.push(Value::Str(line))?;
        }
        let id = self.pop()?;
        self.push(Value::Persistent(id))
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), Error> {
        let index = u32::try_from(self.values.len()).map_err(|_| self.input.error("too many values"))?;
        self.values.push(value);
        self.stack.push(Id(index));
        Ok(())
    }

    /// The value on top, if it lies above the last mark.
    fn top(&self) -> Result<Id, Error> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let above = self.stack.get(floor..).unwrap_or_default();
        above.last().copied().ok_or_else(|| self.input.error("nothing is on the stack"))
    }

    fn pop(&mut self) -> Result<Id, Error> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Everything above the last mark, which goes too.
    fn pop_mark(&mut self, opcode: u8) -> Result<Vec<Id>, Error> {
        match self.marks.pop() {
            // The stack never gets shorter than the last mark.
            Some(mark) => Ok(self.stack.split_off(mark.min(self.stack.len()))),
            None => Err(self.input.error(format!("{} without a mark", opcode::name(opcode)))),
        }
    }

    fn pop_pairs(&mut self, opcode: u8) -> Result<Vec<(Id, Id)>, Error> {
        let items = self.pop_mark(opcode)?;
        match items.as_chunks::<2>() {
            (pairs, []) => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
            _ => Err(self.input.error("a key without a value")),
        }
    }

    fn misuse(&self, opcode: u8) -> Error {
        self.input.error(format!("{} on a value of another type", opcode::name(opcode)))
    }
}

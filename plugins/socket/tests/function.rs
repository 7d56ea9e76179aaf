//! Functions and tapes through their C tables and back.

use dreamwire_abi as abi;
use dreamwire_socket::{
    CallHost, CallRef, DescRef, Dtype, Evaluation, FnFacts, FnHost, FnRef, HostCall, Owned, Said, Spec,
    SpecTable, TapeHost, Views, export, export_tape, lend, watch, watch_tape,
};
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Host(Mutex<Vec<Said>>);

impl CallHost for Host {
    fn fail(&self, said: Said) {
        self.0.lock().unwrap().push(said);
    }
}

/// How many functions and tapes are alive.
struct Alive(Arc<AtomicI64>);

impl Alive {
    fn new(count: &Arc<AtomicI64>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `y = x * x`, or something that a function should not do.
struct Square {
    table: SpecTable,
    memory: abi::Memory,
    watched: bool,
    alive: Alive,
}

struct Tape {
    x: Vec<f32>,
    released: AtomicI64,
    _alive: Alive,
}

fn spec(name: &str) -> Spec {
    Spec { name: name.to_owned(), dims: vec![-1], semantics: "weight=2".to_owned(), is_float: true }
}

fn facts() -> FnFacts {
    FnFacts {
        ty: "FEATURES".to_owned(),
        name: "square".to_owned(),
        flags: abi::FN_REENTRANT,
        diff_in: 1,
        inputs: vec![spec("x"), spec("bias")],
        outputs: vec![spec("y")],
        faults: Vec::new(),
    }
}

fn square(count: &Arc<AtomicI64>, watched: bool) -> Square {
    let memory = abi::Memory { size: size_of::<abi::Memory>() as u32, reserved: 0, bytes: 5 };
    Square { table: SpecTable::new(facts()), memory, watched, alive: Alive::new(count) }
}

fn tensor(values: Vec<f32>) -> Owned {
    lend(Dtype::F32, vec![values.len() as i64], values).unwrap()
}

fn values(tensor: &Option<Owned>) -> Vec<f32> {
    tensor.as_ref().unwrap().view().unwrap().elements().unwrap()
}

impl FnHost for Square {
    fn desc(&self) -> Option<DescRef<'_>> {
        Some(self.table.desc())
    }

    fn extension(&self, id: &CStr) -> *const c_void {
        if id == abi::MEMORY { (&raw const self.memory).cast() } else { std::ptr::null() }
    }

    fn eval(&self, call: CallRef<'_>, x: Views<'_>, wrt: u64) -> Result<Evaluation, abi::Status> {
        assert_eq!(x.len(), 2);
        let x: Vec<f32> = x.get(0).ok_or(abi::E_ARG)?.map_err(|fault| fault.status)?.elements().unwrap();
        match x[0] {
            13.0 => panic!("thirteen"),
            14.0 => return Ok((Vec::new(), None)),
            15.0 => {
                call.fail(&Said::new(abi::E_SHAPE, "fifteen"));
                return Err(abi::E_SHAPE);
            }
            _ => {}
        }
        let y = tensor(x.iter().map(|v| v * v).collect());
        let tape = Tape { x, released: AtomicI64::new(0), _alive: Alive::new(&self.alive.0) };
        let tape = match (wrt, self.watched) {
            (0, _) => None,
            (_, false) => Some(export_tape(tape, 2, 1)),
            (_, true) => Some(watch_tape(tape, 2, 1)),
        };
        Ok((vec![Some(y)], tape))
    }

    fn value_and_grad(
        &self,
        _: CallRef<'_>,
        x: Views<'_>,
        _: u64,
    ) -> Result<(f64, Vec<Option<Owned>>), abi::Status> {
        let x: Vec<f32> = x.get(0).ok_or(abi::E_ARG)?.map_err(|fault| fault.status)?.elements().unwrap();
        Ok((f64::from(x[0]), vec![Some(tensor(vec![1.0])), None]))
    }
}

impl TapeHost for Tape {
    fn vjp(&self, _: CallRef<'_>, gy: Views<'_>) -> Result<Vec<Option<Owned>>, abi::Status> {
        let Some(gy) = gy.get(0) else { return Ok(vec![None, None]) };
        let gy: Vec<f32> = gy.map_err(|fault| fault.status)?.elements().unwrap();
        Ok(vec![Some(tensor(self.x.iter().zip(gy).map(|(x, g)| 2.0 * x * g).collect())), None])
    }

    fn bytes(&self) -> u64 {
        4 * self.x.len() as u64
    }

    fn released(&self) {
        self.released.fetch_add(1, Ordering::SeqCst);
    }
}

fn run(function: &FnRef, x: f32, wrt: u64) -> (dreamwire_socket::Evaluated, Vec<Said>) {
    let host = Host::default();
    let x = [Some(tensor(vec![x, 2.0]))];
    let done = function.eval(HostCall::new(&host).call(), &Views::new(&x), wrt, true);
    (done, host.0.into_inner().unwrap())
}

#[test]
fn a_description_survives() {
    let function = export(square(&Arc::default(), false));
    assert_eq!(function.desc().unwrap().facts(), facts());
    assert_eq!((function.n_in(), function.n_out()), (2, 1));
    assert_eq!((function.memory(), function.tiles()), (Ok(Some(5)), Ok(None)));
}

#[test]
fn values_and_gradients_cross_and_everything_is_freed() {
    let count = Arc::default();
    let function = export(square(&count, false));
    let other = function.clone();
    drop(function);
    let (done, said) = run(&other, 3.0, 1);
    assert_eq!((done.status, said.len(), values(&done.y[0])), (abi::OK, 0, vec![9.0, 4.0]));
    let tape = done.tape.unwrap();
    assert!(tape.is_complete() && tape.bytes() == 8 && count.load(Ordering::SeqCst) == 2);
    let host = Host::default();
    let call = HostCall::new(&host);
    for _ in 0..2 {
        let gy = [Some(tensor(vec![1.0, 10.0]))];
        let pulled = tape.vjp(call.call(), &Views::new(&gy));
        assert_eq!((pulled.status, values(&pulled.gradient[0])), (abi::OK, vec![6.0, 40.0]));
        assert!(pulled.gradient[1].is_none());
    }
    assert!(tape.vjp(call.call(), &Views::new(&[])).gradient[0].is_none());
    let x = [Some(tensor(vec![3.0]))];
    let valued = other.value_and_grad(call.call(), &Views::new(&x), 1).unwrap();
    assert_eq!((valued.value, values(&valued.gradient[0])), (3.0, vec![1.0]));
    drop(other);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    drop(tape);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[test]
fn failures_panics_and_missing_outputs_set_nothing() {
    let function = export(square(&Arc::default(), false));
    let check = |x: f32, status: abi::Status, words: &[&str]| {
        let (done, said) = run(&function, x, 1);
        assert!(done.status == status && done.y.is_empty() && done.tape.is_none() && !done.touched, "{x}");
        assert_eq!(said.iter().map(|said| &said.message[..]).collect::<Vec<_>>(), words);
    };
    check(13.0, abi::E_PANIC, &[]);
    check(14.0, abi::E_FAILED, &["a function returned 0 tensors, but describes 1"]);
    check(15.0, abi::E_SHAPE, &["fifteen"]);
    // Nobody asked for a tape.
    assert!(run(&function, 3.0, 0).0.tape.is_none());
}

#[test]
fn watched_functions_are_counted_and_never_freed() {
    let count = Arc::default();
    let function = watch(square(&count, true));
    assert_eq!(function.references(), 1);
    let handle = function.handle();
    assert_eq!(function.references(), 2);
    let tape = run(&handle, 3.0, 1).0.tape.unwrap();
    drop((tape, handle));
    assert_eq!(function.references(), 1);
    // A holder who releases what is not its own.
    // SAFETY: the function is never freed.
    drop(unsafe { FnRef::from_raw(function.handle().raw()) }.unwrap());
    assert_eq!(function.references(), 0);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn broken_functions_are_refused() {
    // SAFETY: null is refused.
    let refused = |raw: *mut abi::Fn| unsafe { FnRef::from_raw(raw) }.err().unwrap().message;
    assert_eq!(refused(std::ptr::null_mut()), "a function is null");
    let mut no_table = abi::Fn { vt: std::ptr::null() };
    assert_eq!(refused(&raw mut no_table), "the table of a function is null");
    let half = abi::FnVt {
        size: std::mem::offset_of!(abi::FnVt, describe) as u32,
        flags: 0,
        retain: None,
        release: None,
        describe: None,
        eval: None,
        value_and_grad: None,
        get_extension: None,
    };
    let mut half = abi::Fn { vt: &raw const half };
    assert_eq!(refused(&raw mut half), "a function has no `retain`");
}

#[test]
fn faults_of_a_description_are_told_and_left_out() {
    let bad = [Spec { name: "a".repeat(300), ..spec("") }, spec("fine")];
    let table = SpecTable::new(FnFacts { ty: "b".repeat(257), outputs: bad.to_vec(), ..facts() });
    let read = table.desc().facts();
    let expected = [
        "its type has 257 bytes, at most 256 are allowed",
        "the name of output 0 has 300 bytes, at most 256 are allowed",
    ];
    assert_eq!(read.faults, expected);
    assert_eq!((read.ty.as_str(), read.outputs[1].name.as_str()), ("", "fine"));
}

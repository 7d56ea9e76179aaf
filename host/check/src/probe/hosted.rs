//! Functions that the checker lends to a plugin, with counted references.

use super::host::{Host, State};
use super::model::{Model, Shape};
use super::tensor::{self, Array};
use dreamwire_abi as abi;
use dreamwire_socket::{
    CallRef, DescRef, Evaluation, FnFacts, FnHost, FnRef, Owned, Said, Spec, SpecTable, TapeHost, Views,
    WatchedFn,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A function of the checker's, which is never freed. Copies are the same function.
#[derive(Clone, Copy)]
pub(crate) struct HostFunction(WatchedFn);

struct Hosted {
    model: Model,
    strange: bool,
    table: SpecTable,
    state: &'static State,
}

struct HostedTape {
    model: Model,
    x: Mutex<Option<Array>>,
    released: AtomicBool,
    state: &'static State,
}

impl HostFunction {
    /// A function of that formula, with one reference.
    pub(crate) fn new(host: &Host, model: Model) -> Self {
        Self::make(host, model, false)
    }

    /// The same function, but it declares wider inputs than it takes, and refuses everything.
    pub(crate) fn strange(host: &Host, model: Model) -> Self {
        Self::make(host, model, true)
    }

    fn make(host: &Host, model: Model, strange: bool) -> Self {
        let scalar = if model == Model::Objective { abi::FN_SCALAR } else { 0 };
        let table = SpecTable::new(FnFacts {
            ty: model.ty().to_owned(),
            name: "checker".to_owned(),
            flags: abi::FN_REENTRANT | abi::FN_DETERMINISTIC | scalar,
            diff_in: 1,
            inputs: specs(model.inputs(), if strange { 5 } else { 0 }),
            outputs: specs(model.outputs(), 0),
            faults: Vec::new(),
        });
        Self(dreamwire_socket::watch(Hosted { model, strange, table, state: host.state() }))
    }

    /// References held, including the checker's own: 1 when all are released.
    pub(crate) fn references(self) -> isize {
        self.0.references()
    }

    pub(super) fn handle(self) -> FnRef {
        self.0.handle()
    }
}

/// With `wider` added to the last size of each.
fn specs(shapes: &[Shape], wider: i64) -> Vec<Spec> {
    let spec = |shape: &Shape| {
        let mut dims = shape.dims.to_vec();
        if let Some(last) = dims.last_mut() {
            *last += wider;
        }
        let (name, semantics) = (shape.name.to_owned(), shape.semantics.to_owned());
        Spec { name, dims, semantics, is_float: true }
    };
    shapes.iter().map(spec).collect()
}

fn refuse(call: CallRef<'_>, status: abi::Status, input: &str, message: impl Into<String>) -> abi::Status {
    call.fail(&Said { input: input.to_owned(), ..Said::new(status, message) });
    status
}

impl Hosted {
    /// The one input, and what it becomes.
    fn forward(&self, call: CallRef<'_>, x: &Views<'_>) -> Result<(Array, Vec<Array>), abi::Status> {
        if self.state.is_cancelled() {
            return Err(abi::CANCELLED);
        }
        let name = self.model.inputs()[0].name;
        if self.strange {
            return Err(refuse(call, abi::E_SHAPE, name, "this function of the checker refuses everything"));
        }
        let x = match x.get(0) {
            None => Err("a tensor is missing".to_owned()),
            Some(view) => view.map_err(|fault| fault.message).and_then(|view| tensor::copy(&view)),
        };
        let x = x.map_err(|why| refuse(call, abi::E_ARG, name, why))?;
        let y = self.model.forward(&x).map_err(|why| refuse(call, abi::E_SHAPE, name, why))?;
        Ok((x, y))
    }
}

impl FnHost for Hosted {
    fn desc(&self) -> Option<DescRef<'_>> {
        Some(self.table.desc())
    }

    fn eval(&self, call: CallRef<'_>, x: Views<'_>, wrt: u64) -> Result<Evaluation, abi::Status> {
        let (x, y) = self.forward(call, &x)?;
        let n_out = y.len();
        let y = y.iter().map(|y| tensor::give(y, self.state)).collect();
        let tape = (wrt & 1 == 1).then(|| {
            self.state.tapes.fetch_add(1, Ordering::SeqCst);
            let (x, released) = (Mutex::new(Some(x)), AtomicBool::new(false));
            let tape = HostedTape { model: self.model, x, released, state: self.state };
            dreamwire_socket::watch_tape(tape, 1, n_out)
        });
        Ok((y, tape))
    }

    fn value_and_grad(
        &self,
        call: CallRef<'_>,
        x: Views<'_>,
        wrt: u64,
    ) -> Result<(f64, Vec<Option<Owned>>), abi::Status> {
        if self.model != Model::Objective {
            return Err(refuse(call, abi::E_NOT_DIFF, "", format!("{} is not scalar", self.model.ty())));
        }
        let (x, y) = self.forward(call, &x)?;
        let one = Array { shape: Vec::new(), data: vec![1.0] };
        let gradient = if wrt & 1 == 1 { self.model.pull(&x, &[Some(one)]).ok() } else { None };
        let gradient = gradient.and_then(|gradient| tensor::give(&gradient, self.state));
        Ok((f64::from(y[0].data[0]), vec![gradient]))
    }
}

impl TapeHost for HostedTape {
    fn vjp(&self, call: CallRef<'_>, gy: Views<'_>) -> Result<Vec<Option<Owned>>, abi::Status> {
        if self.state.is_cancelled() {
            return Err(abi::CANCELLED);
        }
        let x = self.x.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(x) = x.as_ref() else {
            return Err(refuse(call, abi::E_FAILED, "", "a tape was used after its release"));
        };
        let copy = |j| match gy.get(j) {
            None => Ok(None),
            Some(view) => tensor::copy(&view.map_err(|fault| fault.message)?).map(Some),
        };
        let gy = (0..gy.len()).map(copy).collect::<Result<Vec<_>, String>>();
        let gradient = gy.and_then(|gy| self.model.pull(x, &gy));
        let gradient = gradient.map_err(|why| refuse(call, abi::E_SHAPE, "", why))?;
        Ok(vec![tensor::give(&gradient, self.state)])
    }

    fn bytes(&self) -> u64 {
        let x = self.x.lock().unwrap_or_else(PoisonError::into_inner);
        x.as_ref().map_or(0, |x| 4 * x.data.len() as u64)
    }

    fn released(&self) {
        if self.released.swap(true, Ordering::SeqCst) {
            self.state.twice.fetch_add(1, Ordering::SeqCst);
            return;
        }
        self.state.tapes.fetch_sub(1, Ordering::SeqCst);
        *self.x.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

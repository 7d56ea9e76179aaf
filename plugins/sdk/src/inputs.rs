//! The values at a node's ports.

use crate::{Error, Function, Port, Result, tensor};
use candle_core::{DType, Device, Tensor};
use dreamwire_abi as abi;
use dreamwire_abi::{Form, wire_type};
use dreamwire_socket::{FnRef, TensorView};
use std::borrow::Cow;
use std::marker::PhantomData;

/// The inputs of one run, by port name. Tensors are copied when requested.
pub struct Inputs<'a> {
    ports: &'static [Port],
    values: *const abi::Value,
    device: &'a Device,
    borrowed: PhantomData<&'a abi::Value>,
}

impl<'a> Inputs<'a> {
    /// # Safety
    /// `values` points to one value per port, alive for `'a`.
    pub(crate) unsafe fn new(ports: &'static [Port], values: *const abi::Value, device: &'a Device) -> Self {
        Self { ports, values, device, borrowed: PhantomData }
    }

    fn value(&self, port: &str) -> Result<&'a abi::Value> {
        let index = self.ports.iter().position(|p| p.name() == port);
        let index = index.ok_or_else(|| Error::port(port, format!("this kind has no input `{port}`")))?;
        // SAFETY: one value per port, alive for `'a`.
        Ok(unsafe { &*self.values.add(index) })
    }

    fn connected(&self, port: &str) -> Result<Option<&'a abi::Value>> {
        let value = self.value(port)?;
        Ok((value.kind != abi::NONE).then_some(value))
    }

    /// Any tensor.
    ///
    /// # Errors
    /// If the port is not connected, or holds something else.
    pub fn tensor(&self, port: &str) -> Result<Tensor> {
        self.opt_tensor(port)?.ok_or_else(|| Error::port(port, format!("`{port}` is not connected")))
    }

    /// Any tensor, or `None` if the port is not connected.
    ///
    /// # Errors
    /// If the port holds something else than a tensor.
    pub fn opt_tensor(&self, port: &str) -> Result<Option<Tensor>> {
        let Some(view) = self.view(port)? else { return Ok(None) };
        tensor::import(&view, self.device).map(Some).map_err(|e| e.at(port))
    }

    /// The tensor of a port where the host has it.
    fn view(&self, port: &str) -> Result<Option<TensorView<'a>>> {
        // SAFETY: the value is borrowed for the call.
        self.connected(port)?.map(|value| unsafe { view(port, value) }).transpose()
    }

    /// The samples of an IMAGE and its shape `[B,H,W,C]`, where the host has them: large pictures are not copied.
    ///
    /// # Errors
    /// As [`Inputs::image`].
    pub fn pixels(&self, port: &str) -> Result<(Cow<'a, [f32]>, [usize; 4])> {
        let found = self.view(port)?.and_then(|view| {
            let sizes: Vec<usize> = view.shape().iter().map_while(|&size| size.try_into().ok()).collect();
            Some((view.slice::<f32>()?, <[usize; 4]>::try_from(sizes).ok()?))
        });
        match found {
            Some((samples, shape)) if !samples.is_empty() => Ok((samples.into(), shape)),
            // Strided, or wrong: then it is copied, or said to be wrong.
            _ => {
                let image = self.image(port)?;
                let (batch, height, width, channels) = image.dims4()?;
                let samples = image.flatten_all()?.to_vec1::<f32>()?;
                Ok((samples.into(), [batch, height, width, channels]))
            }
        }
    }

    /// An IMAGE: float32 `[B,H,W,C]`, display-referred sRGB in 0..1.
    ///
    /// # Errors
    /// If it is not connected, or of another rank or element type.
    pub fn image(&self, port: &str) -> Result<Tensor> {
        self.opt_image(port)?.ok_or_else(|| Error::port(port, format!("`{port}` is not connected")))
    }

    /// An IMAGE, or `None` if the port is not connected.
    ///
    /// # Errors
    /// If it is of another rank or element type.
    pub fn opt_image(&self, port: &str) -> Result<Option<Tensor>> {
        self.shaped(port, "IMAGE")
    }

    /// The IMAGEs of a MANY port, in the order of its links.
    ///
    /// # Errors
    /// One of them is something else, or empty.
    pub fn images(&self, port: &str) -> Result<Vec<Tensor>> {
        let Some(value) = self.connected(port)? else { return Ok(Vec::new()) };
        let image = |value| {
            // SAFETY: the value is borrowed for the call.
            let view = unsafe { view(port, value) }?;
            let tensor = tensor::import(&view, self.device).map_err(|e| e.at(port))?;
            shaped(port, "IMAGE", tensor)
        };
        if value.kind != abi::LIST {
            return Ok(vec![image(value)?]);
        }
        // SAFETY: the kind says that `list` holds `n` values, borrowed for the call.
        let values = unsafe {
            let list = &*value.u.list;
            (0..list.n as usize).map(|i| &*list.items.add(i))
        };
        values.map(image).collect()
    }

    /// A MASK: float32 `[B,H,W]` in 0..1.
    ///
    /// # Errors
    /// If it is not connected, or of another rank or element type.
    pub fn mask(&self, port: &str) -> Result<Tensor> {
        self.opt_mask(port)?.ok_or_else(|| Error::port(port, format!("`{port}` is not connected")))
    }

    /// A MASK, or `None` if the port is not connected.
    ///
    /// # Errors
    /// If it is of another rank or element type.
    pub fn opt_mask(&self, port: &str) -> Result<Option<Tensor>> {
        self.shaped(port, "MASK")
    }

    /// A tensor of a type of the table of wire types.
    fn shaped(&self, port: &str, ty: &str) -> Result<Option<Tensor>> {
        self.opt_tensor(port)?.map(|tensor| shaped(port, ty, tensor)).transpose()
    }

    /// A function, retained.
    ///
    /// # Errors
    /// If it is not connected, or not a function.
    pub fn function(&self, port: &str) -> Result<Function> {
        self.opt_function(port)?.ok_or_else(|| Error::port(port, format!("`{port}` is not connected")))
    }

    /// A function, or `None` if the port is not connected.
    ///
    /// # Errors
    /// If it is not a function.
    pub fn opt_function(&self, port: &str) -> Result<Option<Function>> {
        // SAFETY: the value is borrowed for the call.
        self.connected(port)?.map(|value| unsafe { function(port, value) }).transpose()
    }

    /// The functions of a port that takes many, in the order of their numbers.
    ///
    /// # Errors
    /// If one of them is not a function.
    pub fn functions(&self, port: &str) -> Result<Vec<Function>> {
        let Some(value) = self.connected(port)? else { return Ok(Vec::new()) };
        if value.kind != abi::LIST {
            // SAFETY: the value is borrowed for the call.
            return Ok(vec![unsafe { function(port, value) }?]);
        }
        // SAFETY: the kind says that `list` holds `n` values, borrowed for the call.
        unsafe {
            let list = &*value.u.list;
            (0..list.n as usize).map(|i| function(port, &*list.items.add(i))).collect()
        }
    }

    /// Checks that two tensors have the same shape.
    ///
    /// # Errors
    /// Names both ports and both shapes.
    pub fn same_shape(&self, a: &str, b: &str) -> Result<()> {
        let (left, right) = (self.tensor(a)?, self.tensor(b)?);
        if left.dims() == right.dims() {
            return Ok(());
        }
        let (left, right) = (left.dims(), right.dims());
        Err(Error::shape(b, format!("`{b}` must have the shape of `{a}`, {left:?}, found {right:?}")))
    }
}

/// A tensor of that type.
fn shaped(port: &str, ty: &str, tensor: Tensor) -> Result<Tensor> {
    let Some(Form::Tensor { rank, axes }) = wire_type(ty).map(|it| it.form) else {
        return Err(Error::failed(format!("{ty} is not a type of tensors")));
    };
    let article = if ty.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    let wanted = format!("{article} {ty} {axes}");
    if tensor.dtype() != DType::F32 {
        let found = tensor.dtype().as_str();
        return Err(Error::dtype(port, format!("`{port}` must be {wanted} of f32, found {found}")));
    }
    if tensor.rank() != rank || tensor.elem_count() == 0 {
        let found = tensor.dims();
        return Err(Error::shape(port, format!("`{port}` must be {wanted}, found shape {found:?}")));
    }
    Ok(tensor)
}

/// # Safety
/// The value is borrowed for `'a`.
unsafe fn view<'a>(port: &str, value: &'a abi::Value) -> Result<TensorView<'a>> {
    let none = || Error::port(port, format!("`{port}` is not a tensor"));
    if value.kind != abi::TENSOR {
        return Err(none());
    }
    // SAFETY: the kind says that `t` holds, borrowed as the value.
    let view = unsafe {
        let owned = value.u.t;
        if owned.is_null() {
            return Err(none());
        }
        TensorView::read(&raw const (*owned).dl_tensor)
    };
    view.map_err(|e| Error::from(e).at(port))
}

/// # Safety
/// `value` is alive, and what its kind says.
unsafe fn function(port: &str, value: &abi::Value) -> Result<Function> {
    if value.kind != abi::FUNCTION {
        return Err(Error::port(port, format!("`{port}` is not a function")));
    }
    // SAFETY: the kind says that `func` holds; the host keeps the contract.
    let function = unsafe { FnRef::borrow_raw(value.u.func) };
    function.map_err(Error::from).and_then(Function::new).map_err(|e| e.at(port))
}

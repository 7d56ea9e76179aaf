//! Values without pictures, so that one number or text feeds several nodes. The names are ComfyUI's.

mod primitive_boolean;
mod primitive_float;
mod primitive_int;
mod primitive_string;
mod primitive_string_multiline;

pub(crate) use primitive_boolean::PrimitiveBoolean;
pub(crate) use primitive_float::PrimitiveFloat;
pub(crate) use primitive_int::PrimitiveInt;
pub(crate) use primitive_string::PrimitiveString;
pub(crate) use primitive_string_multiline::PrimitiveStringMultiline;

//! PyTorch's files: zip files, legacy files, TorchScript, and the tensors of any pickle.

pub(crate) mod legacy;
mod nested;
pub(crate) mod rebuild;
mod storage_id;
pub(crate) mod zipped;

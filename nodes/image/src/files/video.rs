//! Videos, by ffmpeg where it is installed: a program of its own, which gets its pictures over a pipe and has a private folder
//! for files that it must seek in.

mod codec;
mod ffmpeg;
mod frames;
mod load_video;
mod probe;
mod save_video;

pub(crate) use load_video::LoadVideo;
pub(crate) use save_video::SaveVideo;

//! `POST /upload/image` and `/upload/mask`: pictures come in as forms.
//!
//! A picture goes into a temporary file of the input folder while it comes, is checked by its content, and gets its
//! name when the form is complete.

use super::blocking;
use super::body::{Chunks, Limits, Meter, metered};
use super::contained::{IfTaken, Name, Root, Temporary};
use super::refusal::Refusal;
use super::{mask, picture, types};
use crate::folders::{Folders, Place};
use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::response::Json;
use axum::routing::post;
use axum::{Router, http};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a form may add to its file, in bytes: other fields, headers of parts.
const FORM: u64 = 64 << 10;
/// The most fields of a form.
const FIELDS: usize = 32;
/// The longest text of a field, in bytes.
const TEXT: usize = 16 << 10;
/// How many names are tried if names are taken.
const NAMES: u32 = 9999;

struct Uploads {
    folders: Arc<Folders>,
    limits: Limits,
}

pub(super) fn routes(folders: Arc<Folders>, limits: Limits) -> Router {
    Router::new()
        .route("/upload/image", post(image))
        .route("/upload/mask", post(mask_of))
        // The body has a limit of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(Uploads { folders, limits }))
}

/// A form that has come in.
struct Form {
    file: Temporary,
    filename: String,
    place: Place,
    subfolder: String,
    overwrite: bool,
    original: String,
}

async fn image(State(uploads): State<Arc<Uploads>>, request: Request) -> Result<Json<Value>, Refusal> {
    let mut form = Form::receive(&uploads, request).await?;
    blocking(move || {
        let format = picture::check(form.file.rewound()?)?;
        let name = named(&form.filename, format)?;
        let name = Name::in_folder(&form.subfolder, &name)?;
        keep(&uploads.folders, form.file, form.place, name, form.overwrite)
    })
    .await
}

async fn mask_of(State(uploads): State<Arc<Uploads>>, request: Request) -> Result<Json<Value>, Refusal> {
    let mut form = Form::receive(&uploads, request).await?;
    blocking(move || {
        let png = mask::apply(&uploads.folders, &form.original, form.file.rewound()?)?;
        let name = Name::in_folder(&form.subfolder, &mask::named(&form.filename))?;
        let mut file = uploads.folders.place(form.place).temporary(&name)?;
        file.write(&png)?;
        keep(&uploads.folders, file, form.place, name, form.overwrite)
    })
    .await
}

impl Form {
    async fn receive(uploads: &Uploads, request: Request) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let meter = Arc::new(Meter::default());
        let chunks = Chunks::new(&parts.headers, body, uploads.limits.upload + FORM, uploads.limits)?;
        let body = Body::from_stream(metered(chunks, Arc::clone(&meter)));
        let request = http::Request::from_parts(parts, body);
        let form = Multipart::from_request(request, &()).await;
        let form = form.map_err(|_| Refusal::media("an upload is a multipart form"))?;
        let input = uploads.folders.place(Place::Input);
        Fields { form, meter, input, most: uploads.limits.upload }.read().await
    }
}

/// A form that is coming in.
struct Fields {
    form: Multipart,
    meter: Arc<Meter>,
    /// Where the file waits for its name.
    input: Root,
    /// The largest file, in bytes.
    most: u64,
}

impl Fields {
    async fn read(mut self) -> Result<Form, Refusal> {
        let (mut file, mut place, mut subfolder) = (None, Place::Input, String::new());
        let (mut overwrite, mut original, mut count) = (false, String::new(), 0);
        let meter = Arc::clone(&self.meter);
        let broken = |_| meter.refusal();
        while let Some(field) = self.form.next_field().await.map_err(broken)? {
            count += 1;
            if count > FIELDS {
                return Err(Refusal::bad("the form has too many fields"));
            }
            match field.name() {
                Some("image") if file.is_some() => return Err(Refusal::bad("one picture at a time")),
                Some("image") => {
                    let filename = field.file_name().unwrap_or_default().to_owned();
                    // A bad name is refused before the bytes come.
                    Name::parse(&filename)?;
                    file = Some((store(field, &meter, &self.input, self.most).await?, filename));
                }
                Some("type") => {
                    let kind = text(field, &meter).await?;
                    let unknown = || Refusal::bad("the type is none of input, output and temp");
                    place = Place::parse(&kind).ok_or_else(unknown)?;
                }
                Some("subfolder") => subfolder = text(field, &meter).await?,
                Some("overwrite") => overwrite = matches!(&*text(field, &meter).await?, "true" | "1"),
                Some("original_ref") => original = text(field, &meter).await?,
                _ => drop(text(field, &meter).await?),
            }
        }
        let (file, filename) = file.ok_or_else(|| Refusal::bad("the form has no picture"))?;
        Ok(Form { file, filename, place, subfolder, overwrite, original })
    }
}

/// Writes a field to a temporary file. Whoever drops the future, because the client is gone, drops the file.
async fn store(mut field: Field<'_>, meter: &Meter, folder: &Root, most: u64) -> Result<Temporary, Refusal> {
    let folder = folder.clone();
    let mut file = blocking(move || folder.temporary(&Name::parse("upload")?)).await?;
    let mut size = 0;
    while let Some(bytes) = field.chunk().await.map_err(|_| meter.refusal())? {
        meter.took(bytes.len() as u64);
        size += bytes.len() as u64;
        if size > most {
            return Err(Refusal::too_large(most));
        }
        file = blocking(move || {
            file.write(&bytes)?;
            Ok(file)
        })
        .await?;
    }
    Ok(file)
}

/// A short field.
async fn text(mut field: Field<'_>, meter: &Meter) -> Result<String, Refusal> {
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await.map_err(|_| meter.refusal())? {
        meter.took(bytes.len() as u64);
        if text.len() + bytes.len() > TEXT {
            return Err(Refusal::bad("a field of the form is too long"));
        }
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).map_err(|_| Refusal::bad("a field of the form is not UTF-8"))
}

/// The name that a picture is kept by: one without an extension gets that of its content.
fn named(filename: &str, format: image::ImageFormat) -> Result<String, Refusal> {
    if types::is_picture(filename) {
        return Ok(filename.to_owned());
    }
    let file = filename.rsplit('/').next().unwrap_or(filename);
    match format.extensions_str().first() {
        Some(extension) if !file.contains('.') => Ok(format!("{filename}.{extension}")),
        _ => Err(Refusal::bad(
            "the name of a picture ends in .png, .jpg, .webp, .gif, .bmp, .tiff, .qoi or .exr",
        )),
    }
}

/// Gives a file its name and answers with the one that it got: the same content keeps the name it has, another
/// content gets a number.
fn keep(
    folders: &Folders,
    mut file: Temporary,
    place: Place,
    name: Name,
    overwrite: bool,
) -> Result<Json<Value>, Refusal> {
    let root = folders.place(place);
    let if_taken = if overwrite { IfTaken::Replace } else { IfTaken::Keep };
    for number in 0..=NAMES {
        let name =
            if number == 0 { name.clone() } else { name.with_file(&numbered(name.split().1, number))? };
        if root.publish(&mut file, &name, if_taken)? || root.equals(&mut file, &name)? {
            let (subfolder, own) = name.split();
            return Ok(Json(json!({ "name": own, "subfolder": subfolder, "type": place.name() })));
        }
    }
    Err(Refusal::taken())
}

/// `name (2).png`.
fn numbered(file: &str, number: u32) -> String {
    match file.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem} ({number}).{extension}"),
        None => format!("{file} ({number})"),
    }
}

#[cfg(test)]
mod tests;

//! Stylesheets and the one script, in the binary. Their paths hold a hash of
//! their content, so that browsers keep them for good.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use crate::foundation::hex;

const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const HASH_DIGITS: usize = 16;

const SOURCES: [(&str, &str, &str); 3] = [
    (
        "design.css",
        "text/css; charset=utf-8",
        include_str!(concat!(env!("OUT_DIR"), "/design.css")),
    ),
    (
        "desk.css",
        "text/css; charset=utf-8",
        include_str!("assets/desk.css"),
    ),
    (
        "desk.js",
        "text/javascript; charset=utf-8",
        include_str!("assets/desk.js"),
    ),
];

struct Asset {
    name: &'static str,
    media: &'static str,
    hash: String,
    path: String,
    plain: Bytes,
    packed: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let assets = SOURCES.iter().map(|(name, media, text)| {
        let hash = hex(&Sha256::digest(text.as_bytes())[..HASH_DIGITS / 2]);
        Asset {
            name,
            media,
            path: format!("/assets/{hash}/{name}"),
            hash,
            plain: Bytes::from_static(text.as_bytes()),
            packed: packed(text).into(),
        }
    });
    assets.collect()
});

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

/// Where a page finds this one.
pub(super) fn path(name: &str) -> &'static str {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    found.map_or("", |asset| &asset.path)
}

/// An asset by the hash of its content.
pub(super) async fn serve(
    Path((hash, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = ASSETS
        .iter()
        .find(|asset| asset.name == name && asset.hash == hash);
    let Some(asset) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let takes = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|it| it.trim().starts_with("gzip")));
    let kept = [
        (header::CONTENT_TYPE, asset.media),
        (header::CACHE_CONTROL, FOR_GOOD),
        (header::VARY, "accept-encoding"),
    ];
    if takes {
        let packing = [(header::CONTENT_ENCODING, "gzip")];
        (kept, packing, asset.packed.clone()).into_response()
    } else {
        (kept, asset.plain.clone()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, path};

    #[test]
    fn nothing_in_a_stylesheet_is_fetched_from_elsewhere() {
        for asset in ASSETS.iter() {
            let text = String::from_utf8_lossy(&asset.plain);
            let outside = text.match_indices("url(").filter(|(at, _)| {
                let address = text[at + 4..].trim_start_matches(['"', '\'']);
                !address.starts_with("/assets/")
            });
            assert_eq!(outside.count(), 0, "{}", asset.name);
            assert!(!text.contains("@font-face"), "{}", asset.name);
            assert!(path(asset.name).contains(&asset.hash));
        }
    }
}

//! Whoever asks with a browser is answered with a page, also where no page is, or
//! where the service cannot answer now. Programs get the problem as before.

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::interfaces::http::Problem;
use crate::interfaces::web::guarded;
use crate::interfaces::web::layout::{NoPage, Page};

/// Doors of programs, whatever they say that they accept.
const PROGRAMS: [&str; 2] = ["/api/", "/fhir/"];

/// Goes around the whole service and lets other answers pass.
pub async fn speak(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let programs = PROGRAMS.iter().any(|door| path.starts_with(door));
    let wants_page = !programs && is_browser(request.headers());
    let response = next.run(request).await;
    let problem = response.extensions().get::<Problem>();
    let Some(problem) = problem.filter(|_| wants_page) else {
        return response;
    };
    let mut page = NoPage::new(Page::outside(""), problem.clone()).into_response();
    // What the exchange has said of the answer holds for the page too.
    for (name, value) in response.headers() {
        if !page.headers().contains_key(name) && *name != header::CONTENT_LENGTH {
            page.headers_mut().insert(name, value.clone());
        }
    }
    guarded(page).await
}

/// Browsers say that they take pages; programs say so never, or beside all else.
fn is_browser(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/html"))
}

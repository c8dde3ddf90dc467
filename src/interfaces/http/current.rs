//! What handlers work with: the context as it is when a request comes. The model that
//! is active then decides the whole request.

use axum::extract::FromRef;

use crate::flows::Context;

/// The state of the routes.
#[derive(Clone)]
pub struct Current(pub(super) Context);

impl Current {
    /// For guards, which ask no model.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.0
    }
}

impl FromRef<Current> for Context {
    fn from_ref(current: &Current) -> Self {
        current.0.at_present()
    }
}

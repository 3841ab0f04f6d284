//! Fetches from the public web.

use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::metadata_document::{Fetch, FetchResponse};
use worker::js_sys::{Array, Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::promise::settled;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/web.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn get(url: &str, limit: usize, timeout: u32) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_name = isStrictlyPublic)]
    fn is_strictly_public() -> bool;
}

/// Warning where the compatibility flag is missing.
pub(super) const NOT_PUBLIC: &str = "Clients cannot use the URL of a metadata document as their client_id here, since \
     fetches would go around Access and the firewall of this Worker's own zone. Add \"global_fetch_strictly_public\" to \
     compatibility_flags in wrangler.toml and deploy again.";

thread_local! {
    static IS_PUBLIC: bool = is_strictly_public();
}

/// The public web, as the Worker reaches it.
pub(super) struct Web;

impl Web {
    /// The public web; `None` where a fetch could reach hosts of the Worker's own zone around their Access and firewall
    /// rules.
    pub(super) fn of_strangers() -> Option<&'static dyn Fetch> {
        IS_PUBLIC.with(|is_public| is_public.then_some(&Self as &dyn Fetch))
    }
}

impl Fetch for Web {
    fn get<'a>(
        &'a self,
        url: &'a str,
        limit: usize,
        timeout_ms: u32,
    ) -> LocalBoxFuture<'a, Result<FetchResponse, RuntimeError>> {
        async move {
            let parts = Array::from(&settled(get(url, limit, timeout_ms)).await?);
            let status = parts.get(0).as_f64().unwrap_or_default();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a status has three digits"
            )]
            let status = status as u16;
            let (content_type, cache_control) =
                (parts.get(1).as_string(), parts.get(2).as_string());
            Ok(FetchResponse {
                status,
                content_type,
                cache_control,
                body: Uint8Array::new(&parts.get(3)).to_vec(),
            })
        }
        .boxed_local()
    }
}

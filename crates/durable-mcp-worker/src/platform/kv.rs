//! Workers KV, bound as `OAUTH_KV`.

use futures_util::FutureExt;
use oauth_server::port::{Kv, KvFuture, KvPage};
use worker::Env;
use worker::js_sys::{Array, Promise};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::grant_host::GrantHost;
use super::has_env::HasEnv;
use super::promise::settled;
use super::worker_runtime::WorkerRuntime;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/grants.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = kvGet)]
    fn kv_get(env: &JsValue, key: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = kvPut)]
    fn kv_put(
        env: &JsValue,
        key: &str,
        value: &str,
        expiration: f64,
        metadata: Option<&str>,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = kvDelete)]
    fn kv_delete(env: &JsValue, key: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = kvList)]
    fn kv_list(
        env: &JsValue,
        prefix: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Promise, JsValue>;
}

fn get<'a>(env: &Env, key: &str) -> KvFuture<'a, Option<String>> {
    settled(kv_get(env.as_ref(), key))
        .map(|value| Ok(value?.as_string()))
        .boxed_local()
}

fn put<'a>(
    env: &Env,
    key: &str,
    value: &str,
    expires: u64,
    metadata: Option<&str>,
) -> KvFuture<'a, ()> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 are far from where whole numbers end"
    )]
    let expires = expires as f64;
    let put = kv_put(env.as_ref(), key, value, expires, metadata);
    settled(put).map(|put| put.map(|_| ())).boxed_local()
}

fn delete<'a>(env: &Env, key: &str) -> KvFuture<'a, ()> {
    settled(kv_delete(env.as_ref(), key))
        .map(|deleted| deleted.map(|_| ()))
        .boxed_local()
}

fn page<'a>(env: &Env, prefix: &str, cursor: Option<&str>, limit: usize) -> KvFuture<'a, KvPage> {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let listed = settled(kv_list(env.as_ref(), prefix, cursor, limit));
    async move {
        let listed = Array::from(&listed.await?);
        let mut texts = listed.iter().map(|text| text.as_string());
        let cursor = texts.next().flatten().filter(|cursor| !cursor.is_empty());
        let mut keys = Vec::new();
        // Metadata of another program that is not text counts as absent.
        while let (Some(name), Some(metadata)) = (texts.next(), texts.next()) {
            keys.extend(name.map(|name| (name, metadata)));
        }
        Ok(KvPage { keys, cursor })
    }
    .boxed_local()
}

// The deployment's KV namespace, by a macro, since a foreign trait cannot be implemented for every holder of bindings at once. Records
// are cached for the shortest time that there is, which is the default: 60 seconds.
macro_rules! kv_of_env {
    ($($holder:ty),* $(,)?) => {
        $(impl Kv for $holder {
            fn get<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<String>> {
                get(self.env(), key)
            }

            fn put<'a>(
                &'a self,
                key: &'a str,
                value: &'a str,
                expires: u64,
                metadata: Option<&'a str>,
            ) -> KvFuture<'a, ()> {
                put(self.env(), key, value, expires, metadata)
            }

            fn delete<'a>(&'a self, key: &'a str) -> KvFuture<'a, ()> {
                delete(self.env(), key)
            }

            fn page<'a>(
                &'a self,
                prefix: &'a str,
                cursor: Option<&'a str>,
                limit: usize,
            ) -> KvFuture<'a, KvPage> {
                page(self.env(), prefix, cursor, limit)
            }
        })*
    };
}

kv_of_env!(GrantHost, WorkerRuntime);

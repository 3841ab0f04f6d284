//! A web whose documents tests put there.

use std::cell::RefCell;
use std::collections::BTreeMap;

use durable_core::wire::RuntimeError;
use futures_util::future::{FutureExt, LocalBoxFuture};
use serde_json::Value;

use super::Turn;
use crate::metadata_document::{Fetch, FetchResponse};

/// A web in memory. What is not there is down.
#[derive(Debug, Default)]
pub struct MemoryWeb {
    pages: RefCell<BTreeMap<String, FetchResponse>>,
    asked: RefCell<Vec<(String, u32)>>,
}

impl MemoryWeb {
    /// Puts an answer at a URL.
    pub fn set(&self, url: &str, answer: FetchResponse) {
        self.pages.borrow_mut().insert(url.to_owned(), answer);
    }

    /// Puts a JSON document at a URL.
    pub fn set_json(&self, url: &str, status: u16, document: &Value) {
        let content_type = Some("application/json".to_owned());
        let body = document.to_string().into_bytes();
        self.set(
            url,
            FetchResponse {
                status,
                content_type,
                cache_control: None,
                body,
            },
        );
    }

    /// Takes the page of a URL down: its host does not answer any more.
    pub fn take_down(&self, url: &str) {
        self.pages.borrow_mut().remove(url);
    }

    /// Every URL that was asked for, with the timeout.
    #[must_use]
    pub fn asked(&self) -> Vec<(String, u32)> {
        self.asked.borrow().clone()
    }
}

impl Fetch for MemoryWeb {
    fn get<'a>(
        &'a self,
        url: &'a str,
        limit: usize,
        timeout_ms: u32,
    ) -> LocalBoxFuture<'a, Result<FetchResponse, RuntimeError>> {
        self.asked.borrow_mut().push((url.to_owned(), timeout_ms));
        async move {
            Turn(false).await;
            let page = self.pages.borrow().get(url).cloned();
            let mut page = page.ok_or_else(|| RuntimeError(format!("no route to {url}")))?;
            page.body.truncate(limit + 1);
            Ok(page)
        }
        .boxed_local()
    }
}

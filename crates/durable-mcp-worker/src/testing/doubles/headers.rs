//! Headers of a request, in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;

use durable_core::wire::Headers;

/// Headers by their lower-case names.
#[derive(Clone, Debug, Default)]
pub struct HeaderMap(pub BTreeMap<String, String>);

impl Headers for HeaderMap {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.get(&name.to_ascii_lowercase()).map(Cow::from)
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.clone().into_iter().collect()
    }
}

//! Methods of one's own, beside those of the specification (2026-07-28, Versioning, "Extension Negotiation").

use std::fmt;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;

use crate::context::Context;
use crate::error::Error;
use crate::extract::{Extracting, Extractors, Handler, Rejection, Signature, TWICE};
use crate::method::Method;
use crate::outcome::Json;
use crate::shape::Shape;

type Output = Result<Result<String, Error>, Rejection>;
type Run = dyn Fn(&Context) -> LocalBoxFuture<'static, Output>;

/// A type that the handler of a method can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a method",
    label = "not a method's result",
    note = "return a `Json<T>` of a struct, `()` for an empty result, or a `Result` of one of them whose error is an `Error`"
)]
pub trait IntoMethodResult {
    /// Converts to the JSON of an object.
    ///
    /// # Errors
    /// The handler's own, or a value that is no object in JSON.
    fn into_method_result(self) -> Result<String, Error>;
}

impl IntoMethodResult for () {
    fn into_method_result(self) -> Result<String, Error> {
        Ok("{}".to_owned())
    }
}

impl<T: Serialize> IntoMethodResult for Json<T> {
    fn into_method_result(self) -> Result<String, Error> {
        serde_json::to_string(&self.0)
            .ok()
            .filter(|json| json.starts_with('{'))
            .ok_or_else(|| Error::internal("The result of a method has to be an object."))
    }
}

impl<T: IntoMethodResult, E: Into<Error>> IntoMethodResult for Result<T, E> {
    fn into_method_result(self) -> Result<String, Error> {
        self.map_err(Into::into)?.into_method_result()
    }
}

/// A method of an extension of one's own. Its parameters are the handler's [`Args`](crate::extract::Args).
///
/// The name begins with a domain of yours: `acme.example/ping`. The extension is the name as far as its second `/`, if it has one: that
/// of `acme.example/lab/run` is `acme.example/lab`. It is among the `extensions` of the server's capabilities, and for versions before
/// 2025-11-25 among its `experimental` ones.
#[derive(Clone)]
pub struct OwnMethod {
    pub(crate) name: String,
    pub(crate) signature: Rc<Signature>,
    pub(crate) scopes: Vec<String>,
    pub(crate) shape: Shape,
    run: Rc<Run>,
}

impl OwnMethod {
    /// A method with its name and what answers it.
    pub fn new<A: Extractors, H>(name: impl Into<String>, handler: H) -> Self
    where
        H: Handler<A>,
        H::Output: IntoMethodResult,
    {
        let signature = Rc::new(handler.signature());
        let shape = Shape::of(signature.arguments);
        let run = move |context: &Context| {
            let answer = handler.call(context);
            answer
                .map(|output| output.map(IntoMethodResult::into_method_result))
                .boxed_local()
        };
        Self {
            name: name.into(),
            signature,
            scopes: Vec::new(),
            shape,
            run: Rc::new(run),
        }
    }

    /// Restricts the method to callers that were granted all of these scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The extension that the method is of.
    pub(crate) fn extension(&self) -> &str {
        let second = self.name.match_indices('/').nth(1);
        second.map_or(&*self.name, |(end, _)| {
            self.name.get(..end).unwrap_or(&self.name)
        })
    }

    /// The reason for which the method cannot be served.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let (domain, rest) = self.name.split_once('/').unwrap_or((&self.name, ""));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
        let mut labels = domain.split('.');
        if Method::parse(&self.name).is_some() || labels.clone().count() < 2 || rest.is_empty() {
            Some(
                "a name begins with a domain of yours and `/`, as `acme.example/ping`; others are the specification's",
            )
        } else if labels.any(|label| matches!(label, "modelcontextprotocol" | "mcp")) {
            Some("this domain is the specification's; begin the name with one of yours")
        } else if !self.name.bytes().all(is_plain) {
            Some("a name has A-Z a-z 0-9 _ - . /")
        } else if self.signature.repeats_arguments {
            Some(TWICE)
        } else if self.signature.needs_session || self.signature.becomes_task {
            Some("its handler cannot take `Session` or `Task`, which are for tools")
        } else {
            None
        }
    }

    /// Answers a request with the JSON of the result.
    pub(crate) async fn run(&self, context: &Context) -> Result<String, Rejection> {
        (self.run)(context).await?.map_err(Rejection::Error)
    }
}

impl fmt::Debug for OwnMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnMethod")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(name: &str) -> OwnMethod {
        OwnMethod::new(name, async || ())
    }

    #[test]
    fn the_extension_of_a_method_ends_at_the_second_slash() {
        assert_eq!(method("acme.example/ping").extension(), "acme.example/ping");
        assert_eq!(
            method("acme.example/lab/run").extension(),
            "acme.example/lab"
        );
    }

    #[test]
    fn names_without_a_domain_of_their_own_are_faults() {
        for name in [
            "acme.example/ping",
            "acme.example/lab/run",
            "a-b.example/x_y",
        ] {
            assert_eq!(method(name).fault(), None, "{name}");
        }
        for name in [
            "ping",
            "tools/call",
            "tools/run",
            "initialize",
            "notifications/x",
            "acme.example",
            "acme.example/",
            "io.modelcontextprotocol/x",
            "dev.mcp/x",
            "acme.example/a b",
        ] {
            assert!(method(name).fault().is_some(), "{name}");
        }
    }
}

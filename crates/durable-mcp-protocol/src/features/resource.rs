//! Resources and resource templates (2025-11-25, Resources).

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde_json::Value;

use crate::caching::{CacheScope, Caching, ttl_ms};
use crate::completion::{Completers, IntoValues};
use crate::content::{Annotations, Icon, ResourceContents};
use crate::context::{Arguments, Context};
use crate::error::Error;
use crate::extract::{Extracting, Extractors, Handler, Rejection, Signature, TWICE};
use crate::shape::Shape;
use crate::strings::to_arguments;
use crate::template::UriTemplate;
use crate::uri;

/// A value that the handler of a resource may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a resource holds",
    label = "not a resource's contents",
    note = "return a `String`, a `Vec<u8>`, a `ResourceContents`, a `Vec<ResourceContents>` or a `Result` of one of them"
)]
pub trait IntoContents {
    /// Converts; `uri` and `mime_type` are those the resource is registered with.
    ///
    /// # Errors
    /// The handler's own.
    fn into_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, Error>;
}

fn typed(contents: ResourceContents, mime_type: Option<&str>) -> Vec<ResourceContents> {
    vec![match mime_type {
        Some(mime_type) => contents.mime_type(mime_type),
        None => contents,
    }]
}

impl IntoContents for String {
    fn into_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, Error> {
        Ok(typed(
            ResourceContents::text(uri, self),
            mime_type.or(Some("text/plain")),
        ))
    }
}

impl IntoContents for &'static str {
    fn into_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, Error> {
        self.to_owned().into_contents(uri, mime_type)
    }
}

impl IntoContents for Vec<u8> {
    fn into_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, Error> {
        Ok(typed(ResourceContents::bytes(uri, self), mime_type))
    }
}

impl IntoContents for ResourceContents {
    fn into_contents(self, _: &str, _: Option<&str>) -> Result<Vec<ResourceContents>, Error> {
        Ok(vec![self])
    }
}

impl IntoContents for Vec<ResourceContents> {
    fn into_contents(self, _: &str, _: Option<&str>) -> Result<Vec<ResourceContents>, Error> {
        Ok(self)
    }
}

impl<T: IntoContents, E: Into<Error>> IntoContents for Result<T, E> {
    fn into_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, Error> {
        self.map_err(Into::into)?.into_contents(uri, mime_type)
    }
}

type Output = Result<Result<Vec<ResourceContents>, Error>, Rejection>;
type Run = dyn Fn(&Context, &str, Option<&str>) -> LocalBoxFuture<'static, Output>;

fn erase<A: Extractors, H>(handler: H) -> Rc<Run>
where
    H: Handler<A>,
    H::Output: IntoContents,
{
    Rc::new(move |context, uri, mime_type| {
        let (uri, mime_type) = (uri.to_owned(), mime_type.map(str::to_owned));
        let convert = move |output: H::Output| output.into_contents(&uri, mime_type.as_deref());
        handler
            .call(context)
            .map(|output| output.map(convert))
            .boxed_local()
    })
}

/// A resource: something with a URI that a client can read.
#[derive(Clone)]
pub struct Resource {
    pub(crate) definition: Definition,
    pub(crate) signature: Rc<Signature>,
    pub(crate) caching: Caching,
    run: Rc<Run>,
}

/// A family of resources, by a URI template: [`Args`](crate::extract::Args) of its handler are the template's variables.
#[derive(Clone)]
pub struct ResourceTemplate {
    pub(crate) definition: Definition,
    pub(crate) template: Result<UriTemplate, String>,
    pub(crate) signature: Rc<Signature>,
    pub(crate) completers: Completers,
    pub(crate) shape: Shape,
    pub(crate) caching: Caching,
    run: Rc<Run>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Definition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_template: Option<String>,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Annotations>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    icons: Vec<Icon>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

impl Definition {
    fn new(name: String, uri: Option<String>, uri_template: Option<String>) -> Self {
        Self {
            uri,
            uri_template,
            name,
            title: None,
            description: None,
            mime_type: None,
            annotations: None,
            icons: Vec::new(),
            meta: None,
        }
    }

    /// The URI, or the URI template.
    pub(crate) fn address(&self) -> &str {
        let address = self.uri.as_ref().or(self.uri_template.as_ref());
        address.map_or("", String::as_str)
    }
}

macro_rules! describing {
    ($kind:ident) => {
        impl $kind {
            /// A name for people.
            #[must_use]
            pub fn title(mut self, title: impl Into<String>) -> Self {
                self.definition.title = Some(title.into());
                self
            }

            /// A description of the resource.
            #[must_use]
            pub fn description(mut self, description: impl Into<String>) -> Self {
                self.definition.description = Some(description.into());
                self
            }

            /// The media type of the contents; text is `text/plain` unless this says otherwise.
            #[must_use]
            pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
                self.definition.mime_type = Some(mime_type.into());
                self
            }

            /// The audience and importance of the resource.
            #[must_use]
            pub fn annotations(mut self, annotations: Annotations) -> Self {
                self.definition.annotations = Some(annotations);
                self
            }

            /// A picture for people.
            #[must_use]
            pub fn icon(mut self, icon: Icon) -> Self {
                self.definition.icons.push(icon);
                self
            }

            /// The `_meta` object of the resource in lists.
            #[must_use]
            pub fn meta(mut self, meta: Value) -> Self {
                self.definition.meta = Some(meta);
                self
            }

            /// The time for which a client may reuse the contents; without it, the client reads them each time.
            #[must_use]
            pub fn ttl(mut self, ttl: Duration) -> Self {
                self.caching.ttl_ms = ttl_ms(ttl);
                self
            }

            /// Says that the contents are the same for everybody, so that a cache may give what one user read to another.
            #[must_use]
            pub fn public(mut self) -> Self {
                self.caching.scope = CacheScope::Public;
                self
            }

            /// Reads the resource.
            pub(crate) async fn read(
                &self,
                context: &Context,
                uri: &str,
            ) -> Result<Vec<ResourceContents>, Rejection> {
                (self.run)(context, uri, self.definition.mime_type.as_deref())
                    .await?
                    .map_err(Rejection::Error)
            }
        }

        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($kind))
                    .field("name", &self.definition.name)
                    .finish_non_exhaustive()
            }
        }
    };
}

describing!(Resource);
describing!(ResourceTemplate);

impl Resource {
    /// A resource with a name, its URI, and what reads it.
    pub fn new<A: Extractors, H>(
        name: impl Into<String>,
        uri: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Handler<A>,
        H::Output: IntoContents,
    {
        let signature = Rc::new(handler.signature());
        let definition = Definition::new(name.into(), Some(uri.into()), None);
        Self {
            definition,
            signature,
            caching: Caching::default(),
            run: erase(handler),
        }
    }

    /// The reason for which the resource cannot be served.
    pub(crate) fn fault(&self) -> Option<String> {
        let twice = || self.signature.repeats_arguments.then(|| TWICE.to_owned());
        uri::fault(self.definition.address()).or_else(twice)
    }
}

impl ResourceTemplate {
    /// A family of resources with a name, their URI template, and what reads one of them.
    pub fn new<A: Extractors, H>(
        name: impl Into<String>,
        template: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Handler<A>,
        H::Output: IntoContents,
    {
        let text = template.into();
        let signature = Rc::new(handler.signature());
        let shape = Shape::of(signature.arguments);
        let template = UriTemplate::parse(&text);
        let definition = Definition::new(name.into(), None, Some(text));
        let (completers, caching) = (Completers::default(), Caching::default());
        Self {
            definition,
            template,
            signature,
            completers,
            shape,
            caching,
            run: erase(handler),
        }
    }

    /// The reason for which the template cannot be served, as far as that is known without a schema.
    pub(crate) fn fault(&self) -> Option<String> {
        let template = match &self.template {
            Ok(template) => template,
            Err(fault) => return Some(fault.clone()),
        };
        let twice = || self.signature.repeats_arguments.then(|| TWICE.to_owned());
        template.fault().or_else(twice)
    }

    /// The values of variables, as its handler reads them.
    ///
    /// # Errors
    /// The argument that breaks a constraint, and the constraint.
    pub(crate) fn arguments(
        &self,
        variables: &BTreeMap<String, String>,
    ) -> Result<Arguments, String> {
        to_arguments(variables, &self.shape)
    }

    /// Completes a variable while a person types.
    #[must_use]
    pub fn complete<A: Extractors, H>(mut self, variable: impl Into<String>, handler: H) -> Self
    where
        H: Handler<A>,
        H::Output: IntoValues,
    {
        self.completers.add(variable.into(), handler);
        self
    }
}
